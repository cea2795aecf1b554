package renewal

import (
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// pushAttempts is how often the push certificate is looked at before the renewal goes on without.
const pushAttempts = 3

// pushBlocked reports whether the push certificate is known to have expired.
func (r Renewal) pushBlocked() bool {
	return r.State == CheckingPush && r.Problem != nil && r.Problem.Code == enrollment.CodePushExpired
}

// pushChecked lets only a certificate that has definitely expired hold the renewal up; everything else is worth a warning
// at most, because a server token is renewed without any push.
func (s *step) pushChecked(ev PushChecked) bool {
	x, pending := s.Pending.Answered(ev.Result, enrollment.CheckPush)
	if !pending || !s.Live() {
		return false
	}
	again := func(base, most time.Duration) bool {
		s.Pending = s.Pending.Replaced(x.Again(s.now, ev.RetryAfter, base, most))
		return true
	}
	switch {
	case ev.Outcome == enrollment.OK && !ev.NotAfter.IsZero() && !s.now.Before(ev.NotAfter):
		s.Problem = enrollment.NewProblem(enrollment.CodePushExpired, "expired", date(ev.NotAfter))
		return s.hasten(ev.Health) || again(s.policy.RecheckEvery, s.policy.RecheckEvery)
	case ev.Outcome == enrollment.OK:
		if s.pushBlocked() {
			s.Problem = nil
		}
		if ev.Finding != "" {
			s.warn(enrollment.NewProblem(enrollment.CodePushBad, "finding", ev.Finding))
		}
	case s.pushBlocked():
		return again(s.policy.RecheckEvery, s.policy.RecheckEvery) // what was known stays known
	case ev.Outcome != enrollment.Fatal && x.Attempt < pushAttempts:
		return again(2*time.Second, 10*time.Second)
	default:
		s.warn(enrollment.NewProblem(enrollment.CodePushUnknown))
	}
	s.passPush()
	return true
}

// passPush goes on behind the look at the push certificate. That it has expired, or that a file was refused meanwhile,
// still shows.
func (s *step) passPush() {
	if s.pushBlocked() {
		s.warn(s.Problem)
		s.Problem = nil
	}
	s.awaitUpload(s.Problem)
}

// hasten lets nothing that is merely wise hold the renewal up any more once the token in use has died.
func (s *step) hasten(health enrollment.Health) bool {
	dead := health == enrollment.Expired || health == enrollment.Rejected ||
		!s.TokenExpires.IsZero() && !s.now.Before(s.TokenExpires)
	if s.State != CheckingPush || !dead {
		return false
	}
	s.Urgent = true
	s.passPush()
	return true
}

func (s *step) overridePush(ev PushOverridden) (bool, error) {
	switch {
	case s.State == CheckingPush:
		if ev.By.Kind != enrollment.Person {
			return s.refuseWith(ev, enrollment.NewProblem(enrollment.CodePersonNeeded))
		}
		if strings.TrimSpace(ev.Reason) == "" {
			return s.refuseWith(ev, enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "reason", "rule", "a few words that say why"))
		}
		s.say(enrollment.ActPushOverridden, ev.By, "reason", ev.Reason)
		s.passPush()
		return true, nil
	case s.Live():
		return false, nil // it is past that already
	}
	return s.refuse(ev, "This renewal has ended; start a new one for the server")
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
