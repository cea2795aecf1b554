package renewal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// What was stored of a push certificate's renewal is read for ever; see [TestSnapshotsLoadForEver].
func TestPushSnapshotsLoadForEver(t *testing.T) {
	for _, row := range pushShapes(t) {
		machinetest.Keep(t, snapshots+"push", row.Name, row.S.Run)
	}
	for name, r := range machinetest.Kept[renewal.PushRenewal](t, snapshots+"push") {
		state, _, _ := strings.Cut(name, "-")
		assert.EqualValues(t, state, r.State, name)
		_, err := pushes().Matrix([]machinetest.Row[pushWorld]{
			{Name: string(r.State), At: noon.Add(hour), S: pushWorld{Run: r, Push: pushHeld()}},
			{Name: string(r.State), At: noon.Add(3 * year), S: pushWorld{Run: r, Push: pushBare()}},
		}, pushEvents())
		require.NoError(t, err, name)
	}
}

// FuzzPushSnapshot takes any JSON for a stored renewal: no event makes it panic, and left to itself it never spins.
func FuzzPushSnapshot(f *testing.F) {
	seed(f, "push")
	f.Add([]byte(`{"state":"probing","candidate":{},"pending":[{"id":"x","kind":"probe_push"},{"id":"x","kind":"make_push_key"}]}`))
	f.Add([]byte(`{"state":"probing","candidate":{"key_id":"k","topic":"t","expires":"9999-12-31T23:59:59Z"}}`))
	f.Add([]byte(`{"state":"making_request","notified":true,"lapse_at":"0001-01-02T00:00:00Z"}`))
	all, m := pushEvents(), pushes()
	f.Fuzz(func(t *testing.T, text []byte) {
		var r renewal.PushRenewal
		if json.Unmarshal(text, &r) != nil || len(text) > large {
			return
		}
		for _, w := range []pushWorld{{Run: r, Push: pushHeld()}, {Run: r, Push: pushBare()}} {
			for _, ev := range all {
				now := noon
				if ev.Late != nil {
					now = now.Add(ev.Late(w, now))
				}
				if _, err := m.Step(w, now, ev.Of(w, now)); err != nil {
					require.True(t, ev.Asked, "%s: a fact is refused: %v", ev.Name, err)
				}
			}
			r.Allowed(policy, noon, tess)
		}
		for _, a := range stubborn()[:7] {
			for _, said := range []enrollment.Answer{enrollment.Accepted, enrollment.AnswerRejected} {
				pushLives(t, pushWorld{Run: r, Push: pushHeld()}, a, said)
			}
		}
	})
}

// pushLives leaves a renewal to itself for a while, and demands that it is never awake for nothing.
func pushLives(t *testing.T, w pushWorld, a answer, said enrollment.Answer) {
	t.Helper()
	m, now := pushes(), noon
	tell := func(ev renewal.PushEvent) {
		step, err := m.Step(w, now, ev)
		require.NoError(t, err)
		w = step.Next
	}
	for range 100 {
		tell(renewal.PushTicked{})
		for _, x := range w.Run.Due(now) {
			tell(pushAnswer(a, said)(w, x, now))
		}
		wake := w.Run.Wake()
		if !awake(t, w.Run.Live(), wake, now, w.Run.Due(now)) {
			return
		}
		now = wake
	}
}
