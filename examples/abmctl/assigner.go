package main

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

// assigner moves the devices of those tenants that have an API account. For the others a person does at Apple's portal, with
// the serial numbers that `abmctl migrate` gives out; an account that comes or goes meanwhile counts from the next call.
type assigner struct {
	clients *clients
	api     *axm.Organizations
}

var _ enrollment.Assigner = assigner{}

func (a assigner) Assign(ctx context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	has, err := a.clients.hasAccount(ctx, r.Service.Tenant)
	switch {
	case err != nil:
		return enrollment.Activity{}, &enrollment.CallError{Outcome: enrollment.Retry, Err: err} // nothing was sent
	case !has:
		return enrollment.Activity{State: enrollment.ActivityByHand}, nil
	}
	return a.api.Assign(ctx, r)
}

func (a assigner) Activity(ctx context.Context, tenant enrollment.TenantID, id string) (enrollment.Activity, error) {
	has, err := a.clients.hasAccount(ctx, tenant)
	switch {
	case err != nil:
		return enrollment.Activity{}, err
	case !has: // the account is gone by which it was asked for
		return enrollment.Activity{}, fmt.Errorf("%w: the tenant has no API account", enrollment.ErrNoActivity)
	}
	return a.api.Activity(ctx, tenant, id)
}
