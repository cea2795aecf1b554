package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// PushTransition is what one step of a push certificate's renewal gives. Everything in it belongs into one write.
type PushTransition struct {
	Renewal PushRenewal            // the next snapshot; the same as before if nothing moved
	Moved   bool                   // false: the event was ignored
	Audit   []enrollment.AuditFact // to be appended to the renewal's history

	// Activate is what changes at the push certificate; nil: nothing.
	Activate *enrollment.PushActivation
	// Drop lists the secrets that nobody needs any more. Keys stay for as long as the push certificate lives.
	Drop []string
	// Refused is what to answer the person whose file this was: it was not taken, although that was written down.
	Refused *enrollment.Problem
}

// Step takes one event. It never changes r. The error is a [*TransitionError], and only for what a person asked.
func (r PushRenewal) Step(p enrollment.Policy, now time.Time, ev PushEvent) (PushTransition, error) {
	s := pushStep{PushRenewal: r, policy: p, now: outbox.Instant(now)}
	moved, err := s.take(ev)
	if err != nil || !moved {
		return PushTransition{Renewal: r}, err
	}
	s.Revision++
	return s.transition(), nil
}

// pushStep is a transition in the making.
type pushStep struct {
	PushRenewal
	policy enrollment.Policy
	now    time.Time
	given  PushTransition
}

func (s *pushStep) transition() PushTransition {
	s.given.Renewal, s.given.Moved = s.PushRenewal, true
	return s.given
}

func (s *pushStep) take(ev PushEvent) (moved bool, err error) {
	switch ev := ev.(type) {
	case StartRequested:
		if s.Live() {
			return false, nil // a closed browser tab loses nothing: the live one goes on
		}
		return s.refuse(ev, startAnew)
	case KeyMade:
		return s.keyMade(ev), nil
	case RequestTaken:
		return s.takeRequest(ev)
	case CertificateUploaded:
		return s.upload(ev)
	case UploadRefused:
		if ev.Problem == nil {
			return false, nil
		}
		return s.refuseFile(ev.By, ev.Problem), nil
	case PushProbed:
		return s.probed(ev), nil
	case PushProven:
		return s.proven(ev), nil
	case RecheckRequested:
		return s.recheck(ev)
	case CancelRequested:
		return s.cancel(ev)
	case PushReplaced:
		return s.replaced(ev), nil
	case PushRetired:
		return s.retired(ev), nil
	case PushTicked:
		return s.tick(ev), nil
	case Notified:
		s.Pending, moved = s.Pending.Notified(s.now, ev.Result)
		return moved, nil
	}
	return false, nil
}

const startAnew = "This renewal has ended; start a new one for the push certificate"

// want adds an effect under the next deterministic ID.
func (s *pushStep) want(x enrollment.Effect) {
	s.Seq++
	s.Pending = s.Pending.Wanted(string(s.ID), s.Seq, s.now, x)
}

// unwant forgets the effects of a kind; a result that still comes is stale.
func (s *pushStep) unwant(kind enrollment.EffectKind) {
	s.Pending = s.Pending.WithoutKind(kind)
}

func (s *pushStep) say(act enrollment.Act, by enrollment.Actor, detail ...string) {
	s.given.Audit = append(s.given.Audit, enrollment.NewAuditFact(act, by, detail...))
}

// refuse answers what a person asked with a no, and what they can do instead.
func (s *pushStep) refuse(ev PushEvent, next string) (bool, error) {
	return false, refuse(string(s.State), ev.Name(), next)
}

func (s *pushStep) drop(secrets ...string) { s.given.Drop = append(s.given.Drop, secrets...) }

// dropCandidate lets go of an uploaded certificate. That is no loss: the person still has the file, and its key stays.
func (s *pushStep) dropCandidate() {
	if s.Live() && s.Candidate != nil {
		s.drop(s.Candidate.Secret)
	}
	s.Candidate = nil
}

// await goes back to waiting for a file, or for the key pair without which there is no request to get one for.
func (s *pushStep) await(problem *enrollment.Problem) {
	s.State, s.Problem = PushAwaiting, problem
	s.unwant(enrollment.ProbePush)
	s.LapseAt, s.RemindAt = s.now.Add(s.policy.UploadWithin), s.now.Add(s.policy.RemindWaiting)
	if s.Key != nil {
		return
	}
	s.State = PushMakingRequest
	if _, making := s.Pending.Of(enrollment.MakePushKey); !making {
		s.want(enrollment.Effect{Kind: enrollment.MakePushKey})
	}
}

// end goes to rest: it owes nothing any more but a word that its trouble is over.
func (s *pushStep) end(state PushState) {
	s.State, s.EndedAt = state, s.now
	s.LapseAt, s.RemindAt, s.Problem = time.Time{}, time.Time{}, nil
	s.unwant(enrollment.MakePushKey)
	s.unwant(enrollment.ProbePush)
	if s.Notified {
		s.notify(true)
	}
}

// giveUp ends without a new certificate.
func (s *pushStep) giveUp(state PushState) {
	s.dropCandidate()
	s.end(state)
}
