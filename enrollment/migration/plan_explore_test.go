package migration_test

import (
	"errors"
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

// roomFor is how many snapshots an exploration looks at; fewer with -short.
func roomFor(most int) int {
	if testing.Short() {
		return most / 4
	}
	return most
}

// Everything that can be reached from any shape is walked through, as far as there is room.
func TestExplorePlan(t *testing.T) {
	seen, err := plans().Explore(machinetest.Exploration[migration.Plan, migration.PlanEvent]{
		Start: planShapes(t), Events: allPlanEvents(), Jumps: []time.Duration{2 * day}, Most: roomFor(180), Essence: planEssence,
		CheckStep: func(before migration.Plan, now time.Time, _ planEvent, after migration.Plan, _ error) error {
			return errors.Join(opensSafely(before, now, after), offersWhatAPlanTakes(after, now))
		},
	})
	require.NoError(t, err)
	t.Logf("%d snapshots, %d edges, complete: %v: %v", seen.Snapshots, seen.Edges, seen.Complete, seen.States)
	for _, state := range migration.PlanStates() {
		assert.Positive(t, seen.States[string(state)], "%s was never reached", state)
	}
}

// planEssence leaves out of a plan what is kept for people only.
func planEssence(p migration.Plan) migration.Plan {
	p.EndedAt, p.Refused, p.SubmittedAt = time.Time{}, 0, time.Time{}
	p.Excluded.Devices, p.Excluded.Wipes = min(p.Excluded.Devices, 1), min(p.Excluded.Wipes, 1)
	p.ListRevision, p.Round = min(p.ListRevision, 1), min(p.Round, 1)
	p.Wipes.Passed, p.Wipes.Begun, p.Migrates.Passed, p.Migrates.Begun = min(p.Wipes.Passed, 2), 0, min(p.Migrates.Passed, 2), 0
	p.Pending = slices.Clone(p.Pending)
	for i := range p.Pending {
		p.Pending[i].Notice = nil
	}
	return p
}

// opensSafely is what must hold of every single step.
func opensSafely(before migration.Plan, now time.Time, after migration.Plan) error {
	gate := after.Gate()
	if !gate.Open {
		return nil
	}
	persons := map[string]bool{}
	for _, a := range after.Approvals {
		if a.Digest == after.Digest && a.By.Kind == enrollment.Person && a.By.ID != tess.ID {
			persons[a.By.ID] = true
		}
	}
	switch {
	case after.State != migration.PlanRunning || after.PushLost || after.Stopped:
		return fmt.Errorf("the gate is open in %s", after.State)
	case len(persons) < after.Needed || len(persons) < migration.ApprovalsNeeded(wiping.Wipes, after.ToWipe(), 0):
		return fmt.Errorf("the gate is open by the word of %d persons", len(persons))
	case gate.Until.IsZero() || gate.Approval == "" || len(gate.Budget) == 0:
		return errors.New("the gate is open without an end, a name or a budget")
	case !before.Gate().Open && before.State == migration.PlanCooling && now.Before(after.ApprovedAt.Add(wiping.Wipes.Cooling)):
		return errors.New("the cooling period was cut short")
	case before.Digest != after.Digest:
		return errors.New("another list passes the gate")
	}
	return nil
}

// offersWhatAPlanTakes demands that what Allowed offers is taken, and what it does not offer changes nothing.
func offersWhatAPlanTakes(p migration.Plan, now time.Time) error {
	offered := p.Allowed(wiping, now, bob)
	for _, ev := range []migration.PlanEvent{
		migration.SubmitRequested{By: bob, Target: ready}, migration.ApproveRequested{By: bob, Digest: p.Digest}, migration.RejectRequested{By: bob},
		migration.StartRequested{By: bob}, migration.PauseRequested{By: bob}, migration.ResumeRequested{By: bob, Target: ready}, migration.CancelRequested{By: bob},
	} {
		tr, err := p.Step(wiping, now, ev)
		if taken := err == nil && tr.Moved; taken != slices.Contains(offered, ev.Name()) {
			return fmt.Errorf("%s is offered: %v, and taken: %v", ev.Name(), !taken, taken)
		}
	}
	return nil
}

func TestExploreWave(t *testing.T) {
	seen, err := waves().Explore(machinetest.Exploration[migration.Wave, migration.WaveEvent]{
		Start: waveShapes(t), Events: waveEvents(), Jumps: []time.Duration{2 * day}, Most: roomFor(250),
		Essence: func(w migration.Wave) migration.Wave {
			w.EndedAt, w.Keeps, w.Out, w.Replaced = time.Time{}, migration.Waiting{}, nil, min(w.Replaced, 5)
			return w
		},
		CheckStep: func(before migration.Wave, now time.Time, _ waveEvent, after migration.Wave, _ error) error {
			switch {
			case len(after.Devices) > after.Size:
				return fmt.Errorf("%d devices are in a wave of %d", len(after.Devices), after.Size)
			case after.Size > before.Size:
				return errors.New("the wave grew")
			case after.State == migration.WavePassed && before.State.Live():
				if enrolled, failed := after.Counts(); enrolled*100 < after.Enough*after.Size || failed*100 > after.Ratio*after.Size {
					return fmt.Errorf("passed although %d enrolled and %d failed of %d", enrolled, failed, after.Size)
				}
			case after.State.Live() && now.After(after.BegunAt.Add(400*day)):
				return errors.New("it does not end")
			}
			return nil
		},
	})
	require.NoError(t, err)
	t.Logf("%d snapshots, %d edges, complete: %v: %v", seen.Snapshots, seen.Edges, seen.Complete, seen.States)
	for _, state := range migration.WaveStates() {
		assert.Positive(t, seen.States[string(state)], "%s was never reached", state)
	}
}

func TestExploreBatch(t *testing.T) {
	seen, err := batches().Explore(machinetest.Exploration[migration.Batch, migration.BatchEvent]{
		Start: batchShapes(t), Events: batchEvents(), Jumps: []time.Duration{2 * day}, Most: roomFor(250),
		Essence: func(b migration.Batch) migration.Batch {
			b.EndedAt, b.CreatedAt = time.Time{}, time.Time{}
			b.Pending = slices.Clone(b.Pending)
			for i := range b.Pending {
				b.Pending[i].Notice = nil
			}
			return b
		},
		CheckStep: func(before migration.Batch, _ time.Time, ev batchEvent, after migration.Batch, _ error) error {
			return errors.Join(postsSafely(before, after), believesOnlyWhatItSees(before, ev, after))
		},
	})
	require.NoError(t, err)
	t.Logf("%d snapshots, %d edges, complete: %v: %v", seen.Snapshots, seen.Edges, seen.Complete, seen.States)
	for _, state := range migration.BatchStates() {
		assert.Positive(t, seen.States[string(state)], "%s was never reached", state)
	}
}

// postsSafely demands that nothing is asked of Apple without its budget, and nothing about devices that are there.
func postsSafely(before, after migration.Batch) error {
	posts := func(b migration.Batch) (enrollment.Effect, bool) {
		for _, x := range b.Pending {
			if x.Kind == enrollment.PostAssignment {
				return x, true
			}
		}
		return enrollment.Effect{}, false
	}
	x, is := posts(after)
	if _, was := posts(before); !is || was {
		return nil
	}
	switch {
	case before.State != migration.BatchAwaiting || before.Held:
		return fmt.Errorf("a call is made out of %s", before.State)
	case after.Posts > 2:
		return errors.New("the same devices are asked for a third time")
	case len(after.Serials(x)) != after.Count(migration.StageMissing):
		return errors.New("a call names devices that are there")
	case after.DueAt.IsZero():
		return errors.New("a call may be made for ever")
	}
	return nil
}

// believesOnlyWhatItSees demands that a device comes further only by a look at the new service.
func believesOnlyWhatItSees(before migration.Batch, ev batchEvent, after migration.Batch) error {
	for i, d := range after.Devices {
		was := before.Devices[i].Stage
		if (d.Stage == migration.StageSeen || d.Stage == migration.StageDone) && was != d.Stage && ev.Name[:6] != "looked" {
			return fmt.Errorf("%s is %s by %s", d.Serial, d.Stage, ev.Name)
		}
	}
	return nil
}

// Steps from one snapshot share nothing that they change.
func TestStepsOfPlanWaveAndBatchShareNothing(t *testing.T) {
	rows := planShapes(t)
	for i := range rows {
		p := &rows[i].S
		p.Pending, p.Approvals = slices.Grow(p.Pending, 4), slices.Grow(p.Approvals, 4)
	}
	require.NoError(t, plans().Apart(rows, allPlanEvents()))
	waveRows := waveShapes(t)
	for i := range waveRows {
		w := &waveRows[i].S
		w.Pending, w.Devices, w.Out = slices.Grow(w.Pending, 4), slices.Grow(w.Devices, 4), slices.Grow(w.Out, 4)
	}
	require.NoError(t, waves().Apart(waveRows, waveEvents()))
	batchRows := batchShapes(t)
	for i := range batchRows {
		b := &batchRows[i].S
		b.Pending, b.Devices = slices.Grow(b.Pending, 4), slices.Grow(b.Devices, 4)
	}
	require.NoError(t, batches().Apart(batchRows, batchEvents()))
}
