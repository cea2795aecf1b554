package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// WatchTransition is what one step of a watch gives.
type WatchTransition struct {
	Watch Watch                  // the next snapshot; the same as before if nothing moved
	Moved bool                   // false: the event was ignored
	Audit []enrollment.AuditFact // to be written in the same commit
}

// maxFailures is where the counter of failures in a row stops; waits have long stopped growing.
const maxFailures = 16

// Step takes one event. It never changes w. The error is a [*TransitionError], and only for what a person asked.
func (w Watch) Step(p enrollment.Policy, now time.Time, ev WatchEvent) (WatchTransition, error) {
	next := w
	audit, moved, err := next.take(p, outbox.Instant(now), ev)
	if err != nil || !moved {
		return WatchTransition{Watch: w}, err
	}
	return WatchTransition{Watch: next, Moved: true, Audit: audit}, nil
}

// take changes w, which is a copy that is dropped where nothing moved.
func (w *Watch) take(
	p enrollment.Policy, now time.Time, ev WatchEvent,
) (audit []enrollment.AuditFact, moved bool, err error) {
	if w.State == WatchRetired {
		moved, err = w.takeRetired(now, ev)
		return nil, moved, err
	}
	moved = true
	switch ev := ev.(type) {
	case CredentialActivated:
		if ev.Generation <= w.Generation {
			return nil, false, nil
		}
		w.activated(p, now, ev)
	case Probed:
		audit, moved = w.probed(p, now, ev)
	case HostAnswered:
		if w.State == WatchMissing || ev.Generation != w.Generation || !w.manner().definite(ev.Answer) {
			return nil, false, nil
		}
		audit = w.hostAnswered(p, now, ev)
	case CertificateLeft:
		if w.State == WatchMissing {
			return nil, false, nil
		}
		w.watchClosely(p, now)
	case CheckRequested:
		if w.State == WatchMissing {
			return nil, false, refuse(string(w.State), ev.Name(), w.manner().noCheck)
		}
		if w.State == WatchProbing {
			return nil, false, nil
		}
		w.ProbeAt = now
		audit = []enrollment.AuditFact{{Act: enrollment.ActCheckRequested, By: ev.By}}
	case Quieted:
		if w.State == WatchMissing {
			return nil, false, refuse(string(w.State), ev.Name(), w.manner().noQuiet)
		}
		w.QuietUntil = outbox.Instant(ev.Until)
		audit = []enrollment.AuditFact{{
			Act: enrollment.ActQuieted, By: ev.By,
			Detail: map[string]string{"until": w.QuietUntil.Format(time.RFC3339)},
		}}
	case WatchTicked:
		return nil, w.upkeep(p, now), nil
	case WatchNotified:
		w.Pending, moved = w.Pending.Notified(now, ev.Result)
	case CredentialRetired:
		w.retire(now)
	default:
		moved = false
	}
	if moved {
		w.upkeep(p, now)
	}
	return audit, moved, nil
}

func (w *Watch) takeRetired(now time.Time, ev WatchEvent) (moved bool, err error) {
	switch ev := ev.(type) {
	case CheckRequested, Quieted:
		return false, refuse(string(w.State), ev.Name(), w.manner().retired)
	case WatchNotified:
		w.Pending, moved = w.Pending.Notified(now, ev.Result)
	}
	return moved, nil
}

// activated starts the watch over a new credential. Troubles of the old one are cleared: they were its own.
func (w *Watch) activated(p enrollment.Policy, now time.Time, ev CredentialActivated) {
	w.clear(now, enrollment.NoticeExpiry, enrollment.NoticeRejected, enrollment.NoticeTerms)
	w.Pending = w.Pending.WithoutKind(w.manner().probe)
	w.State, w.Generation, w.Expires, w.Since = Watching, ev.Generation, outbox.Instant(ev.Expires), now
	w.Answer, w.AnsweredAt, w.Reason, w.Problem, w.Failures = enrollment.NoAnswer, time.Time{}, "", nil, 0
	w.Unanswered, w.CloseUntil = time.Time{}, time.Time{}
	w.Reminded, w.QuietUntil = unreminded, time.Time{}
	if ev.Verified {
		w.Answer, w.AnsweredAt = enrollment.Accepted, now
		w.ProbeAt = w.nextProbe(now, p.ProbeEvery)
	} else {
		w.ProbeAt = outbox.Instant(now.Add(enrollment.Spread(w.Subject, p.ProbeEvery)))
	}
}

func (w *Watch) probed(p enrollment.Policy, now time.Time, ev Probed) (audit []enrollment.AuditFact, moved bool) {
	x, pending := w.Pending.Answered(ev.Result, w.manner().probe)
	if !pending || w.State != WatchProbing {
		return nil, false
	}
	w.Pending, w.State = w.Pending.WithoutID(x.ID), Watching
	if ev.Outcome == enrollment.OK && w.manner().definite(ev.Answer) {
		w.Problem = ev.Problem
		return w.answered(p, now, ev.Answer, ev.Reason, ev.Result.Problem), true
	}
	if ev.Outcome == enrollment.Fatal { // nobody can ask here, which is no silence of Apple's
		w.ProbeAt = w.nextProbe(now, p.ProbeEvery)
		return nil, true
	}
	// No answer: what is thought of the credential stays as it was, and the next try waits longer each time.
	if w.Failures == 0 {
		w.Unanswered = now
	}
	w.Failures = min(w.Failures+1, maxFailures)
	wait := enrollment.Backoff(w.Failures, p.RecheckEvery, max(w.probeEvery(p, now), p.RecheckEvery))
	w.ProbeAt = w.nextProbe(now, max(wait, min(ev.RetryAfter, 24*time.Hour)))
	return nil, true
}

// hostAnswered takes an answer that the host's own call got. Our own probe looks at the identity, too: it is not put off, and
// it checks a new refusal at once, for which the host's own clock or code may be to blame.
func (w *Watch) hostAnswered(p enrollment.Policy, now time.Time, ev HostAnswered) []enrollment.AuditFact {
	probeAt, was := w.ProbeAt, w.Answer
	audit := w.answered(p, now, ev.Answer, ev.Reason, ev.Problem)
	w.ProbeAt = outbox.Earliest(probeAt, w.ProbeAt)
	if ev.Answer != enrollment.Accepted && ev.Answer != was {
		w.ProbeAt = now
	}
	return audit
}

// answered takes a definite answer: the only thing that changes what is thought of a credential.
func (w *Watch) answered(
	p enrollment.Policy, now time.Time, answer enrollment.Answer, reason string, problem *enrollment.Problem,
) []enrollment.AuditFact {
	was := w.Answer
	w.Answer, w.AnsweredAt, w.Reason, w.Failures, w.Unanswered = answer, now, reason, 0, time.Time{}
	switch answer {
	case enrollment.Accepted:
		w.ProbeAt = w.nextProbe(now, w.probeEvery(p, now))
		w.clear(now, enrollment.NoticeRejected, enrollment.NoticeTerms)
		return nil
	case enrollment.AnswerTerms:
		w.ProbeAt = w.nextProbe(now, p.RecheckEvery)
		w.clear(now, enrollment.NoticeRejected)
		if was != enrollment.AnswerTerms { // else people know
			w.open(now, enrollment.NoticeTerms, 0, orGeneral(problem, enrollment.CodeTermsPending,
				"organization", "the organization"))
		}
		return nil
	}
	w.ProbeAt = w.nextProbe(now, p.ProbeEvery)
	w.clear(now, enrollment.NoticeTerms)
	if was == enrollment.AnswerRejected {
		return nil
	}
	problem = w.manner().rejected(problem, reason)
	if w.expiredBy(now) { // that explains it: nobody need look for who changed a password, or revoked something
		problem = w.manner().expired(date(w.Expires))
	}
	w.open(now, enrollment.NoticeRejected, 0, problem)
	return []enrollment.AuditFact{{
		Act: w.manner().refused, By: enrollment.Nobody, Detail: map[string]string{"reason": reason},
	}}
}

func (w *Watch) retire(now time.Time) {
	w.Pending = w.Pending.WithoutKind(w.manner().probe)
	w.clear(now, enrollment.NoticeExpiry, enrollment.NoticeRejected, enrollment.NoticeTerms)
	w.State, w.ProbeAt, w.RemindAt, w.HealthAt = WatchRetired, time.Time{}, time.Time{}, time.Time{}
	w.CloseUntil = time.Time{}
}

// upkeep does what has come due by itself and sets the alarm clocks. It reports whether anything changed.
func (w *Watch) upkeep(p enrollment.Policy, now time.Time) (did bool) {
	if w.State != Watching && w.State != WatchProbing {
		return false
	}
	if _, asked := w.Pending.Of(w.manner().probe); w.State == WatchProbing && !asked {
		w.State, did = Watching, true // whatever was stored: it does not wait for the answer to nothing
	}
	if w.State == Watching && !now.Before(w.ProbeAt) {
		w.want(enrollment.Effect{Kind: w.manner().probe}, now)
		w.State, did = WatchProbing, true
	}
	reminded := w.remind(p, now)
	health := enrollment.NextHealthChange(w.Vital(), p, now)
	if !health.Equal(w.HealthAt) {
		w.HealthAt, did = health, true
	}
	return did || reminded
}

// want adds an effect under the next deterministic ID.
func (w *Watch) want(x enrollment.Effect, now time.Time) {
	w.Seq++
	w.Pending = w.Pending.Wanted(w.Subject, w.Seq, now, x)
}

// nextProbe is a full interval away and a little more, so that tokens adopted together drift apart.
func (w *Watch) nextProbe(now time.Time, interval time.Duration) time.Time {
	return outbox.Instant(now.Add(interval + enrollment.Spread(w.Subject, interval/8)))
}

// orGeneral returns the given problem if it is of that code, else a new one.
func orGeneral(given *enrollment.Problem, code enrollment.Code, args ...string) *enrollment.Problem {
	if given != nil && given.Code == code {
		return given
	}
	return enrollment.NewProblem(code, args...)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}
