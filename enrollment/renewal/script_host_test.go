package renewal_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// record is what the host of a script keeps: all that survives a crash.
type record struct {
	Run    *renewal.Renewal  `json:"run,omitempty"`
	Watch  renewal.Watch     `json:"watch"`
	Server enrollment.Server `json:"server"`
}

// scriptHost is the smallest host: a store of one record, a clock, and a world that answers as it was told.
type scriptHost struct {
	t     testing.TB
	store []byte
	now   time.Time
	apple enrollment.Code // what Apple answers; empty: it accepts
	owner string          // the organization that Apple names; empty: that of the customer
	push  time.Time       // until when the push certificate is valid
	mute  bool            // nobody takes notices
	lose  bool            // the next result is lost in a crash
	said  []string
}

func newScriptHost(t testing.TB) *scriptHost {
	h := &scriptHost{t: t, now: noon, push: noon.Add(year)}
	h.save(record{Watch: renewal.NewWatch("acme", "srv_1"), Server: bare()})
	return h
}

func (h *scriptHost) load() record {
	var r record
	require.NoError(h.t, json.Unmarshal(h.store, &r))
	return r
}

func (h *scriptHost) save(r record) {
	var err error
	h.store, err = json.Marshal(r)
	require.NoError(h.t, err)
}

func (h *scriptHost) say(format string, args ...any) {
	h.said = append(h.said, fmt.Sprintf(format, args...))
}

// renewal feeds one event to the renewal, with everything that belongs into the same write.
func (h *scriptHost) renewal(ev renewal.Event) {
	r := h.load()
	if r.Run == nil {
		h.say("there is no renewal")
		return
	}
	tr, err := r.Run.Step(policy, h.now, ev)
	switch {
	case err != nil:
		h.say("REFUSED: %s", enrollment.ProblemOf(err).Code)
		return
	case !tr.Moved:
		h.say("%s is ignored", ev.Name())
		return
	case tr.Refused != nil:
		h.say("not taken: %s", tr.Refused.Code)
	}
	if was, is := r.Run.State, tr.Renewal.State; was != is {
		h.say("%s -> %s", was, is)
	}
	*r.Run = tr.Renewal
	if a := tr.Activate; a != nil {
		h.say("ACTIVE: %s, generation %d", a.Token.Secret, a.Token.Generation)
		r.Server = r.Server.Activated(*a)
		r.watch(h, renewal.CredentialActivated{Generation: a.Token.Generation, Expires: a.Token.Expires, Verified: true})
	}
	if len(tr.Drop) > 0 {
		h.say("drops %s", strings.Join(tr.Drop, ", "))
	}
	if ev.Name() == renewal.EventCertificateTaken {
		r.watch(h, renewal.CertificateLeft{})
	}
	h.save(r)
}

func (r *record) watch(h *scriptHost, ev renewal.WatchEvent) {
	was := r.Watch.Health(policy, h.now)
	tr, err := r.Watch.Step(policy, h.now, ev)
	if err != nil {
		h.say("REFUSED: %s", enrollment.ProblemOf(err).Code)
	}
	r.Watch = tr.Watch
	if is := r.Watch.Health(policy, h.now); was != is {
		h.say("health %s -> %s", was, is)
	}
}

// watch feeds one event to the watch.
func (h *scriptHost) watch(ev renewal.WatchEvent) {
	r := h.load()
	r.watch(h, ev)
	h.save(r)
}

// settle does what is due, until nothing is.
func (h *scriptHost) settle() {
	for steps := 0; ; steps++ {
		require.Less(h.t, steps, 1000, "it does not come to rest: %s", h.store)
		r := h.load()
		quiet := len(h.said)
		if r.Run != nil && r.Run.Live() {
			h.renewal(renewal.Ticked{Health: r.Watch.Health(policy, h.now)})
			h.said = dropTick(h.said, quiet)
		}
		h.watch(renewal.WatchTicked{})
		r = h.load()
		switch {
		case r.Run != nil && len(r.Run.Due(h.now)) > 0:
			h.do(r.Run.Due(h.now)[0], true)
		case len(r.Watch.Due(h.now)) > 0:
			h.do(r.Watch.Due(h.now)[0], false)
		default:
			return
		}
	}
}

func dropTick(said []string, from int) []string {
	if len(said) == from+1 && said[from] == "tick is ignored" {
		return said[:from]
	}
	return said
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
	if h.lose {
		h.lose = false
		h.say("CRASH: the result is lost")
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

func (h *scriptHost) notice(n *enrollment.Notice, result *enrollment.Result) {
	said := "notice " + string(n.Kind)
	switch {
	case n.Cleared:
		said += " cleared"
	case n.Kind == enrollment.NoticeExpiry:
		said += fmt.Sprintf(", %d days", n.Days)
	case n.Problem != nil:
		said += ": " + string(n.Problem.Code)
	}
	if h.mute {
		result.Outcome = enrollment.Retry
		said += " (not delivered)"
	}
	h.say("%s", said)
}

// did writes down an effect. Between other news, repeated ones are counted.
func (h *scriptHost) did(kind enrollment.EffectKind, r enrollment.Result) {
	outcome := string(r.Outcome)
	switch {
	case r.Problem != nil:
		outcome = string(r.Problem.Code)
	case kind == enrollment.CheckPush && !h.now.Before(h.push):
		outcome = "expired"
	}
	line := fmt.Sprintf("%s: %s", kind, outcome)
	for i := len(h.said) - 1; i >= 0; i-- {
		text, times, counted := strings.Cut(h.said[i], " x")
		if text == line {
			n := 1
			if counted {
				n, _ = strconv.Atoi(times)
			}
			h.said[i] = fmt.Sprintf("%s x%d", line, n+1)
			return
		}
		if !strings.Contains(h.said[i], "_token: ") && !strings.HasPrefix(h.said[i], "check_push: ") {
			break
		}
	}
	h.say("%s", line)
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
