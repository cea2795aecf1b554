package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// A plan is made, approved by two, paused, resumed, submitted anew and ended; its host dies at every single point. Each time it
// ends as without, and with the very same effects.
func TestPlanSurvivesACrashAtEveryStep(t *testing.T) {
	act := func(wait time.Duration, name string) machinetest.Act[migration.Plan, migration.PlanEvent] {
		return machinetest.Act[migration.Plan, migration.PlanEvent]{Wait: wait, Event: planEventOf(t, name)}
	}
	counts := func(p migration.Plan, now time.Time) migration.Tally {
		n := p.Listing.Devices
		switch since := now.Sub(noon); {
		case since < 3*hour:
			return tally(map[migration.MoveState]int{migration.MoveQueued: n})
		case since < 8*hour:
			return tally(map[migration.MoveState]int{migration.MoveTurn: n})
		}
		return tally(map[migration.MoveState]int{migration.MoveEnrolled: n})
	}
	points, err := plans().CrashEverywhere(machinetest.Story[migration.Plan, migration.PlanEvent]{
		Start: newPlan(t).p, At: noon,
		Acts: []machinetest.Act[migration.Plan, migration.PlanEvent]{
			act(time.Minute, "devices_listed: many"), act(time.Minute, "submit: ready"), act(time.Minute, "approve: by another"), act(time.Minute, "approve: by a third"),
			act(2*hour, "pause"), act(hour, "resume: ready"), act(hour, "wave_ended: passed"), act(hour, "wave_ended: failed"), act(hour, "resume: ready"),
		},
		Tick: migration.PlanTicked{},
		Do: func(p migration.Plan, x enrollment.Effect, now time.Time) migration.PlanEvent {
			r := enrollment.Result{Outcome: enrollment.OK}
			if x.Attempt == 1 && x.Kind == enrollment.TellMoves {
				r.Outcome = enrollment.Retry
			}
			return answerPlan(p, x, r, counts(p, now))
		},
		Bare: func(p migration.Plan) migration.Plan {
			p.Revision, p.ListRevision, p.Approvals = 0, 0, nil // a repeated click
			return p
		},
	})
	require.NoError(t, err)
	assert.Greater(t, points, 100)
	t.Logf("%d points", points)
}

// A batch whose host dies at every single point assigns the same devices with the same calls.
func TestBatchSurvivesACrashAtEveryStep(t *testing.T) {
	tr, err := migration.StartBatch(policy, noon, batchRequest(enrollment.AssignDevices))
	require.NoError(t, err)
	say := func(b migration.Batch, x enrollment.Effect, now time.Time) migration.BatchEvent {
		of := absent
		switch {
		case now.Sub(noon) > 40*time.Minute:
			of = profiled
		case now.Sub(noon) > 20*time.Minute:
			of = assigned
		}
		return answerBatch(b, x, now, enrollment.Result{Outcome: enrollment.OK}, of, enrollment.ActivityCompleted)
	}
	points, err := batchesAnswered(policy, say).CrashEverywhere(machinetest.Story[migration.Batch, migration.BatchEvent]{
		Start: tr.Batch, At: noon, Tick: migration.BatchTicked{}, Do: say,
		Acts: []machinetest.Act[migration.Batch, migration.BatchEvent]{{Wait: 6 * hour, Event: batchFact("batch_held", func(migration.Batch, time.Time) migration.BatchEvent {
			return migration.BatchHeld{}
		})}},
	})
	require.NoError(t, err)
	assert.Greater(t, points, 20)
	t.Logf("%d points", points)
}

// A wave whose host dies at every single point calls the same devices and passes.
func TestWaveSurvivesACrashAtEveryStep(t *testing.T) {
	w := waveOf(t, 1, migration.TrackWipes)
	points, err := waves().CrashEverywhere(machinetest.Story[migration.Wave, migration.WaveEvent]{
		Start: w, At: w.BegunAt, Tick: migration.WaveTicked{},
		Acts: []machinetest.Act[migration.Wave, migration.WaveEvent]{{Wait: 10 * hour, Event: waveEventOf(t, "wave_resumed")}},
		Do: func(w migration.Wave, x enrollment.Effect, now time.Time) migration.WaveEvent {
			r := enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
			switch x.Kind {
			case enrollment.CallTurns:
				return migration.TurnsCalled{Result: r, Called: called(5), Left: 9}
			case enrollment.ReleaseWipes:
				return migration.WipesTried{Result: r}
			}
			state := migration.MoveTurn
			if now.Sub(w.BegunAt) > hour {
				state = migration.MoveEnrolled
			}
			return migration.WaveCounted{Result: r, Moves: standing(w, state)}
		},
	})
	require.NoError(t, err)
	assert.Greater(t, points, 50)
	t.Logf("%d points", points)
}
