package runner

import (
	"context"
	"encoding/json"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// PolicyView are the rules that hold after somebody wanted to change them.
type PolicyView struct {
	enrollment.Policy
	// Proposal is what became of the wish where no single person may make the change: the rules stay until somebody else has
	// approved it. Nil: the change was made.
	Proposal *ProposalView `json:"proposal,omitempty"`
}

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

// SetPolicy changes the installation's rules; what rules leaves out stays. It holds from each machine's next step. A change
// by which more could be wiped, sooner, or on fewer people's word, is proposed only: see [PolicyView].
func (r *Runner) SetPolicy(ctx context.Context, by enrollment.Actor, rules enrollment.PolicyChange) (PolicyView, error) {
	return r.scope().setPolicy(ctx, by, rules)
}

// SetPolicy changes the rules that hold for the tenant, in place of the installation's, as [Runner.SetPolicy] does.
func (t *Tenant) SetPolicy(ctx context.Context, by enrollment.Actor, rules enrollment.PolicyChange) (PolicyView, error) {
	return t.scope().setPolicy(ctx, by, rules)
}

// InheritPolicy takes back every rule that was set for the tenant, so that the installation's hold for it again, now and
// whenever they change. Where the installation's are looser about wipes, no single person may do that: the installation's
// rules are proposed as the tenant's, and once others have approved them, the next call takes them back.
func (t *Tenant) InheritPolicy(ctx context.Context, by enrollment.Actor) (PolicyView, error) {
	return t.scope().rule(ctx, by, func(c *change) (enrollment.PolicyChange, func() error) {
		return c.installationPolicy().Change(), func() error { return c.inheritRules(ctx, by) }
	})
}

func (s scope) setPolicy(ctx context.Context, by enrollment.Actor, rules enrollment.PolicyChange) (PolicyView, error) {
	return s.rule(ctx, by, func(c *change) (enrollment.PolicyChange, func() error) {
		return rules, func() error { return c.setRules(ctx, by, rules) }
	})
}

// rule makes a change of rules that one person may make, and proposes another.
func (s scope) rule(
	ctx context.Context, by enrollment.Actor, wish func(*change) (rules enrollment.PolicyChange, set func() error),
) (PolicyView, error) {
	if err := validActor(by); err != nil {
		return PolicyView{}, err
	}
	id := s.r.cfg.NewID("prp")
	var view PolicyView
	err := s.change(ctx, func(c *change) error {
		view = PolicyView{}
		if c.tenant != nil {
			if err := c.open(ctx, by); err != nil {
				return err
			}
		}
		now, err := c.heldPolicy(ctx)
		if err != nil {
			return err
		}
		rules, set := wish(c)
		next := now.With(rules)
		if err := next.Validate(); err != nil {
			return err
		}
		if len(now.Loosened(next)) > 0 {
			proposal, err := c.propose(ctx, by, id, migration.ProposedChange{Rules: &rules})
			view = PolicyView{Policy: now, Proposal: &proposal}
			return err
		}
		view.Policy = next
		return set()
	})
	if err != nil {
		return PolicyView{}, err
	}
	return view, nil
}

// setRules changes the rules that hold here, in this write.
func (c *change) setRules(ctx context.Context, by enrollment.Actor, rules enrollment.PolicyChange) error {
	own, moved := c.ownRules()
	*own, *moved = own.And(rules), true
	text, _ := json.Marshal(rules) // plain numbers: it cannot fail
	return c.noteScope(ctx, enrollment.NewAuditFact(enrollment.ActPolicySet, by, "change", string(text)))
}

// inheritRules takes back the rules that were set for the tenant, in this write.
func (c *change) inheritRules(ctx context.Context, by enrollment.Actor) error {
	own, moved := c.ownRules()
	*own, *moved = enrollment.PolicyChange{}, true
	return c.noteScope(ctx, enrollment.NewAuditFact(enrollment.ActPolicySet, by, "change", "inherit"))
}
