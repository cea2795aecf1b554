package renewal_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// What was stored once is read for ever. A new shape is added by the flag -update; a file that is there is never rewritten,
// and a new schema gets a folder of its own.
func TestSnapshotsLoadForEver(t *testing.T) {
	for _, row := range shapes(t) {
		machinetest.Keep(t, snapshots+"renewal", row.Name, row.S.Run)
	}
	for name, r := range machinetest.Kept[renewal.Renewal](t, snapshots+"renewal") {
		state, _, _ := strings.Cut(name, "-")
		assert.EqualValues(t, state, r.State, name)
		_, err := machine().Matrix([]machinetest.Row[world]{
			{Name: string(r.State), At: noon.Add(hour), S: world{Run: r, Server: pinned()}},
			{Name: string(r.State), At: noon.Add(3 * year), S: world{Run: r, Server: bare()}},
		}, events())
		require.NoError(t, err, name)
	}
}

func TestWatchSnapshotsLoadForEver(t *testing.T) {
	ofEach(t, func(t *testing.T, k watched) {
		for _, row := range k.shapes(t) {
			machinetest.Keep(t, snapshots+k.name, row.Name, row.S)
		}
		for name, w := range machinetest.Kept[renewal.Watch](t, snapshots+k.name) {
			state, _, _ := strings.Cut(name, "-")
			assert.EqualValues(t, state, w.State, name)
			assert.Equal(t, k.start.Of, w.Of, name)
			_, err := watchMachine().Matrix([]machinetest.Row[renewal.Watch]{
				{Name: string(w.State), At: noon.Add(hour), S: w},
				{Name: string(w.State), At: noon.Add(3 * year), S: w},
			}, k.events())
			require.NoError(t, err, name)
		}
	})
}

const snapshots = "testdata/snapshots/v1/"

// FuzzSnapshot takes any JSON for a stored renewal: no event makes it panic, and left to itself it never spins.
func FuzzSnapshot(f *testing.F) {
	seed(f, "renewal")
	all := events()
	f.Fuzz(func(t *testing.T, text []byte) {
		var r renewal.Renewal
		if json.Unmarshal(text, &r) != nil || len(text) > large {
			return
		}
		for _, w := range []world{{Run: r, Server: pinned()}, {Run: r, Server: bare()}} {
			for _, ev := range all {
				now := noon
				if ev.Late != nil {
					now = now.Add(ev.Late(w, now))
				}
				if _, err := machine().Step(w, now, ev.Of(w, now)); err != nil {
					require.True(t, ev.Asked, "%s: a fact is refused: %v", ev.Name, err)
				}
			}
			r.Allowed(policy, noon, tess)
		}
		for _, a := range stubborn()[:5] {
			w, now := world{Run: r, Server: pinned()}, noon
			for range 200 {
				w = told(t, w, now, renewal.Ticked{})
				for _, x := range w.Run.Due(now) {
					w = told(t, w, now, a.to(w, x, now))
				}
				wake := w.Run.Wake()
				if !awake(t, w.Run.Live(), wake, now, w.Run.Due(now)) {
					break
				}
				now = wake
			}
		}
	})
}

// large is far above the size of a real snapshot; what thousands of pending effects cost is not the question here.
const large = 16 << 10

func told(t *testing.T, w world, now time.Time, ev renewal.Event) world {
	t.Helper()
	step, err := machine().Step(w, now, ev)
	require.NoError(t, err)
	return step.Next
}

// awake reports whether a machine has something to do later, and demands that it is not awake for nothing. An effect that
// nobody knows is nobody's to do.
func awake(t *testing.T, live bool, wake, now time.Time, due []enrollment.Effect) bool {
	t.Helper()
	for _, x := range due {
		switch x.Kind {
		case enrollment.CheckPush, enrollment.MakeKey, enrollment.VerifyToken, enrollment.ProbeToken, enrollment.SendNotice,
			enrollment.MakePushKey, enrollment.ProbePush:
		default:
			return false
		}
	}
	if wake.IsZero() {
		require.False(t, live, "it lives and never wakes again")
		return false
	}
	require.True(t, wake.After(now) || len(due) > 0, "it is awake and has nothing to do")
	return true
}

// FuzzWatchSnapshot does the same for a watch.
func FuzzWatchSnapshot(f *testing.F) {
	seed(f, "watch")
	seed(f, "push_watch")
	all := append(tokenWatched().events(), pushWatched().events()...)
	f.Fuzz(func(t *testing.T, text []byte) {
		var w renewal.Watch
		if json.Unmarshal(text, &w) != nil || len(text) > large {
			return
		}
		for _, ev := range all {
			now := noon
			if ev.Late != nil {
				now = now.Add(ev.Late(w, now))
			}
			if _, err := w.Step(policy, now, ev.Of(w, now)); err != nil {
				require.True(t, ev.Asked, "%s: a fact is refused: %v", ev.Name, err)
			}
		}
		for _, said := range []enrollment.Answer{enrollment.NoAnswer, enrollment.Accepted, enrollment.AnswerRejected} {
			w, now := w, noon
			tell := func(ev renewal.WatchEvent) {
				tr, err := w.Step(policy, now, ev)
				require.NoError(t, err)
				w = tr.Watch
			}
			for range 200 {
				tell(renewal.WatchTicked{})
				for _, x := range w.Due(now) {
					result := enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
					if x.Kind == enrollment.SendNotice {
						tell(renewal.WatchNotified{Result: result})
					} else {
						tell(renewal.Probed{Result: result, Answer: said})
					}
				}
				wake := w.Wake()
				if !awake(t, watchMachine().Live(w), wake, now, w.Due(now)) {
					break
				}
				now = wake
			}
		}
	})
}

func seed(f *testing.F, machine string) {
	f.Helper()
	for _, text := range machinetest.KeptTexts(f, snapshots+machine) {
		f.Add(text)
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"state":"probing"}`))
	f.Add([]byte(`{"state":"verifying","pending":[{"id":"x","kind":"verify_token"},{"id":"x","kind":"send_notice"}]}`))
	f.Add([]byte(`{"state":"completed","lapse_at":"0001-01-02T00:00:00Z","pending":[{"id":"x","kind":"make_key"}]}`))
	f.Add([]byte(`{"state":"watching","expires":"0001-01-02T00:00:00Z","generation":1}`))
	f.Add([]byte(`{"state":"probing","generation":-1,"expires":"9999-12-31T23:59:59Z","failures":-9}`))
}
