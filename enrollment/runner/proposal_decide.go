package runner

import (
	"context"
	"strconv"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// Approved is a person's word for what they saw.
type Approved struct {
	// Digest is that of the plan or proposal as the person saw it: a word for something else does not count.
	Digest string
	// Signature over the digest, where the host has [Config.Approvals]; else empty.
	Signature []byte
}

// ApproveProposal is a person's word for a proposal of the installation. With the last word that is needed, what it proposes
// is done in the same write.
func (r *Runner) ApproveProposal(ctx context.Context, by enrollment.Actor, id string, word Approved) (ProposalView, error) {
	return r.scope().approve(ctx, by, id, word)
}

// ApproveProposal is a person's word for a proposal of the tenant, as [Runner.ApproveProposal] is for one of the installation.
func (t *Tenant) ApproveProposal(ctx context.Context, by enrollment.Actor, id string, word Approved) (ProposalView, error) {
	return t.scope().approve(ctx, by, id, word)
}

// RejectProposal ends a proposal of the installation: one person who is against it is enough, and its author withdraws it so.
func (r *Runner) RejectProposal(ctx context.Context, by enrollment.Actor, id, reason string) (ProposalView, error) {
	return r.scope().decide(ctx, by, id, migration.RejectRequested{By: by, Reason: reason})
}

// RejectProposal ends a proposal of the tenant, as [Runner.RejectProposal] does one of the installation.
func (t *Tenant) RejectProposal(ctx context.Context, by enrollment.Actor, id, reason string) (ProposalView, error) {
	return t.scope().decide(ctx, by, id, migration.RejectRequested{By: by, Reason: reason})
}

func (s scope) approve(ctx context.Context, by enrollment.Actor, id string, word Approved) (ProposalView, error) {
	if err := s.r.verifyApproval(ctx, enrollment.TenantID(s.tenant), by, id, word); err != nil {
		return ProposalView{}, err
	}
	return s.decide(ctx, by, id, migration.ApproveRequested{By: by, Digest: word.Digest, Signature: word.Signature})
}

func (s scope) decide(ctx context.Context, by enrollment.Actor, id string, ev migration.ProposalEvent) (ProposalView, error) {
	if err := validActor(by); err != nil {
		return ProposalView{}, err
	}
	var view ProposalView
	err := s.change(ctx, func(c *change) error {
		if c.tenant != nil {
			if err := c.stillOpen(); err != nil {
				return err
			}
		}
		p, err := c.proposalsSeen.get(ctx, c, id)
		if err != nil {
			return err
		}
		if err := c.stepProposal(ctx, p, ev, by); err != nil {
			return err
		}
		about, err := c.proposable(ctx)
		view = ProposalView{Proposal: p.Value.Proposal, Allowed: p.Value.Allowed(c.now, about, by)}
		return err
	})
	if err != nil {
		return ProposalView{}, err
	}
	if view.Change.Lift && view.State == migration.ProposalApproved {
		s.tellPlans(ctx)
	}
	return view, nil
}

// verifyApproval holds an approval against the host's verifier, before any write.
func (r *Runner) verifyApproval(ctx context.Context, tenant enrollment.TenantID, by enrollment.Actor, subject string, word Approved) error {
	if err := validActor(by); err != nil {
		return err
	}
	if len(word.Signature) > enrollment.MaxSignature {
		return invalid("signature", "at most "+strconv.Itoa(enrollment.MaxSignature)+" bytes")
	}
	if r.cfg.Approvals == nil {
		return nil
	}
	err := r.cfg.Approvals.VerifyApproval(ctx, enrollment.ApprovalClaim{
		Tenant: tenant, Subject: subject, Digest: word.Digest, By: by, Signature: word.Signature,
	})
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return enrollment.NewProblem(enrollment.CodeRefused, "state", "unsigned",
		"next", "Sign the digest with your own key; this installation takes no approval without").Because(err)
}
