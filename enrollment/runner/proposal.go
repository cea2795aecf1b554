package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// proposalRecord is a proposal, which is kept for a while once it was decided.
type proposalRecord struct {
	migration.Proposal
	KeepUntil time.Time `json:"keep_until,omitzero"`
}

// wake is when an open proposal expires, and when a decided one may go.
func (p proposalRecord) wake() time.Time {
	if p.State.Live() {
		return p.Wake()
	}
	return p.KeepUntil
}

// proposalSpec signs for the installation, which has proposals of its own.
var proposalSpec = storage.Spec[proposalRecord]{
	Kind: KindProposal, Schema: 1, Installation: true,
	Columns: func(p proposalRecord) storage.Columns {
		return storage.Columns{State: string(p.State), Wake: p.wake()}
	},
}

// ProposalView is a proposal as a person sees it.
type ProposalView struct {
	migration.Proposal
	// Allowed is what the person who asks may do now.
	Allowed []migration.EventName `json:"allowed,omitempty"`
}

// ProposalPage is one page of proposals.
type ProposalPage struct {
	Proposals []ProposalView
	Damaged   []error // of records that could not be read
	Next      storage.Position
	More      bool
}

// proposable is what proposals here are about, which the write holds.
func (c *change) proposable(ctx context.Context) (migration.Proposable, error) {
	policy, err := c.heldPolicy(ctx)
	if err != nil {
		return migration.Proposable{}, err
	}
	held, err := c.killSwitch(ctx, c.owner())
	if err != nil {
		return migration.Proposable{}, err
	}
	return migration.Proposable{Policy: policy, Switch: held.Value}, nil
}

func (c *change) propose(ctx context.Context, by enrollment.Actor, id string, wish migration.ProposedChange) (ProposalView, error) {
	about, err := c.proposable(ctx)
	if err != nil {
		return ProposalView{}, err
	}
	tr, err := migration.Propose(c.now, id, enrollment.TenantID(c.owner()), by, wish, about)
	if err != nil {
		return ProposalView{}, err
	}
	c.proposalsSeen.add(c, id, proposalRecord{Proposal: tr.Proposal}).moved = true
	return ProposalView{Proposal: tr.Proposal, Allowed: tr.Proposal.Allowed(c.now, about, by)}, c.noteScope(ctx, tr.Audit...)
}

// stepProposal takes one event of a proposal. What it proposed is done in the same write in which the last approval is taken.
func (c *change) stepProposal(ctx context.Context, p *tracked[proposalRecord], ev migration.ProposalEvent, by enrollment.Actor) error {
	about, err := c.proposable(ctx)
	if err != nil {
		return err
	}
	tr, err := p.Value.Step(c.now, about, ev)
	if err != nil || !tr.Moved {
		return err
	}
	p.Value.Proposal, p.moved = tr.Proposal, true
	if !tr.Proposal.State.Live() {
		p.Value.KeepUntil = tr.Proposal.EndedAt.Add(about.Policy.KeepFinished)
	}
	if tr.Lifted != nil {
		held, err := c.killSwitch(ctx, c.owner())
		if err != nil {
			return err
		}
		held.Value, held.moved = *tr.Lifted, true
	}
	if tr.Rules != nil {
		if err := about.Policy.With(*tr.Rules).Validate(); err != nil {
			return err
		}
		if err := c.setRules(ctx, by, *tr.Rules); err != nil {
			return err
		}
	}
	return c.noteScope(ctx, tr.Audit...)
}

// sweepProposal deletes a proposal that was decided long enough ago; the audit of it stays.
func (c *change) sweepProposal(p *tracked[proposalRecord]) {
	if p.Value.State.Live() || c.now.Before(p.Value.KeepUntil) {
		return
	}
	if until := p.Value.EndedAt.Add(c.policy.KeepFinished); c.now.Before(until) { // the rules have changed since
		p.Value.KeepUntil, p.moved = until, true
		return
	}
	delete(c.proposalsSeen.seen, p.ID)
	c.write.Delete = append(c.write.Delete, p.Ref())
}

// deciding is the job of a proposal: it expires, and is swept when it was decided long ago.
func (c *change) deciding(p *tracked[proposalRecord]) job {
	return job{
		record: p, moved: &p.moved,
		tick: func(ctx context.Context) error {
			if !p.Value.State.Live() {
				c.sweepProposal(p)
				return nil
			}
			return c.stepProposal(ctx, p, migration.ProposalTicked{}, enrollment.Nobody)
		},
		due: func() []enrollment.Effect { return nil },
		// Proposals send no notices: who made one asks the others.
		notified: func(context.Context, enrollment.Result) error { return nil },
	}
}

// Proposals returns the installation's proposals, decided ones too, and what this person may do with each.
func (r *Runner) Proposals(ctx context.Context, by enrollment.Actor, page Page) (ProposalPage, error) {
	return r.scope().proposals(ctx, by, page)
}

// Proposals returns the tenant's proposals, as [Runner.Proposals] does those of the installation.
func (t *Tenant) Proposals(ctx context.Context, by enrollment.Actor, page Page) (ProposalPage, error) {
	return t.scope().proposals(ctx, by, page)
}

func (s scope) proposals(ctx context.Context, by enrollment.Actor, page Page) (ProposalPage, error) {
	c, err := s.look(ctx)
	if err != nil {
		return ProposalPage{}, err
	}
	q, err := page.query(storage.Query{Tenant: s.tenant})
	if err != nil {
		return ProposalPage{}, err
	}
	about, err := c.proposable(ctx)
	if err != nil {
		return ProposalPage{}, asProblem(err)
	}
	var p ProposalPage
	p.Proposals, p.Damaged, p.Next, p.More, err = list(ctx, c.proposals, c.store, q,
		func(item storage.Item[proposalRecord]) (ProposalView, error) {
			return ProposalView{Proposal: item.Value.Proposal, Allowed: item.Value.Allowed(c.now, about, by)}, nil
		})
	return p, asProblem(err)
}
