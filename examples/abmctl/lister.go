package main

import (
	"context"
	"errors"
	"iter"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// lister shows the devices of a service by its server token or, where that is dead or was lost with the server, by the tenant's
// API account.
type lister struct {
	services, api enrollment.DeviceLister
	hasAccount    func(context.Context, enrollment.TenantID) (bool, error)
}

var _ enrollment.DeviceLister = lister{}

// Devices implements [enrollment.DeviceLister].
func (l lister) Devices(ctx context.Context, s enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return func(yield func(enrollment.AssignedDevice, error) bool) {
		began := false
		for d, err := range l.services.Devices(ctx, s) {
			if !began && noToken(err) {
				l.devicesWithoutToken(ctx, s, err)(yield)
				return
			}
			began = true
			if !yield(d, err) {
				return
			}
		}
	}
}

func (l lister) devicesWithoutToken(ctx context.Context, s enrollment.Service, cause error) iter.Seq2[enrollment.AssignedDevice, error] {
	if err := l.reachable(ctx, s, cause); err != nil {
		return func(yield func(enrollment.AssignedDevice, error) bool) { yield(enrollment.AssignedDevice{}, err) }
	}
	return l.api.Devices(ctx, s)
}

// Lookup implements [enrollment.DeviceLister].
func (l lister) Lookup(ctx context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	seen, err := l.services.Lookup(ctx, s, serials)
	if !noToken(err) {
		return seen, err
	}
	if err := l.reachable(ctx, s, err); err != nil {
		return nil, err
	}
	return l.api.Lookup(ctx, s, serials)
}

// noToken reports whether no token of the service works any more.
func noToken(err error) bool {
	return errors.Is(err, abmtoken.ErrRejected) || errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound})
}

// reachable says what to do where the service can be asked in no way.
func (l lister) reachable(ctx context.Context, s enrollment.Service, cause error) error {
	has, err := l.hasAccount(ctx, s.Tenant)
	if has || err != nil {
		return err
	}
	problem := enrollment.NewProblem(enrollment.CodeRejected, "reason", "", "admin", "").Because(cause)
	problem.Title = "The devices of " + s.Name + " cannot be seen: it has no server token that works"
	problem.Next = "Give its token anew, or an API account, which sees them without: abmctl api-account add. For a plan, leave --from " +
		"out where its service is gone, and give the devices as a list"
	return problem
}
