package runner

import (
	"context"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Tenant carries every call of one customer. The ID of anything that belongs to somebody else is not found here.
type Tenant struct {
	r  *Runner
	id enrollment.TenantID
}

// Tenant returns the scope of one customer. Nothing is read; a tenant comes into being with its first server.
func (r *Runner) Tenant(id enrollment.TenantID) *Tenant { return &Tenant{r: r, id: id} }

// ID returns whose scope this is.
func (t *Tenant) ID() enrollment.TenantID { return t.id }

// Show returns what is kept about the tenant as a whole.
func (t *Tenant) Show(ctx context.Context) (enrollment.Tenant, error) {
	if err := validTenant(t.id); err != nil {
		return enrollment.Tenant{}, err
	}
	item, err := t.r.tenants.Get(ctx, string(t.id), onlyID)
	return item.Value, asProblem(missing(err, "tenant"))
}

// opened returns the tenant, unless nothing is left of it. A tenant that does not exist yet is an empty one.
func (t *Tenant) opened(ctx context.Context) (enrollment.Tenant, error) {
	if err := validTenant(t.id); err != nil {
		return enrollment.Tenant{}, err
	}
	item, _, err := find(ctx, t.r.tenants, string(t.id), onlyID)
	if err != nil {
		return enrollment.Tenant{}, asProblem(err)
	}
	return item.Value, nil
}

func (t *Tenant) change(ctx context.Context, decide func(*change) error) error {
	if err := validTenant(t.id); err != nil {
		return err
	}
	return t.r.change(ctx, t.id, decide)
}

// look is a change that is made for what it reads.
func (t *Tenant) look(ctx context.Context) (*change, error) {
	if err := validTenant(t.id); err != nil {
		return nil, err
	}
	c, err := t.r.newChange(ctx, t.id)
	return c, asProblem(err)
}

const (
	maxName = 128 // bytes of a tenant's ID, a site or a name
)

func validTenant(id enrollment.TenantID) error {
	if id == "" || len(id) > maxName || !printable(string(id)) || strings.Contains(string(id), "/") {
		return invalid("tenant", "1 to 128 printable characters without a slash")
	}
	return nil
}

func validActor(by enrollment.Actor) error {
	if !by.Valid() || !printable(by.ID+by.Name+by.Source) || len(by.ID)+len(by.Name)+len(by.Source) > 4*maxName {
		return invalid("actor", "an ID and a kind (person, key or system), as the host's own login knows them")
	}
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\uFFFD' })
}
