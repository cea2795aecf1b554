package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// TenantAPIAccount is the API account of one tenant.
type TenantAPIAccount struct {
	Tenant enrollment.TenantID `json:"tenant"`
	enrollment.APIAccount
}

// APIAccountPage is one part of a list of API accounts.
type APIAccountPage struct {
	Accounts []TenantAPIAccount // of those tenants of this part that have one
	Next     storage.Position   // where the next page begins; meaningful only if More
	More     bool
	// Damaged has an error for each tenant whose record cannot be read; the others are listed all the same.
	Damaged []error
}

// APIAccounts lists the API accounts of the installation by tenant, without their keys.
func (r *Runner) APIAccounts(ctx context.Context, page Page) (APIAccountPage, error) {
	q, err := page.query(storage.Query{AllTenants: true})
	if err != nil {
		return APIAccountPage{}, err
	}
	var out APIAccountPage
	var tenants []enrollment.Tenant
	tenants, out.Damaged, out.Next, out.More, err = list(ctx, r.tenants, r.store, q,
		func(item storage.Item[enrollment.Tenant]) (enrollment.Tenant, error) { return item.Value, nil })
	for _, t := range tenants {
		if t.API != nil {
			out.Accounts = append(out.Accounts, TenantAPIAccount{t.ID, *t.API})
		}
	}
	return out, asProblem(err)
}
