package renewal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// record is what the host of a script keeps: all that survives a crash.
type record struct {
	Run    *renewal.Renewal  `json:"run,omitempty"`
	Watch  renewal.Watch     `json:"watch"`
	Server enrollment.Server `json:"server"`
}

// scriptHost is the smallest host of a server, in a world that answers as it was told.
type scriptHost struct {
	diary[record]
	apple enrollment.Code // what Apple answers; empty: it accepts
	owner string          // the organization that Apple names; empty: that of the customer
	push  time.Time       // until when the push certificate is valid
}

func newScriptHost(t testing.TB) *scriptHost {
	h := &scriptHost{diary: diary[record]{t: t, now: noon}, push: noon.Add(year)}
	h.save(record{Watch: renewal.NewWatch("acme", "srv_1"), Server: bare()})
	return h
}

// renewal feeds one event to the renewal, with everything that belongs into the same write.
func (h *scriptHost) renewal(ev renewal.Event) {
	r := h.load()
	if r.Run == nil {
		h.say("there is no renewal")
		return
	}
	tr, err := r.Run.Step(policy, h.now, ev)
	if !h.stepped(ev, tr.Moved, tr.Refused, err) {
		return
	}
	h.changed("", r.Run.State, tr.Renewal.State)
	*r.Run = tr.Renewal
	if a := tr.Activate; a != nil {
		h.say("ACTIVE: %s, generation %d", a.Token.Secret, a.Token.Generation)
		r.Server = r.Server.Activated(*a)
		h.watched(&r.Watch, renewal.CredentialActivated{Generation: a.Token.Generation, Expires: a.Token.Expires, Verified: true})
	}
	h.dropped(tr.Drop)
	if ev.Name() == renewal.EventCertificateTaken {
		h.watched(&r.Watch, renewal.CertificateLeft{})
	}
	h.save(r)
}

// watch feeds one event to the watch.
func (h *scriptHost) watch(ev renewal.WatchEvent) {
	r := h.load()
	h.watched(&r.Watch, ev)
	h.save(r)
}

func (h *scriptHost) settle() {
	h.diary.settle(func() {
		if r := h.load(); r.Run != nil && r.Run.Live() {
			h.renewal(renewal.Ticked{Health: r.Watch.Health(policy, h.now)})
		}
		h.watch(renewal.WatchTicked{})
	}, func(r record) (ofRenewal, ofWatch []enrollment.Effect) {
		if r.Run != nil {
			ofRenewal = r.Run.Due(h.now)
		}
		return ofRenewal, r.Watch.Due(h.now)
	}, h.do)
}

// do does one effect in the world, and tells the machine unless that is lost.
func (h *scriptHost) do(x enrollment.Effect, run bool) {
	result := enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
	if x.Kind == enrollment.VerifyToken || x.Kind == enrollment.ProbeToken {
		if h.apple != "" {
			result.Outcome, result.Problem = enrollment.Retry, enrollment.NewProblem(h.apple)
		}
	}
	if x.Kind == enrollment.SendNotice {
		h.notice(x.Notice, &result)
	} else {
		h.did(x.Kind, result)
	}
	if h.lost() {
		return
	}
	switch {
	case x.Kind == enrollment.SendNotice && !run:
		h.watch(renewal.WatchNotified{Result: result})
	case x.Kind == enrollment.ProbeToken:
		h.watch(renewal.Probed{Result: okIf(result, answerOf(h.apple)), Answer: answerOf(h.apple)})
	default:
		h.renewal(h.resultEvent(x.Kind, result))
	}
}

// did writes down an effect.
func (h *scriptHost) did(kind enrollment.EffectKind, r enrollment.Result) {
	outcome := string(r.Outcome)
	switch {
	case r.Problem != nil:
		outcome = string(r.Problem.Code)
	case kind == enrollment.CheckPush && !h.now.Before(h.push):
		outcome = "expired"
	}
	h.asked(fmt.Sprintf("%s: %s", kind, outcome))
}

func answerOf(c enrollment.Code) enrollment.Answer {
	switch c {
	case "":
		return enrollment.Accepted
	case enrollment.CodeRejected:
		return enrollment.AnswerRejected
	case enrollment.CodeTermsPending:
		return enrollment.AnswerTerms
	}
	return enrollment.NoAnswer
}

func okIf(r enrollment.Result, a enrollment.Answer) enrollment.Result {
	if a != enrollment.NoAnswer {
		r.Outcome = enrollment.OK
	}
	return r
}

// resultEvent is the result of a renewal's effect as an event.
func (h *scriptHost) resultEvent(kind enrollment.EffectKind, result enrollment.Result) renewal.Event {
	switch kind {
	case enrollment.CheckPush:
		return renewal.PushChecked{Result: result, NotAfter: h.push}
	case enrollment.MakeKey:
		return renewal.KeyMade{Result: result, KeyID: "key_1"}
	case enrollment.VerifyToken:
		ev := renewal.Verified{Result: result, Server: h.load().Server}
		if result.Outcome == enrollment.OK {
			ev.Account = account()
			if h.owner != "" {
				ev.Account.OrgID, ev.Account.OrgIDHash, ev.Account.OrgName = h.owner, "h"+h.owner, "Organization "+h.owner
			}
		}
		return ev
	}
	return renewal.Notified{Result: result}
}
