package main

import (
	"context"
	"reflect"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// installationID is what the rules of the whole installation are called.
const installationID = "installation"

type policyShow struct {
	Installation bool `help:"The installation's rules, not the tenant's."`
}

func (c *policyShow) subject() subject { return subject{} }

func (c *policyShow) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	id, policy := string(h.Tenant), h.tenant().Policy
	if c.Installation {
		id, policy = installationID, h.lib.Policy
	}
	p, err := policy(ctx)
	return rulesOf(id, p), err
}

type policySet struct {
	Installation bool `help:"For the whole installation, not the tenant."`

	renewalRules
	moveRules
	wipeRules
}

// Help is shown with --help.
func (*policySet) Help() string {
	return `A change by which more could be wiped, sooner, or on fewer people's word is proposed only: the rules stay until
somebody else has approved it with abmctl proposal approve. So is the first --wipes=on. Every other change is made at once.`
}

func (c *policySet) subject() subject { return subject{} }

func (c *policySet) do(ctx context.Context, h *host) (answer, error) {
	var change enrollment.PolicyChange
	c.renewalRules.set(&change)
	c.moveRules.set(&change)
	change.Wipes = c.wipeRules.change()
	if reflect.ValueOf(change).IsZero() { // it would stand in the audit as a change
		return nil, wrong("rules", "at least one flag such as --probe-every=1d; abmctl policy show says what holds")
	}
	if err := h.open(ctx, writes); err != nil {
		return nil, err
	}
	id, set := string(h.Tenant), h.tenant().SetPolicy
	if c.Installation {
		id, set = installationID, h.lib.SetPolicy
	}
	p, err := set(ctx, h.actor(), change)
	return h.ruled(id, p, err)
}

type policyInherit struct{}

// Help is shown with --help.
func (*policyInherit) Help() string {
	return `Takes back every rule that was set for the tenant, so that those of the installation hold for it again. Where they are looser
about wipes they are proposed first: repeat the command once somebody else has approved that.`
}

func (*policyInherit) subject() subject { return subject{} }

func (*policyInherit) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, writes); err != nil {
		return nil, err
	}
	p, err := h.tenant().InheritPolicy(ctx, h.actor())
	return h.ruled(string(h.Tenant), p, err)
}

// ruled shows the rules after somebody wanted to change them.
func (h *host) ruled(id string, p runner.PolicyView, err error) (answer, error) {
	if err != nil {
		return nothing{subject{ID: id}}, err
	}
	ans := rulesOf(id, p.Policy)
	if p.Proposal != nil {
		ans.Proposal = h.proposed(*p.Proposal, p.Policy)
	}
	return ans, nil
}

// proposed is a proposal that was just made; a person is told what becomes of it.
func (h *host) proposed(v runner.ProposalView, now enrollment.Policy) *proposalAnswer {
	ans := aboutProposal(v, now)
	h.hint("Nothing has changed yet: %s to approve it with: abmctl proposal approve %s", others(v.Needed-len(v.Approvals)), v.ID)
	return &ans
}
