package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// ProposalEvent is something that a [Proposal] takes notice of: [ApproveRequested], [RejectRequested] and [ProposalTicked].
type ProposalEvent interface {
	Name() EventName
	proposal()
}

// ProposalTicked says that time has passed.
type ProposalTicked struct{}

// Name implements [ProposalEvent].
func (ProposalTicked) Name() EventName { return EventTick }

func (ProposalTicked) proposal()   {}
func (ApproveRequested) proposal() {}
func (RejectRequested) proposal()  {}

// Step takes one event; about is what the proposal is about, as it stands in the write that stores the step. It never changes
// p. The error is a [*TransitionError], and only for what a person asked.
func (p Proposal) Step(now time.Time, about Proposable, ev ProposalEvent) (ProposalTransition, error) {
	s := proposalStep{Proposal: p, now: outbox.Instant(now), about: about, by: ev.Name()}
	moved, err := s.take(ev)
	if err != nil || !moved {
		return ProposalTransition{Proposal: p}, err
	}
	s.Revision++
	s.given.Proposal, s.given.Moved = s.Proposal, true
	return s.given, nil
}

// proposalStep is a transition in the making.
type proposalStep struct {
	Proposal
	now   time.Time
	about Proposable
	by    EventName
	given ProposalTransition
}

func (s *proposalStep) take(ev ProposalEvent) (moved bool, err error) {
	if s.State == ProposalOpen && !s.now.Before(s.LapseAt) {
		if _, tick := ev.(ProposalTicked); tick {
			s.end(ProposalExpired, enrollment.Nobody)
			return true, nil
		}
		return s.refuse("It has expired; propose it again")
	}
	switch ev := ev.(type) {
	case ApproveRequested:
		return s.approve(ev)
	case RejectRequested:
		return s.reject(ev)
	}
	return false, nil
}

func (s *proposalStep) approve(ev ApproveRequested) (bool, error) {
	if !s.State.Live() {
		return s.refuse("The proposal was decided already; make a new one if something is still to change")
	}
	// What is approved is what would be written now: the digest is made anew.
	digest := proposed(s.ID, s.Tenant, s.Change, s.about)
	if digest != s.Digest {
		s.end(ProposalOvertaken, enrollment.Nobody)
		return true, nil
	}
	if problem := wrongApproval(ev.By, ev.Digest, digest, s.By); problem != nil {
		return s.refuseWith(problem)
	}
	s.Approvals = s.Approvals.with(newApproval(ev.By, s.now, ev.Digest, ev.Signature))
	s.say(enrollment.ActProposalApproved, ev.By)
	if s.Approvals.count(digest, s.At, s.By) < max(s.Needed, 1) {
		return true, nil
	}
	if s.Change.Lift {
		lifted := s.about.Switch.lift(s.now, ev.By)
		s.given.Lifted = &lifted
		s.say(enrollment.ActSwitchLifted, ev.By)
	}
	s.given.Rules = s.Change.Rules
	s.end(ProposalApproved, ev.By)
	return true, nil
}

// reject ends the proposal: one person who is against it is enough, and its author may withdraw it.
func (s *proposalStep) reject(ev RejectRequested) (bool, error) {
	switch {
	case s.State == ProposalRejected:
		return false, nil
	case !s.State.Live():
		return s.refuse("The proposal was decided already")
	}
	s.end(ProposalRejected, ev.By)
	return true, nil
}

func (s *proposalStep) end(state ProposalState, by enrollment.Actor) {
	s.State, s.EndedAt, s.LapseAt = state, s.now, time.Time{}
	s.say(enrollment.ActProposalEnded, by, "state", string(state))
}

func (s *proposalStep) say(act enrollment.Act, by enrollment.Actor, detail ...string) {
	detail = append(detail, "proposal", s.ID, "digest", s.Digest)
	s.given.Audit = append(s.given.Audit, enrollment.NewAuditFact(act, by, detail...))
}

func (s *proposalStep) refuse(next string) (bool, error) {
	return false, refuse(string(s.State), s.by, next)
}

func (s *proposalStep) refuseWith(problem *enrollment.Problem) (bool, error) {
	return false, refuseWith(string(s.State), s.by, problem)
}
