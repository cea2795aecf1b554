package renewal_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

const (
	ourTopic   = "com.apple.mgmt.External.7d1f"
	otherTopic = "com.apple.mgmt.External.beef"
)

// pushWorld is a renewal together with the push certificate that its events are judged by and its steps change.
type pushWorld struct {
	Run  renewal.PushRenewal `json:"run"`
	Push enrollment.Push     `json:"push"`
}

type (
	pushEvent   = machinetest.Event[pushWorld, renewal.PushEvent]
	pushMachine = machinetest.Machine[pushWorld, renewal.PushEvent]
)

// pushHeld is a push certificate that expires in 20 days and that Apple has accepted.
func pushHeld() enrollment.Push {
	p := pushBare()
	p.Certificate = &enrollment.PushCertificate{
		Generation: 1, Secret: "push_active", Fingerprint: "fp_active", Topic: ourTopic, Expires: noon.Add(20 * day), KeyID: "key_0",
		ActivatedAt: noon.Add(-345 * day), ProvenAt: noon.Add(-345 * day),
	}
	return p
}

// pushBare has no certificate yet.
func pushBare() enrollment.Push {
	return enrollment.Push{ID: "psh_1", Tenant: "acme", Name: "Acme", CreatedAt: noon.Add(-345 * day)}
}

// pushOf is a certificate as it is uploaded.
func pushOf(name string, expires time.Duration) renewal.PushCandidate {
	return renewal.PushCandidate{
		Secret: "push_" + name, Fingerprint: "fp_" + name, Topic: ourTopic, Serial: "1A", Issuer: "Apple",
		Expires: noon.Add(expires), KeyID: "key_1",
	}
}

func startPush(t testing.TB, p enrollment.Push) pushWorld {
	t.Helper()
	tr, err := renewal.StartPush(policy, noon, renewal.PushRequest{ID: "rnw_1", Push: p, By: tess})
	require.NoError(t, err)
	return pushWorld{Push: p}.after(tr)
}

// pushes drives the renewal of a push certificate as a host does.
func pushes() pushMachine {
	return pushMachine{
		Step: func(w pushWorld, now time.Time, ev renewal.PushEvent) (machinetest.Stepped[pushWorld], error) {
			if _, tick := ev.(renewal.PushTicked); tick {
				ev = renewal.PushTicked{Push: w.Push, Devices: 120} // as it stands in this write
			}
			tr, err := w.Run.Step(policy, now, ev)
			if err != nil || !tr.Moved {
				return machinetest.Stepped[pushWorld]{Next: pushWorld{Run: tr.Renewal, Push: w.Push}}, err
			}
			return machinetest.Stepped[pushWorld]{Next: w.after(tr), Moved: true, Notes: pushNotes(w, tr)}, nil
		},
		State:    func(w pushWorld) string { return string(w.Run.State) },
		Live:     func(w pushWorld) bool { return w.Run.Live() },
		Wake:     func(w pushWorld) time.Time { return w.Run.Wake() },
		Pending:  func(w pushWorld) []enrollment.Effect { return w.Run.Pending },
		Revision: func(w pushWorld) int64 { return w.Run.Revision },
	}
}

// after is the world with everything that a transition puts into the same write.
func (w pushWorld) after(tr renewal.PushTransition) pushWorld {
	w.Run = tr.Renewal
	if tr.Activate != nil {
		w.Push = w.Push.Activated(*tr.Activate)
	}
	w.Push.Renewal = ""
	if tr.Renewal.Live() {
		w.Push.Renewal = tr.Renewal.ID
	}
	return w
}

// pushNotes tell the reader of a matrix what a move does beside states and effects.
func pushNotes(w pushWorld, tr renewal.PushTransition) []string {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if a := tr.Activate; a != nil {
		kept := "nothing"
		if a.Previous != nil {
			kept = a.Previous.Secret
		}
		say("IN USE %s, proven %t, keeps %s", a.Certificate.Secret, a.Certificate.Proven(), kept)
	}
	if was, is := candidateOf(w.Run), candidateOf(tr.Renewal); was != is {
		say("candidate %s", cmp.Or(is, "none"))
	}
	if tr.Refused != nil {
		say("answers %s", tr.Refused.Code)
	}
	if was, is := code(w.Run.Problem), code(tr.Renewal.Problem); was != is {
		say("problem %s", is)
	}
	if was, is := len(w.Run.Warnings), len(tr.Renewal.Warnings); was != is {
		say("%d warnings", is)
	}
	if w.Run.Notified && !tr.Renewal.Notified {
		say("notice cleared")
	}
	if len(tr.Drop) > 0 {
		say("drops %s", strings.Join(tr.Drop, " "))
	}
	for _, fact := range tr.Audit {
		say("audits %s", fact.Act)
	}
	return said
}

func candidateOf(r renewal.PushRenewal) string {
	if r.Candidate == nil {
		return ""
	}
	return r.Candidate.Secret
}

// pending returns the ID of the effect of a kind that is wanted, or one that never was.
func (w pushWorld) pending(kind enrollment.EffectKind) enrollment.EffectID {
	return world{Run: renewal.Renewal{Pending: w.Run.Pending}}.pending(kind)
}

// pushStory plays named events on a world, one after the other.
type pushStory struct {
	t   testing.TB
	w   pushWorld
	now time.Time
}

func (s *pushStory) do(names ...string) *pushStory {
	s.t.Helper()
	for _, name := range names {
		ev := pushEventOf(s.t, name)
		if ev.Late != nil {
			s.now = s.now.Add(ev.Late(s.w, s.now))
		}
		step, err := pushes().Step(s.w, s.now, ev.Of(s.w, s.now))
		require.NoError(s.t, err, name)
		require.True(s.t, step.Moved, "%s is ignored in %s", name, s.w.Run.State)
		s.w = step.Next
	}
	return s
}

func pushEventOf(t testing.TB, name string) pushEvent {
	t.Helper()
	for _, ev := range pushEvents() {
		if ev.Name == name {
			return ev
		}
	}
	require.Fail(t, "there is no event "+name)
	return pushEvent{}
}
