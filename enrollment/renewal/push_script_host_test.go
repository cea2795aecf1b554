package renewal_test

import (
	"cmp"
	"fmt"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// pushRecord is what the host of a push certificate's script keeps: all that survives a crash.
type pushRecord struct {
	Run   *renewal.PushRenewal `json:"run,omitempty"`
	Watch renewal.Watch        `json:"watch"`
	Push  enrollment.Push      `json:"push"`
}

// pushScriptHost is the smallest host of a push certificate, in a world that answers as it was told.
type pushScriptHost struct {
	diary[pushRecord]
	apple   string // what Apple answers; empty: it accepts
	devices int    // how many listen
}

func newPushScriptHost(t testing.TB) *pushScriptHost {
	h := &pushScriptHost{diary: diary[pushRecord]{t: t, now: noon}, devices: 120}
	h.save(pushRecord{Watch: renewal.NewPushWatch("acme", "psh_1"), Push: pushBare()})
	return h
}

// renewal feeds one event to the renewal, with everything that belongs into the same write.
func (h *pushScriptHost) renewal(ev renewal.PushEvent) {
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
	if tr.Activate != nil {
		h.activated(&r, *tr.Activate)
	}
	h.dropped(tr.Drop)
	if ev.Name() == renewal.EventRequestTaken {
		h.watched(&r.Watch, renewal.CertificateLeft{})
	}
	h.save(r)
}

func (h *pushScriptHost) activated(r *pushRecord, a enrollment.PushActivation) {
	known := r.Push.Certificate != nil && r.Push.Certificate.Fingerprint == a.Certificate.Fingerprint
	r.Push = r.Push.Activated(a)
	if known {
		h.say("PROVEN: %s", a.Certificate.Secret)
		return
	}
	h.say("IN USE: %s, generation %d", a.Certificate.Secret, a.Certificate.Generation)
	h.watched(&r.Watch, renewal.CredentialActivated{
		Generation: a.Certificate.Generation, Expires: a.Certificate.Expires, Verified: a.Certificate.Proven(),
	})
}

// watch feeds one event to the watch. Apple's first word for the certificate in use is told to the renewal, too.
func (h *pushScriptHost) watch(ev renewal.WatchEvent) {
	r := h.load()
	h.watched(&r.Watch, ev)
	h.save(r)
	if p, probed := ev.(renewal.Probed); probed && p.Answer == enrollment.Accepted && r.Run != nil && !r.Push.Certificate.Proven() {
		h.renewal(renewal.PushProven{Fingerprint: r.Push.Certificate.Fingerprint, Push: r.Push})
	}
}

func (h *pushScriptHost) settle() {
	h.diary.settle(func() {
		if r := h.load(); r.Run != nil && r.Run.Live() {
			h.renewal(renewal.PushTicked{Push: r.Push, Devices: h.devices})
		}
		h.watch(renewal.WatchTicked{})
	}, func(r pushRecord) (ofRenewal, ofWatch []enrollment.Effect) {
		if r.Run != nil {
			ofRenewal = r.Run.Due(h.now)
		}
		return ofRenewal, r.Watch.Due(h.now)
	}, h.do)
}

// do does one effect in the world, and tells the machine unless that is lost.
func (h *pushScriptHost) do(x enrollment.Effect, run bool) {
	result := enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
	answer, reason := enrollment.NoAnswer, ""
	switch x.Kind {
	case enrollment.SendNotice:
		h.notice(x.Notice, &result)
	case enrollment.ProbePush:
		asked := "the one in use"
		if run {
			asked = x.Secret
		}
		answer, reason = h.apples(&result)
		h.asked(fmt.Sprintf("probe_push: %s, of %s", cmp.Or(string(answer), string(result.Outcome)), asked))
	default:
		h.say("%s: ok", x.Kind)
	}
	if h.lost() {
		return
	}
	switch {
	case x.Kind == enrollment.MakePushKey:
		h.renewal(renewal.KeyMade{Result: result, KeyID: "key_1"})
	case x.Kind == enrollment.ProbePush && run:
		h.renewal(renewal.PushProbed{Result: result, Answer: answer, Reason: reason, Push: h.load().Push, Devices: h.devices})
	case x.Kind == enrollment.ProbePush:
		h.watch(renewal.Probed{Result: result, Answer: answer, Reason: reason})
	case run:
		h.renewal(renewal.Notified{Result: result})
	default:
		h.watch(renewal.WatchNotified{Result: result})
	}
}

// apples is what Apple says now.
func (h *pushScriptHost) apples(result *enrollment.Result) (enrollment.Answer, string) {
	switch h.apple {
	case "refused":
		return enrollment.AnswerRejected, "BadCertificate"
	case "down":
		result.Outcome = enrollment.Unknown
	case "nobody":
		result.Outcome = enrollment.Fatal
	default:
		return enrollment.Accepted, ""
	}
	return enrollment.NoAnswer, ""
}
