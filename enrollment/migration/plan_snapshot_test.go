package migration_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

const (
	planSnapshots  = "testdata/snapshots/v1/plan"
	waveSnapshots  = "testdata/snapshots/v1/wave"
	batchSnapshots = "testdata/snapshots/v1/batch"
)

// readsForEver demands that every stored snapshot is in the state that its name says, and that every event still means something.
func readsForEver[S, E any](t *testing.T, m machinetest.Machine[S, E], folder string, rows []machinetest.Row[S], events []machinetest.Event[S, E]) {
	t.Helper()
	for _, row := range rows {
		machinetest.Keep(t, folder, row.Name, row.S)
	}
	for name, s := range machinetest.Kept[S](t, folder) {
		state, _, _ := strings.Cut(name, "-")
		assert.Equal(t, state, m.State(s), name)
		_, err := m.Matrix([]machinetest.Row[S]{
			{Name: m.State(s), At: noon.Add(hour), S: s}, {Name: m.State(s), At: noon.Add(3 * year), S: s},
		}, events)
		require.NoError(t, err, name)
	}
}

// What was stored is read for ever, and every event still means something to it.
func TestSnapshotsOfPlanWaveAndBatchLoadForEver(t *testing.T) {
	readsForEver(t, plans(), planSnapshots, planShapes(t), allPlanEvents())
	readsForEver(t, waves(), waveSnapshots, waveShapes(t), waveEvents())
	readsForEver(t, batches(), batchSnapshots, batchShapes(t), batchEvents())
}

// A plan stays small however many devices it has, and a batch of a thousand devices stays below what a store takes easily.
func TestSnapshotsAreSmall(t *testing.T) {
	for _, row := range planShapes(t) {
		text, err := json.Marshal(row.S)
		require.NoError(t, err)
		assert.Less(t, len(text), 6<<10, "%s", row.Name)
	}
	q := batchRequest(enrollment.AssignDevices)
	for len(q.Serials) < enrollment.MaxBatch {
		q.Serials = append(q.Serials, "S"+strings.Repeat("0", 10)+string(rune('A'+len(q.Serials)/100))+string(rune('A'+len(q.Serials)/10%10))+string(rune('A'+len(q.Serials)%10)))
	}
	tr, err := migration.StartBatch(policy, noon, q)
	require.NoError(t, err)
	text, err := json.Marshal(tr.Batch)
	require.NoError(t, err)
	assert.Less(t, len(text), 64<<10)
}

// idles leaves a machine to itself for a while, and demands that it is never awake for nothing.
func idles[S, E any](t *testing.T, m machinetest.Machine[S, E], s S, due func(S, time.Time) []enrollment.Effect, tick E, answer func(S, enrollment.Effect, time.Time) (E, bool)) {
	t.Helper()
	now := noon
	for range 60 {
		step, err := m.Step(s, now, tick)
		require.NoError(t, err)
		s = step.Next
		known := true
		for _, x := range due(s, now) {
			ev, is := answer(s, x, now)
			if known = known && is; !is {
				continue
			}
			step, err := m.Step(s, now, ev)
			require.NoError(t, err)
			s = step.Next
		}
		wake := m.Wake(s)
		if wake.IsZero() || !known {
			return // an effect that nobody knows is nobody's to do
		}
		tick, err := m.Step(s, now, tick)
		require.NoError(t, err)
		require.True(t, wake.After(now) || len(due(s, now)) > 0 || tick.Moved, "it is awake and has nothing to do: %+v", s)
		if wake.After(now) {
			now = wake
		}
	}
}

// FuzzPlanSnapshot takes any JSON for a stored plan: no event makes it panic, no gate opens without approvals, and left to itself
// it never spins.
func FuzzPlanSnapshot(f *testing.F) {
	for _, text := range machinetest.KeptTexts(f, planSnapshots) {
		f.Add(text)
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"state":"running","listing":{"wipes":5},"needed":-1,"round":1,"approved_until":"2030-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"state":"running","listing":{"devices":-5,"wipes":9223372036854775807},"tally":{"states":{"queued":-1}},"caps":{"waves":[]}}`))
	f.Add([]byte(`{"state":"paused","pending":[{"id":"x","kind":"count_moves"},{"id":"x","kind":"tell_moves"},{"id":"y","kind":"send_wipe"}]}`))
	f.Add([]byte(`{"state":"cooling","lapse_at":"0001-01-02T00:00:00Z","approvals":[{"by":{"kind":"person"},"digest":""}]}`))
	all := allPlanEvents()
	f.Fuzz(func(t *testing.T, text []byte) {
		var p migration.Plan
		if json.Unmarshal(text, &p) != nil || len(text) > 16<<10 {
			return
		}
		for _, ev := range all {
			now := noon
			if ev.Late != nil {
				now = now.Add(ev.Late(p, now))
			}
			tr, err := p.Step(wiping, now, ev.Of(p, now))
			if err != nil {
				require.True(t, ev.Asked, "%s: a fact is refused: %v", ev.Name, err)
			}
			for _, w := range tr.Waves {
				require.LessOrEqual(t, w.Size, enrollment.MaxBatch)
				require.Positive(t, w.Size)
			}
			if tr.Plan.Gate().Open {
				require.GreaterOrEqual(t, len(tr.Plan.Approvals), 1)
			}
		}
		p.Allowed(wiping, noon, bob)
		p.Waiting(wiping)
		for _, r := range stubbornOutcomes {
			idles(t, plans(), p, migration.Plan.Due, migration.PlanEvent(migration.PlanTicked{}), func(p migration.Plan, x enrollment.Effect, _ time.Time) (migration.PlanEvent, bool) {
				switch x.Kind {
				case enrollment.CountMoves, enrollment.MakeBatches, enrollment.TellMoves, enrollment.SendNotice:
					return answerPlan(p, x, r, migration.Tally{}), true
				}
				return nil, false
			})
		}
	})
}

// FuzzWaveSnapshot takes any JSON for a stored wave.
func FuzzWaveSnapshot(f *testing.F) {
	for _, text := range machinetest.KeptTexts(f, waveSnapshots) {
		f.Add(text)
	}
	f.Add([]byte(`{"state":"watching","size":-1,"enough":-1,"ratio":-1,"devices":[{"serial":"A"},{"serial":"A"}]}`))
	f.Add([]byte(`{"state":"calling","held":true,"pending":[{"id":"x","kind":"call_turns"}]}`))
	f.Add([]byte(`{"state":"calling","size":1,"devices":[{"serial":"A"}],"pending":[{"id":"x","kind":"call_turns"}]}`))
	all := waveEvents()
	f.Fuzz(func(t *testing.T, text []byte) {
		var w migration.Wave
		if json.Unmarshal(text, &w) != nil || len(text) > 16<<10 {
			return
		}
		for _, ev := range all {
			now := noon
			if ev.Late != nil {
				now = now.Add(ev.Late(w, now))
			}
			if _, err := w.Step(wiping, now, ev.Of(w, now)); err != nil {
				require.True(t, ev.Asked, "%s: a fact is refused: %v", ev.Name, err)
			}
		}
		w.Waiting()
		w.Ended()
		for _, r := range stubbornOutcomes {
			idles(t, waves(), w, migration.Wave.Due, migration.WaveEvent(migration.WaveTicked{}), func(w migration.Wave, x enrollment.Effect, _ time.Time) (migration.WaveEvent, bool) {
				r := r
				r.Effect = x.ID
				switch x.Kind {
				case enrollment.CallTurns:
					return migration.TurnsCalled{Result: r, Called: called(2), Left: 1}, true
				case enrollment.ReleaseWipes:
					return migration.WipesTried{Result: r}, true
				case enrollment.CountMoves:
					return migration.WaveCounted{Result: r, Moves: standing(w, migration.MoveTurn, migration.MoveEnrolled)}, true
				}
				return nil, false
			})
		}
	})
}

// FuzzBatchSnapshot takes any JSON for a stored batch.
func FuzzBatchSnapshot(f *testing.F) {
	for _, text := range machinetest.KeptTexts(f, batchSnapshots) {
		f.Add(text)
	}
	f.Add([]byte(`{"state":"posting","posts":-9,"devices":[{"serial":"A"},{"serial":"A","stage":"seen"}],"lapse_at":"2030-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"state":"reading","tries":-1,"lapse_at":"0001-01-02T00:00:00Z","pending":[{"id":"x","kind":"look_up"}]}`))
	all := batchEvents()
	f.Fuzz(func(t *testing.T, text []byte) {
		var b migration.Batch
		if json.Unmarshal(text, &b) != nil || len(text) > 16<<10 {
			return
		}
		for _, ev := range all {
			now := noon
			if ev.Late != nil {
				now = now.Add(ev.Late(b, now))
			}
			if _, err := b.Step(policy, now, ev.Of(b, now)); err != nil {
				require.True(t, ev.Asked, "%s: a fact is refused: %v", ev.Name, err)
			}
		}
		b.Waiting()
		b.CSV()
		b.Allowed(policy, noon, bob)
		for _, r := range stubbornOutcomes {
			idles(t, batches(), b, migration.Batch.Due, migration.BatchEvent(migration.BatchTicked{}), func(b migration.Batch, x enrollment.Effect, now time.Time) (migration.BatchEvent, bool) {
				switch x.Kind {
				case enrollment.LookUp, enrollment.SpendPost, enrollment.PostAssignment, enrollment.AskActivity, enrollment.AssignProfiles, enrollment.SendNotice:
					return answerBatch(b, x, now, r, profiled.first(1), enrollment.ActivityRunning), true
				}
				return nil, false
			})
		}
	})
}
