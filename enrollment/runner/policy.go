package runner

import (
	"context"
	"encoding/json"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Policy returns the installation's rules.
func (r *Runner) Policy(ctx context.Context) (enrollment.Policy, error) {
	p, err := r.policy(ctx, enrollment.Tenant{})
	return p, asProblem(err)
}

// Policy returns the rules that hold for the tenant.
func (t *Tenant) Policy(ctx context.Context) (enrollment.Policy, error) {
	c, err := t.look(ctx)
	if err != nil {
		return enrollment.Policy{}, err
	}
	return c.policy, nil
}

// SetPolicy changes the installation's rules; what rules leaves out stays. It holds from each machine's next step.
func (r *Runner) SetPolicy(ctx context.Context, by enrollment.Actor, rules enrollment.PolicyChange) (enrollment.Policy, error) {
	if err := validActor(by); err != nil {
		return enrollment.Policy{}, err
	}
	var next enrollment.Policy
	err := r.changeInstallation(ctx, func(c *change) error {
		merged := c.whole.Value.Policy.And(rules)
		next = enrollment.DefaultPolicy().With(merged)
		if err := next.Validate(); err != nil {
			return err
		}
		c.whole.Value.Policy = merged
		return c.noteInstallation(ctx, policySet(by, rules))
	})
	return next, err
}

// SetPolicy changes the rules that hold for the tenant, in place of the installation's.
func (t *Tenant) SetPolicy(ctx context.Context, by enrollment.Actor, rules enrollment.PolicyChange) (enrollment.Policy, error) {
	if err := validActor(by); err != nil {
		return enrollment.Policy{}, err
	}
	var next enrollment.Policy
	err := t.change(ctx, func(c *change) error {
		if err := c.open(ctx, by); err != nil {
			return err
		}
		merged := c.tenant.Value.Policy.And(rules)
		if err := c.installation(ctx); err != nil {
			return err
		}
		next = enrollment.DefaultPolicy().With(c.whole.Value.Policy).With(merged)
		if err := next.Validate(); err != nil {
			return err
		}
		c.tenant.Value.Policy = merged
		return c.noteTenant(ctx, policySet(by, rules))
	})
	return next, err
}

func policySet(by enrollment.Actor, rules enrollment.PolicyChange) enrollment.AuditFact {
	text, _ := json.Marshal(rules) // plain numbers: it cannot fail
	return enrollment.AuditFact{Act: enrollment.ActPolicySet, By: by, Detail: map[string]string{"change": string(text)}}
}
