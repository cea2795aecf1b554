package runner

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// ServerView is a server as a person sees it: what is kept, and what follows from it now.
type ServerView struct {
	enrollment.Server
	Condition
	// LiveRun is the renewal under way, where one server was asked for. What may be asked of it depends on who asks: see
	// [Tenant.Renewal].
	LiveRun *RenewalView `json:"live_renewal,omitempty"`
}

func (c *change) view(s *tracked[serverRecord], live *tracked[renewal.Renewal]) ServerView {
	v := c.glance().view(s.Value, live != nil && live.Value.CertificateOut())
	if live != nil {
		v.LiveRun = &RenewalView{Renewal: live.Value}
	}
	return v
}

func (g glance) view(s serverRecord, certificateOut bool) ServerView {
	v := ServerView{Server: s.Server, Condition: g.condition(s.care)}
	v.Allowed = g.allowed(s)
	switch v.Health {
	case enrollment.Expired:
		v.Problem = enrollment.NewProblem(enrollment.CodeTokenExpired, "expired", s.Token.Expires.Format(time.DateOnly))
	case enrollment.Rejected:
		v.Causes = enrollment.RejectionCauses(certificateOut)
		v.Problem = troubleOf(enrollment.AnswerRejected, v.Reason, s.Server)
	case enrollment.TermsPending:
		v.Problem = troubleOf(enrollment.AnswerTerms, "", s.Server)
	}
	return v
}

// allowed lists what may be asked of a server, for the buttons of a user interface.
func (g glance) allowed(s serverRecord) []renewal.EventName {
	if s.Retired() || !g.open {
		return nil
	}
	names := []renewal.EventName{renewal.EventStart, renewal.EventUpload}
	return append(append(names, g.wishes(s.Watch)...), EventRetire)
}
