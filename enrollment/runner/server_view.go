package runner

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// EventRetire is what [ServerView.Allowed] calls [Tenant.RetireServer]; the other names are those of package renewal.
const EventRetire renewal.EventName = "retire"

// ServerView is a server as a person sees it: what is kept, and what follows from it now.
type ServerView struct {
	enrollment.Server
	Health     enrollment.Health   `json:"health"`
	DaysLeft   int                 `json:"days_left"` // whole days until the token expires; negative afterwards
	Causes     []enrollment.Cause  `json:"causes,omitempty"`
	Problem    *enrollment.Problem `json:"problem,omitempty"`    // what is wrong with the token, and what to do; nil: nothing
	Answer     enrollment.Answer   `json:"answer,omitempty"`     // Apple's last definite answer
	AnsweredAt time.Time           `json:"answered_at,omitzero"` // when Apple gave it
	Reason     string              `json:"reason,omitempty"`     // Apple's own word for a refusal
	ProbeAt    time.Time           `json:"probe_at,omitzero"`    // when Apple is asked next
	QuietUntil time.Time           `json:"quiet_until,omitzero"` // no expiry reminders before this
	// Failures is how often in a row Apple gave no usable answer, and Silence why not, the last time. That alone is no
	// problem of the token, until it has lasted for the policy's UnreachableAfter.
	Failures int                 `json:"failures,omitempty"`
	Silence  *enrollment.Problem `json:"silence,omitempty"`
	// Allowed is what may be asked of the server now: start, upload, check, quiet, retire.
	Allowed []renewal.EventName `json:"allowed,omitempty"`
	// LiveRun is the renewal under way, where one server was asked for. What may be asked of it depends on who asks: see
	// [Tenant.Renewal].
	LiveRun *RenewalView `json:"live_renewal,omitempty"`
}

// glance is from where servers of one tenant are looked at.
type glance struct {
	policy enrollment.Policy
	now    time.Time
	open   bool // the tenant takes new things
}

func (c *change) view(s *tracked[serverRecord], live *tracked[renewal.Renewal]) ServerView {
	g := glance{c.policy, c.now, c.tenant.Value.State == enrollment.TenantOpen}
	v := g.view(s.Value, live != nil && live.Value.CertificateOut())
	if live != nil {
		v.LiveRun = &RenewalView{Renewal: live.Value}
	}
	return v
}

func (g glance) view(s serverRecord, certificateOut bool) ServerView {
	w := s.Watch
	v := ServerView{
		Server: s.Server, Health: w.Health(g.policy, g.now), Problem: w.Problem,
		Answer: w.Answer, AnsweredAt: w.AnsweredAt, Reason: w.Reason, ProbeAt: w.ProbeAt, QuietUntil: w.QuietUntil,
		Failures: w.Failures, Allowed: g.allowed(s),
	}
	if w.Failures > 0 {
		v.Silence = s.Silence
	}
	if s.Token != nil {
		v.DaysLeft = wholeDays(s.Token.Expires.Sub(g.now))
	}
	switch v.Health {
	case enrollment.Expired:
		v.Problem = enrollment.NewProblem(enrollment.CodeTokenExpired, "expired", s.Token.Expires.Format(time.DateOnly))
	case enrollment.Rejected:
		v.Causes = enrollment.RejectionCauses(certificateOut)
		v.Problem = troubleOf(enrollment.AnswerRejected, w.Reason, s.Server)
	case enrollment.TermsPending:
		v.Problem = troubleOf(enrollment.AnswerTerms, "", s.Server)
	case enrollment.Unreachable:
		v.Problem = v.Silence
	}
	return v
}

// allowed lists what may be asked of a server, for the buttons of a user interface.
func (g glance) allowed(s serverRecord) []renewal.EventName {
	if s.Retired() || !g.open {
		return nil
	}
	names := []renewal.EventName{renewal.EventStart, renewal.EventUpload}
	for _, ev := range []renewal.WatchEvent{renewal.CheckRequested{}, renewal.Quieted{}} {
		if _, err := s.Watch.Step(g.policy, g.now, ev); err == nil {
			names = append(names, ev.Name())
		}
	}
	return append(names, EventRetire)
}

// wholeDays rounds towards the past, so that a token which expired an hour ago has -1 days left.
func wholeDays(d time.Duration) int {
	const day = 24 * time.Hour
	days := int(d / day)
	if d < 0 && d%day != 0 {
		days--
	}
	return days
}
