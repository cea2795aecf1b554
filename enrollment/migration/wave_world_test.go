package migration_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

type (
	waveEvent   = machinetest.Event[migration.Wave, migration.WaveEvent]
	waveMachine = machinetest.Machine[migration.Wave, migration.WaveEvent]
	waveRow     = machinetest.Row[migration.Wave]
)

// waves drives a wave as a host does.
func waves() waveMachine { return wavesUnder(wiping) }

func wavesUnder(policy enrollment.Policy) waveMachine {
	return waveMachine{
		Step: func(w migration.Wave, now time.Time, ev migration.WaveEvent) (machinetest.Stepped[migration.Wave], error) {
			tr, err := w.Step(policy, now, ev)
			return machinetest.Stepped[migration.Wave]{Next: tr.Wave, Moved: tr.Moved, Notes: waveNotes(w, tr)}, err
		},
		State:    func(w migration.Wave) string { return string(w.State) },
		Live:     func(w migration.Wave) bool { return w.State.Live() },
		Wake:     migration.Wave.Wake,
		Pending:  func(w migration.Wave) []enrollment.Effect { return w.Pending },
		Revision: func(w migration.Wave) int64 { return w.Revision },
	}
}

func waveNotes(w migration.Wave, tr migration.WaveTransition) []string {
	if !tr.Moved {
		return nil
	}
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if was, is := len(w.Devices), len(tr.Wave.Devices); was != is {
		say("%d of %d devices", is, tr.Wave.Size)
	}
	if len(tr.News) > 0 {
		say("ends %d turns", len(tr.News))
	}
	if w.Held != tr.Wave.Held {
		say("%s", map[bool]string{true: "held", false: "goes on"}[tr.Wave.Held])
	}
	if was, is := w.Keeps.Why, tr.Wave.Keeps.Why; was != is {
		say("kept back by %q", is)
	}
	for _, fact := range tr.Audit {
		say("audits %s", fact.Act)
	}
	return said
}

// waveOf is the wave that a plan begins after so many have passed.
func waveOf(t testing.TB, passed int, track migration.Track) migration.Wave {
	t.Helper()
	s := newPlan(t).do(toFull...)
	event := "counted: ready to be wiped"
	if track == migration.TrackMigrations {
		event = "counted: ready to migrate"
	}
	for i := 0; ; i++ {
		s.now = s.now.Add(time.Second)
		tr, err := s.p.Step(wiping, s.now, planEventOf(t, event).Of(s.p, s.now))
		require.NoError(t, err)
		require.Len(t, tr.Waves, 1)
		s.p = tr.Plan
		if i == passed {
			return tr.Waves[0]
		}
		tr, err = s.p.Step(wiping, s.now, migration.WaveEnded{Wave: tr.Waves[0].ID, Track: track, State: migration.WavePassed})
		require.NoError(t, err)
		s.p = tr.Plan
	}
}

// called are the serial numbers of a wave's candidates.
func called(n int) []string {
	var serials []string
	for i := range n {
		serials = append(serials, fmt.Sprintf("C%02d", i+1))
	}
	return serials
}

// standing is how the moves of a wave stand: the first in the given states, the others in the last of them.
func standing(w migration.Wave, states ...migration.MoveState) []migration.Move {
	var moves []migration.Move
	for i, d := range w.Devices {
		m := migration.Move{
			Tenant: w.Tenant, Plan: w.Plan, State: states[min(i, len(states)-1)], Wave: w.Number,
			Device: enrollment.Device{Serial: d.Serial}, Decision: migration.Decision{Strategy: migration.Wipe},
		}
		moves = append(moves, m)
	}
	return moves
}

func waveFact(name string, of func(w migration.Wave, now time.Time) migration.WaveEvent) waveEvent {
	return waveEvent{Name: name, Of: of}
}

// waveEvents are all ways in which something can happen to a wave.
func waveEvents() []waveEvent {
	result := func(w migration.Wave, kind enrollment.EffectKind, o enrollment.Outcome) enrollment.Result {
		return enrollment.Result{Effect: pendingOf(w.Pending, kind), Outcome: o}
	}
	call := func(name string, o enrollment.Outcome, n, left int) waveEvent {
		return waveFact("turns_called: "+name, func(w migration.Wave, _ time.Time) migration.WaveEvent {
			return migration.TurnsCalled{Result: result(w, enrollment.CallTurns, o), Called: called(n), Left: left}
		})
	}
	count := func(name string, o enrollment.Outcome, of func(w migration.Wave) []migration.Move) waveEvent {
		return waveFact("wave_counted: "+name, func(w migration.Wave, _ time.Time) migration.WaveEvent {
			return migration.WaveCounted{Result: result(w, enrollment.CountMoves, o), Moves: of(w)}
		})
	}
	in := func(states ...migration.MoveState) func(w migration.Wave) []migration.Move {
		return func(w migration.Wave) []migration.Move { return standing(w, states...) }
	}
	try := func(name string, o enrollment.Outcome, why migration.Why, until time.Duration) waveEvent {
		return waveFact("wipes_tried: "+name, func(w migration.Wave, now time.Time) migration.WaveEvent {
			return migration.WipesTried{Result: result(w, enrollment.ReleaseWipes, o), Keeps: migration.Waiting{Why: why, Until: now.Add(until)}}
		})
	}
	say := func(name string, ev migration.WaveEvent) waveEvent {
		return waveFact(name, func(migration.Wave, time.Time) migration.WaveEvent { return ev })
	}
	replace := func(name, serial string) waveEvent {
		ev := say("replace_device: "+name, migration.DeviceReplaced{By: bob, Serial: serial})
		ev.Asked = true
		return ev
	}
	enrolled, failed, turn := migration.MoveEnrolled, migration.MoveFailed, migration.MoveTurn
	return []waveEvent{
		call("as many as wanted", enrollment.OK, 5, 100), call("two, the others come", enrollment.OK, 2, 3), call("two, and no more", enrollment.OK, 2, 0),
		call("none", enrollment.OK, 0, 0), call("none yet", enrollment.OK, 0, 5), call("not now", enrollment.Retry, 0, 0),
		count("in their turn", enrollment.OK, in(turn)), count("all enrolled", enrollment.OK, in(enrolled)),
		count("one failed, the others enrolled", enrollment.OK, in(failed, enrolled)), count("two failed", enrollment.OK, in(failed, failed, turn)),
		count("half enrolled, half reassigned", enrollment.OK, in(enrolled, enrolled, migration.MoveReassigned)),
		count("wiped", enrollment.OK, in(migration.MoveAnswer)), count("skipped", enrollment.OK, in(migration.MoveSkipped)),
		count("one lost its turn", enrollment.OK, func(w migration.Wave) []migration.Move {
			moves := standing(w, turn)
			if len(moves) > 0 {
				moves[0].Wave = 0
			}
			return moves
		}),
		count("of another plan", enrollment.OK, func(w migration.Wave) []migration.Move {
			moves := standing(w, failed)
			for i := range moves {
				moves[i].Plan = "pln_2"
			}
			return moves
		}),
		count("nobody answers", enrollment.Retry, in(turn)),
		try("all released", enrollment.OK, "", 0), try("the budget is spent", enrollment.OK, migration.WaitsTenantBudget, 30*time.Second),
		try("not now", enrollment.Unknown, "", 0),
		replace("the first", "C01"), replace("of another wave", "X99"),
		say("wave_held", migration.WaveHeld{}), say("wave_resumed", migration.WaveResumed{}), say("wave_closed", migration.WaveClosed{}),
		say("tick: at once", migration.WaveTicked{}),
		{
			Name: "tick: when its time is over", Late: func(w migration.Wave, now time.Time) time.Duration { return max(w.DueAt.Sub(now), 0) },
			Of: func(migration.Wave, time.Time) migration.WaveEvent { return migration.WaveTicked{} },
		},
	}
}

func waveEventOf(t testing.TB, name string) waveEvent {
	t.Helper()
	all := waveEvents()
	i := slices.IndexFunc(all, func(ev waveEvent) bool { return ev.Name == name })
	require.GreaterOrEqual(t, i, 0, "there is no event %s", name)
	return all[i]
}

// waveStory plays named events on a wave, and gives the row of where it leads.
func waveStory(t testing.TB, w migration.Wave, shape string, names ...string) waveRow {
	t.Helper()
	now := w.BegunAt
	for _, name := range names {
		ev := waveEventOf(t, name)
		now = now.Add(time.Second)
		if ev.Late != nil {
			now = now.Add(ev.Late(w, now))
		}
		tr, err := w.Step(wiping, now, ev.Of(w, now))
		require.NoError(t, err, name)
		require.True(t, tr.Moved, "%s is ignored in %s", name, w.State)
		w = tr.Wave
	}
	name := string(w.State)
	if shape != "" {
		name += ": " + shape
	}
	return waveRow{Name: name, At: now.Add(time.Second), S: w}
}

// waveShapes are waves in every state, in the shapes that matter.
func waveShapes(t testing.TB) []waveRow {
	one, five := waveOf(t, 0, migration.TrackWipes), waveOf(t, 1, migration.TrackWipes)
	migrates := waveOf(t, 1, migration.TrackMigrations)
	const full, two, alone = "turns_called: as many as wanted", "turns_called: two, the others come", "turns_called: two, and no more"
	return []waveRow{
		waveStory(t, one, "the first"), waveStory(t, five, "of five"), waveStory(t, five, "two of five", two), waveStory(t, migrates, "of migrations"),
		waveStory(t, five, "held", "wave_held"), waveStory(t, five, "two of five, held", two, "wave_held"),
		waveStory(t, one, "the first", full), waveStory(t, five, "of five", full), waveStory(t, five, "of two", alone),
		waveStory(t, migrates, "of migrations", full), waveStory(t, five, "held", full, "wave_held"),
		waveStory(t, five, "all wiped", full, "wave_counted: wiped"), waveStory(t, five, "one of five lost its turn", full, "wave_counted: one lost its turn"),
		waveStory(t, five, "kept back", full, "wipes_tried: the budget is spent"),
		waveStory(t, five, "one was replaced", full, "replace_device: the first"),
		waveStory(t, five, "one lost its turn while held", full, "wave_held", "wave_counted: one lost its turn"),
		waveStory(t, five, "", full, "wave_counted: all enrolled"), waveStory(t, five, "", full, "wave_counted: two failed"),
		waveStory(t, five, "no device", "turns_called: none"),
	}
}

func waveCells(t *testing.T) []machinetest.Cell {
	t.Helper()
	cells, err := waves().Matrix(waveShapes(t), waveEvents())
	require.NoError(t, err)
	return cells
}

// Every state, in every shape, times every way in which something can happen.
func TestMatrixOfWave(t *testing.T) {
	cells := waveCells(t)
	machinetest.Golden(t, "testdata/matrix/wave.txt", machinetest.Text(cells))
	for _, state := range migration.WaveStates() {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.State() == string(state) }), "no row of %s", state)
	}
	for _, name := range append(machinetest.EventNames(t, "wave_event.go"), "tick") {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.EventName() == name }), "no column of %s", name)
	}
}
