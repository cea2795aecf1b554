package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Transition is what one step of a renewal gives. Everything in it belongs into one write.
type Transition struct {
	Renewal Renewal                // the next snapshot; the same as before if nothing moved
	Moved   bool                   // false: the event was ignored
	Audit   []enrollment.AuditFact // to be appended to the renewal's history

	// Activate is what the new token changes on the server; nil: nothing.
	Activate *enrollment.Activation
	// Drop lists the secrets that nobody needs any more.
	Drop []string
	// Refused is what to answer the person whose file this was: it was not taken, although that was written down.
	Refused *enrollment.Problem
}

// Step takes one event. It never changes r. The error is a [*TransitionError], and only for what a person asked.
func (r Renewal) Step(p enrollment.Policy, now time.Time, ev Event) (Transition, error) {
	s := step{Renewal: r, policy: p, now: outbox.Instant(now)}
	moved, err := s.take(ev)
	if err != nil || !moved {
		return Transition{Renewal: r}, err
	}
	s.Revision++
	return Transition{
		Renewal: s.Renewal, Moved: true, Audit: s.audit, Activate: s.activate, Drop: s.drop, Refused: s.refused,
	}, nil
}

// step is a transition in the making.
type step struct {
	Renewal
	policy   enrollment.Policy
	now      time.Time
	audit    []enrollment.AuditFact
	activate *enrollment.Activation
	drop     []string
	refused  *enrollment.Problem
}

func (s *step) take(ev Event) (moved bool, err error) {
	switch ev := ev.(type) {
	case StartRequested:
		return s.start(ev)
	case PushChecked:
		return s.pushChecked(ev), nil
	case PushOverridden:
		return s.overridePush(ev)
	case CertificateRequested:
		return s.requestCertificate(ev)
	case KeyMade:
		return s.keyMade(ev), nil
	case CertificateTaken:
		return s.takeCertificate(ev)
	case PublishRequested:
		return s.publish(ev)
	case Published:
		return s.published(ev), nil
	case TokenUploaded:
		return s.upload(ev)
	case UploadRefused:
		if ev.Problem == nil {
			return false, nil
		}
		return s.refuseFile(ev.By, ev.Problem), nil
	case Verified:
		return s.verified(ev), nil
	case Confirmed:
		return s.confirm(ev)
	case RecheckRequested:
		return s.recheck(ev)
	case CancelRequested:
		return s.cancel(ev)
	case TokenReplaced:
		return s.tokenReplaced(ev), nil
	case ServerRetired:
		return s.serverRetired(ev), nil
	case Ticked:
		return s.tick(ev), nil
	case Notified:
		s.Pending, moved = s.Pending.Notified(s.now, ev.Result)
		return moved, nil
	}
	return false, nil
}

// want adds an effect under the next deterministic ID.
func (s *step) want(x enrollment.Effect) {
	s.Seq++
	s.Pending = s.Pending.Wanted(string(s.ID), s.Seq, s.now, x)
}

// unwant forgets the effects of a kind; a result that still comes is stale.
func (s *step) unwant(kind enrollment.EffectKind) {
	s.Pending = s.Pending.WithoutKind(kind)
}

func (s *step) say(act enrollment.Act, by enrollment.Actor, detail ...string) {
	s.audit = append(s.audit, enrollment.NewAuditFact(act, by, detail...))
}

// refuse answers what a person asked with a no, and what they can do instead.
func (s *step) refuse(ev Event, next string) (bool, error) {
	return false, refuse(string(s.State), ev.Name(), next)
}

func (s *step) refuseWith(ev Event, problem *enrollment.Problem) (bool, error) {
	return false, refuseWith(string(s.State), ev.Name(), problem)
}

func (s *step) warn(problem *enrollment.Problem) { s.Warnings = warned(s.Warnings, problem) }

// unwarn forgets warnings about an earlier file.
func (s *step) unwarn(code enrollment.Code) { s.Warnings = unwarned(s.Warnings, code) }

// awaitUpload goes back to waiting for a file.
func (s *step) awaitUpload(problem *enrollment.Problem) {
	s.State, s.Problem = AwaitingUpload, problem
	s.Candidate = nil
	s.unwant(enrollment.CheckPush)
	s.unwant(enrollment.VerifyToken)
	s.LapseAt, s.RemindAt = s.now.Add(s.policy.UploadWithin), s.now.Add(s.policy.RemindWaiting)
	if _, making := s.Pending.Of(enrollment.MakeKey); s.KeyWanted && s.Key == nil && !making {
		s.makeKey()
	}
}

// end goes to rest: it owes nothing any more but a word that its trouble is over.
func (s *step) end(state State) {
	s.State, s.EndedAt = state, s.now
	s.LapseAt, s.RemindAt, s.KeyWanted, s.Problem = time.Time{}, time.Time{}, false, nil
	s.unwant(enrollment.CheckPush)
	s.unwant(enrollment.MakeKey)
	s.unwant(enrollment.VerifyToken)
	s.dropSecret(s.Refused)
	s.Refused = nil
	s.dropSpares()
	if s.Notified {
		s.Notified = false
		s.notify(true)
	}
}

// giveUp ends without a new token; what was uploaded is not needed any more.
func (s *step) giveUp(state State) {
	s.dropSecret(s.Candidate)
	s.Candidate = nil
	s.end(state)
}

func (s *step) dropSecret(c *Candidate) {
	if c != nil {
		s.drop = append(s.drop, c.Secret)
	}
}
