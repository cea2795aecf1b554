package migration_test

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// act does what is due, once around.
func (h *whole) act() {
	h.turn()
	h.tellPlan(migration.PlanTicked{})
	for _, x := range h.plan.Due(h.now) {
		h.doPlan(x)
	}
	for _, id := range slices.Sorted(maps.Keys(h.waves)) {
		h.tellWave(id, migration.WaveTicked{})
		for _, x := range h.waves[id].Due(h.now) {
			h.doWave(h.waves[id], x)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(h.batches)) {
		h.tellBatch(id, migration.BatchTicked{})
		for _, x := range h.batches[id].Due(h.now) {
			h.doBatch(h.batches[id], x)
		}
	}
	for _, s := range h.serials() {
		h.tellMove(s, migration.MoveTicked{})
		for _, x := range h.moves[s].Due(h.now) {
			if x.Kind != enrollment.SendWipe { // only who released it sends it
				h.doMove(h.moves[s], x)
			}
		}
	}
}

// wake is when something has to be done next.
func (h *whole) wake() time.Time {
	next := h.plan.Wake()
	take := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, w := range h.waves {
		take(w.Wake())
	}
	for _, b := range h.batches {
		take(b.Wake())
	}
	for _, m := range h.moves {
		take(m.Wake())
	}
	return next
}

// newWhole is a plan with devices of every sort, approved and about to cool down.
func newWhole(t require.TestingT, seed int64, devices int, trouble float64) *whole {
	h := &whole{
		t: t, rng: rand.New(rand.NewSource(seed)), policy: wiping, now: noon, waves: map[string]migration.Wave{}, batches: map[string]migration.Batch{},
		moves: map[string]migration.Move{}, devices: map[string]*gadget{}, acts: map[string]*activity{}, trouble: trouble,
	}
	tr, err := migration.StartPlan(h.policy, h.now, planRequest())
	require.NoError(t, err)
	h.plan, h.gate = tr.Plan, tr.Plan.Gate()
	digest := migration.NewDigest(h.plan.NextContent(h.policy))
	for i := range devices {
		d := ourMac()
		d.Serial = fmt.Sprintf("W%04d", i)
		d.UDID = "udid-" + d.Serial
		g := &gadget{service: route.From, capable: i%3 == 0, offline: h.rng.Float64() < trouble/4}
		decision := toWipe(d)
		switch {
		case g.capable:
			decision = migration.Decision{Strategy: migration.Migrate, Reasons: []migration.Reason{migration.Capable}}
		case i%7 == 0:
			decision = migration.Decision{Strategy: migration.Reassign, Reasons: []migration.Reason{migration.Arrived}}
		}
		require.NoError(t, digest.Add(migration.Listed{Device: d, Decision: decision}))
		made, err := migration.StartMove(h.now, migration.MoveRequest{ID: enrollment.MoveID("mov_" + d.Serial), Tenant: "acme", Plan: h.plan.ID, Device: d, Route: route, Decision: decision})
		require.NoError(t, err)
		h.moves[d.Serial], h.devices[d.Serial] = made.Move, g
	}
	sum, listing := digest.Sum()
	h.tellPlan(migration.DevicesListed{By: tess, Digest: sum, Listing: listing})
	h.tellPlan(migration.SubmitRequested{By: tess, Target: ready, Lately: h.tenant.Lately(h.now)})
	for _, by := range []enrollment.Actor{bob, cem}[:h.plan.Needed] {
		h.tellPlan(migration.ApproveRequested{By: by, Digest: sum, Lately: h.tenant.Lately(h.now)})
	}
	require.Equal(t, migration.PlanCooling, h.plan.State)
	return h
}

// run goes on until nothing wakes any more, with a person who does something now and then.
func (h *whole) run(person func(h *whole, round int)) (rounds int) {
	for ; rounds < 60_000; rounds++ {
		h.act()
		person(h, rounds)
		wake := h.wake()
		if wake.IsZero() && !slices.ContainsFunc(h.serials(), func(s string) bool { return !h.devices[s].comes.IsZero() }) {
			return rounds
		}
		if next := h.now.Add(30 * time.Minute); wake.IsZero() || wake.After(next) {
			wake = next // the world goes on beside the machines
		}
		if !wake.After(h.now) {
			wake = h.now.Add(time.Second)
		}
		h.now = wake
	}
	require.Fail(h.t, "it does not end", "at %s the plan is %s: %+v", h.now, h.plan.State, h.plan)
	return rounds
}

// check is what holds at the end of every world.
func (h *whole) check() map[migration.MoveState]int {
	for _, a := range h.policy.Wipes.Budget {
		require.LessOrEqual(h.t, h.released.most(a.In), a.Most, "%v", a)
	}
	require.LessOrEqual(h.t, h.posted.most(time.Hour), h.policy.PostsPerHour)
	require.False(h.t, h.plan.Live(), "the plan is %s", h.plan.State)
	states := map[migration.MoveState]int{}
	for s, m := range h.moves {
		require.False(h.t, m.Live(), "%s is %s", s, m.State)
		require.Equal(h.t, h.devices[s].enrolled, m.State == migration.MoveEnrolled, "%s is %s", s, m.State)
		states[m.State]++
	}
	for id, w := range h.waves {
		require.False(h.t, w.State.Live(), "%s is %s", id, w.State)
	}
	for id, b := range h.batches {
		require.False(h.t, b.Live(), "%s is %s", id, b.State)
	}
	return states
}

// Without trouble every device arrives, whatever its way, and the waves grow.
func TestAWholePlanMovesEveryDevice(t *testing.T) {
	h := newWhole(t, 1, 60, 0)
	rounds := h.run(func(*whole, int) {})
	states := h.check()
	assert.Equal(t, migration.PlanCompleted, h.plan.State)
	assert.Equal(t, 60, states[migration.MoveEnrolled]+states[migration.MoveReassigned], "%v", states)
	assert.Positive(t, states[migration.MoveReassigned])
	assert.GreaterOrEqual(t, h.plan.Wipes.Passed, 3)
	assert.GreaterOrEqual(t, h.plan.Migrates.Passed, 3)
	assert.Len(t, h.released, h.plan.Listing.Wipes)
	t.Logf("%d rounds, %v, %d posts, until %v: %v", rounds, h.now.Sub(noon), len(h.posted), h.plan.State, states)
}

// Whatever goes wrong, and whatever people do meanwhile: no wipe before assignment and profile, none after an enrollment, none
// twice, none over budget, none after the switch; and everything ends.
func TestThreat12_NoWorldMakesAPlanWipeWhatItMayNot(t *testing.T) {
	worlds := 12
	if testing.Short() {
		worlds = 5
	}
	ends := map[migration.PlanState]int{}
	wiped := 0
	for seed := range int64(worlds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			h := newWhole(t, seed, 12+int(seed)%20, float64(seed%5)*0.06)
			h.run(meddle(seed))
			h.check()
			ends[h.plan.State]++
			wiped += len(h.released)
		})
	}
	t.Logf("%v, %d wipes", ends, wiped)
	assert.Greater(t, wiped, 4*worlds, "too few wipes: does the test still look?")
}

// meddle is a person who pauses, resumes, replaces, cancels and throws the switch, by the seed.
func meddle(seed int64) func(h *whole, round int) {
	cancelAt := -1
	if seed%4 == 3 {
		cancelAt = 200 + int(seed)*10
	}
	return func(h *whole, round int) {
		switch {
		case h.plan.State == migration.PlanPaused && round%20 == 0:
			if !slices.Contains(h.plan.Allowed(h.policy, h.now, bob), migration.EventResume) { // its approval has ended
				h.tellPlan(migration.SubmitRequested{By: tess, Target: ready, Lately: h.tenant.Lately(h.now)})
				for _, by := range []enrollment.Actor{bob, cem}[:h.plan.Needed] {
					h.tellPlan(migration.ApproveRequested{By: by, Digest: h.plan.Digest, Lately: h.tenant.Lately(h.now)})
				}
				return
			}
			h.tellPlan(migration.ResumeRequested{By: bob, Target: ready})
		case round == cancelAt && h.plan.State.Live():
			h.tellPlan(migration.CancelRequested{By: bob})
		case seed%5 == 4 && round == 300 && h.plan.State.Live():
			h.thrown, _, _ = h.thrown.Throw(h.now, bob, "stop")
			h.stopped = h.now
			h.tellPlan(migration.SwitchSet{Thrown: true})
		case !h.stopped.IsZero() && round == 600 && h.plan.State.Live():
			h.tellPlan(migration.CancelRequested{By: bob})
		case h.plan.State == migration.PlanRunning && round%97 == 0 && seed%3 == 0:
			h.tellPlan(migration.PauseRequested{By: bob})
		case round%61 == 0 && seed%3 == 1:
			h.tellPlan(migration.PushLost{})
		case round%61 == 5:
			h.tellPlan(migration.PushRestored{})
		}
	}
}
