package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
)

// scope is where rules and a kill switch hold: the installation, or one tenant.
type scope struct {
	r      *Runner
	tenant string // empty: the installation
	change func(ctx context.Context, decide func(*change) error) error
	look   func(ctx context.Context) (*change, error)
}

func (r *Runner) scope() scope {
	return scope{r: r, change: r.changeInstallation, look: func(ctx context.Context) (*change, error) {
		c, err := r.newChange(ctx, "")
		return c, asProblem(err)
	}}
}

func (t *Tenant) scope() scope {
	return scope{r: t.r, tenant: string(t.id), change: t.change, look: t.look}
}

// noteScope appends facts to the history of the installation, or of the tenant whose change it is.
func (c *change) noteScope(ctx context.Context, facts ...enrollment.AuditFact) error {
	if c.tenant == nil {
		return c.noteInstallation(ctx, facts...)
	}
	return c.noteTenant(ctx, facts...)
}

// installationPolicy are the rules of the installation, which the write holds.
func (c *change) installationPolicy() enrollment.Policy {
	return enrollment.DefaultPolicy().With(c.whole.Value.Policy)
}

// heldPolicy returns the rules that hold here, so that the write holds all of them.
func (c *change) heldPolicy(ctx context.Context) (enrollment.Policy, error) {
	if err := c.installation(ctx); err != nil {
		return enrollment.Policy{}, err
	}
	p := c.installationPolicy()
	if c.tenant != nil {
		p = p.With(c.tenant.Value.Policy)
	}
	return p, nil
}

// ownRules returns the changes of policy that were made here so far.
func (c *change) ownRules() (rules *enrollment.PolicyChange, moved *bool) {
	if c.tenant == nil {
		return &c.whole.Value.Policy, &c.whole.moved
	}
	return &c.tenant.Value.Policy, &c.tenant.moved
}
