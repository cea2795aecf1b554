package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Request is what a renewal starts from.
type Request struct {
	ID     enrollment.RenewalID
	Server enrollment.Server
	Health enrollment.Health // of the token in use
	By     enrollment.Actor
}

// Start returns a new renewal: it looks at the push certificate first, unless the token in use is dead already. The host
// starts one only where the server has no live one; starting again returns that.
func Start(p enrollment.Policy, now time.Time, q Request) (Transition, error) {
	if q.Server.Retired() {
		return Transition{}, refuseWith("", EventStart, enrollment.NewProblem(enrollment.CodeRetired))
	}
	urgent := q.Health == enrollment.Expired || q.Health == enrollment.Rejected
	s := step{policy: p, now: outbox.Instant(now), Renewal: Renewal{
		ID: q.ID, Tenant: q.Server.Tenant, Server: q.Server.ID, Revision: 1,
		StartedBy: q.By, StartedAt: outbox.Instant(now), Urgent: urgent,
	}}
	if q.Server.Token != nil {
		s.TokenExpires = outbox.Instant(q.Server.Token.Expires)
	}
	s.awaitUpload(nil)
	if !s.Urgent {
		s.State = CheckingPush
		s.want(enrollment.Effect{Kind: enrollment.CheckPush})
	}
	s.say(enrollment.ActRenewalStarted, q.By, "server", string(q.Server.ID), "health", string(q.Health))
	return Transition{Renewal: s.Renewal, Moved: true, Audit: s.audit}, nil
}

func (s *step) start(ev StartRequested) (bool, error) {
	if s.Live() {
		return false, nil // a closed browser tab loses nothing: the live one goes on
	}
	return s.refuse(ev, "This renewal has ended; start a new one for the server")
}

func (s *step) cancel(ev CancelRequested) (bool, error) {
	switch s.State {
	case CheckingPush, AwaitingUpload, AwaitingConfirmation:
		s.say(enrollment.ActRenewalCancelled, ev.By)
		s.giveUp(Cancelled)
		return true, nil
	case Verifying, BlockedTerms:
		// Apple has not judged the file yet. It may be the only living token.
		return s.refuseWith(ev, enrollment.NewProblem(enrollment.CodeWaiting))
	case Cancelled:
		return false, nil
	}
	return s.refuse(ev, "This renewal has ended; there is nothing to cancel")
}

func (s *step) tokenReplaced(ev TokenReplaced) bool {
	if !s.Live() || ev.Server.Token == nil {
		return false
	}
	if c := s.Candidate; c != nil && c.Fingerprint != ev.Server.Token.Fingerprint && !c.Expires.Before(ev.Server.Token.Expires) {
		return false // the candidate is newer still, or as new: then it is Apple's to decide
	}
	s.say(enrollment.ActRenewalEnded, enrollment.Nobody, "state", string(Superseded))
	s.giveUp(Superseded)
	return true
}

func (s *step) serverRetired(ev ServerRetired) bool {
	if !s.Live() {
		return false
	}
	s.say(enrollment.ActRenewalCancelled, ev.By, "reason", "server retired")
	s.giveUp(Cancelled)
	return true
}
