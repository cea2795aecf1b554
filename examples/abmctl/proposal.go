package main

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

type proposalList struct{}

func (*proposalList) subject() subject { return subject{} }

func (*proposalList) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	list := proposalsAnswer{}
	var damaged error
	for _, whole := range []bool{false, true} {
		s := h.rulesScope(whole)
		now, err := s.policy(ctx)
		if err != nil {
			return nil, err
		}
		if err := s.each(ctx, h.actor(), func(v runner.ProposalView) { list = append(list, aboutProposal(v, now)) }, &damaged); err != nil {
			return nil, err
		}
	}
	return list, damaged
}

type proposalApprove struct {
	ID        string `arg:"" name:"proposal" placeholder:"PROPOSAL" help:"The proposal's ID; see abmctl proposal list."`
	Digest    string `placeholder:"DIGEST" help:"That of the proposal as you saw it (what the ID stands for now)."`
	Signature string `placeholder:"FILE" help:"Your signature; see abmctl approval text."`
}

// Help is shown with --help.
func (*proposalApprove) Help() string {
	return `Somebody other than the author approves a change. With the last approval that is needed it is made at once.`
}

func (c *proposalApprove) subject() subject { return subject{ID: c.ID} }

func (c *proposalApprove) do(ctx context.Context, h *host) (answer, error) {
	signature, err := h.signature(c.Signature)
	if err != nil {
		return nil, err
	}
	return h.onProposal(ctx, c.ID, func(s rulesScope, seen runner.ProposalView) (runner.ProposalView, error) {
		// What an ID proposes never changes; what it is to change might have, and then the digest does not fit any more.
		word := runner.Approved{Digest: seen.Digest, Signature: signature}
		if c.Digest != "" {
			word.Digest = c.Digest
		}
		view, err := s.approve(ctx, h.actor(), c.ID, word)
		if err == nil && view.State == migration.ProposalOvertaken {
			problem := enrollment.NewProblem(enrollment.CodeRefused, "state", string(view.State))
			problem.Title, problem.Next = "What it was to change has changed since; nothing was done", "Propose the change anew"
			err = problem
		}
		return view, unsigned(err)
	})
}

type proposalReject struct {
	ID     string `arg:"" name:"proposal" placeholder:"PROPOSAL" help:"The proposal's ID; see abmctl proposal list."`
	Reason string `placeholder:"TEXT" help:"Why, for the audit."`
}

func (c *proposalReject) subject() subject { return subject{ID: c.ID} }

func (c *proposalReject) do(ctx context.Context, h *host) (answer, error) {
	return h.onProposal(ctx, c.ID, func(s rulesScope, _ runner.ProposalView) (runner.ProposalView, error) {
		return s.reject(ctx, h.actor(), c.ID, c.Reason)
	})
}

// onProposal opens the store, finds the proposal and decides about it.
func (h *host) onProposal(
	ctx context.Context, id string, do func(rulesScope, runner.ProposalView) (runner.ProposalView, error),
) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	s, seen, err := h.proposal(ctx, id)
	if err != nil {
		return nil, err
	}
	policy, err := s.policy(ctx)
	if err != nil {
		return nil, err
	}
	view, err := do(s, seen)
	if view.ID == "" {
		view = seen
	}
	return aboutProposal(view, policy), err
}

// proposal finds a proposal of the tenant, or of the installation.
func (h *host) proposal(ctx context.Context, id string) (rulesScope, runner.ProposalView, error) {
	for _, whole := range []bool{false, true} {
		s := h.rulesScope(whole)
		var found runner.ProposalView
		var damaged error
		if err := s.each(ctx, h.actor(), func(v runner.ProposalView) {
			if v.ID == id {
				found = v
			}
		}, &damaged); err != nil {
			return s, found, err
		}
		if found.ID != "" {
			return s, found, nil
		}
	}
	problem := enrollment.NewProblem(enrollment.CodeNotFound, "what", "proposal "+id)
	problem.Next = "See: abmctl proposal list; that of another tenant is found with --tenant"
	return rulesScope{}, runner.ProposalView{}, problem
}

// rulesScope is where rules and kill switches hold: the tenant, or the whole installation.
type rulesScope struct {
	policy    func(context.Context) (enrollment.Policy, error)
	proposals func(context.Context, enrollment.Actor, runner.Page) (runner.ProposalPage, error)
	approve   func(context.Context, enrollment.Actor, string, runner.Approved) (runner.ProposalView, error)
	reject    func(context.Context, enrollment.Actor, string, string) (runner.ProposalView, error)
}

func (h *host) rulesScope(installation bool) rulesScope {
	if installation {
		return rulesScope{h.lib.Policy, h.lib.Proposals, h.lib.ApproveProposal, h.lib.RejectProposal}
	}
	t := h.tenant()
	return rulesScope{t.Policy, t.Proposals, t.ApproveProposal, t.RejectProposal}
}

// each walks through the proposals of a scope.
func (s rulesScope) each(ctx context.Context, by enrollment.Actor, see func(runner.ProposalView), damaged *error) error {
	for page := (runner.Page{Limit: storage.MaxPage}); ; {
		list, err := s.proposals(ctx, by, page)
		if err != nil {
			return err
		}
		for _, v := range list.Proposals {
			see(v)
		}
		if len(list.Damaged) > 0 && *damaged == nil {
			*damaged = list.Damaged[0]
		}
		if !list.More {
			return nil
		}
		page.After = list.Next
	}
}
