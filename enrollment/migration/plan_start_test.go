package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// Bad requests are refused with the code that tells what is wrong, and nothing begins.
func TestPlansThatCannotBeMade(t *testing.T) {
	type request = migration.PlanRequest
	for name, c := range map[string]struct {
		change func(q *request)
		code   enrollment.Code
		field  string
	}{
		"from a server to itself":      {func(q *request) { q.Route.From = q.Route.To }, enrollment.CodeSameServer, ""},
		"target without a token":       {func(q *request) { q.Target.Health = enrollment.Missing }, enrollment.CodeTargetNoToken, ""},
		"target's token expired":       {func(q *request) { q.Target.Health = enrollment.Expired }, enrollment.CodeTargetNoToken, ""},
		"target of which nobody knows": {func(q *request) { q.Target = migration.Target{} }, enrollment.CodeTargetNoToken, ""},
		"target's token rejected":      {func(q *request) { q.Target.Health = enrollment.Rejected }, enrollment.CodeTargetRejected, ""},
		"target without a profile":     {func(q *request) { q.Target.Profile = "" }, enrollment.CodeTargetNoProfile, ""},
		"target with another one":      {func(q *request) { q.Target.Profile = "FFFF" }, enrollment.CodeTargetNoProfile, ""},
		"no profile at all":            {func(q *request) { q.Route.Profile, q.Target.Profile = "", "" }, enrollment.CodeTargetNoProfile, ""},
		"no target":                    {func(q *request) { q.Route.To = "" }, enrollment.CodeInvalidInput, "to"},
		"no MDM":                       {func(q *request) { q.Route.OldMDM = "" }, enrollment.CodeInvalidInput, "mdm"},
		"no ID":                        {func(q *request) { q.ID = "" }, enrollment.CodeInvalidInput, "id"},
		"by nobody":                    {func(q *request) { q.By = enrollment.Actor{} }, enrollment.CodeInvalidInput, "actor"},
		"a wish that is none":          {func(q *request) { q.Wish = migration.Hands }, enrollment.CodeInvalidInput, "strategy"},
		"a deadline of a day":          {func(q *request) { q.Deadline = day }, enrollment.CodeInvalidInput, "migration_deadline"},
		"a deadline of half a year":    {func(q *request) { q.Deadline = 180 * day }, enrollment.CodeInvalidInput, "migration_deadline"},
	} {
		tr, err := migration.StartPlan(wiping, noon, planRequest(c.change))
		var problem *enrollment.Problem
		if assert.ErrorAs(t, err, &problem, name) {
			assert.Equal(t, c.code, problem.Code, name)
			assert.Equal(t, c.field, problem.Args["field"], name)
		}
		assert.Zero(t, tr, name)
	}
	_, err := migration.StartPlan(policy, noon, planRequest(func(q *request) { q.Wish = migration.Wipe }))
	require.ErrorIs(t, err, enrollment.NewProblem(enrollment.CodeWipesOff))
	for _, h := range []enrollment.Health{enrollment.Expiring, enrollment.TermsPending, enrollment.Unreachable, enrollment.NeverChecked} {
		tr, err := migration.StartPlan(policy, noon, planRequest(func(q *request) { q.Target.Health = h }))
		require.NoError(t, err, h)
		assert.Equal(t, migration.Auto, tr.Plan.Wish)
		assert.Equal(t, 30*day, tr.Plan.Deadline)
		assert.Equal(t, migration.PlanDrafting, tr.Plan.State)
	}
}

// Without wipes in the policy there is no way to a plan that wipes, at no step.
func TestWipesThatAreOffPassNoStep(t *testing.T) {
	p := newPlan(t).do("devices_listed: few").p
	_, err := p.Step(policy, noon.Add(hour), migration.SubmitRequested{By: tess, Target: ready})
	require.ErrorIs(t, err, enrollment.NewProblem(enrollment.CodeWipesOff))
	_, err = newPlan(t).p.Step(policy, noon.Add(hour), migration.DevicesListed{By: tess, Digest: "d", Listing: small})
	require.ErrorIs(t, err, enrollment.NewProblem(enrollment.CodeWipesOff))
	p = newPlan(t).do(toAwaiting...).p
	_, err = p.Step(policy, noon.Add(hour), migration.ApproveRequested{By: bob, Digest: p.Digest})
	require.ErrorIs(t, err, enrollment.NewProblem(enrollment.CodeWipesOff))
	s := newPlan(t).do(toRunning...)
	tr, err := s.p.Step(policy, s.now.Add(time.Minute), planEventOf(t, "counted: ready to be wiped").Of(s.p, s.now))
	require.NoError(t, err)
	assert.Empty(t, tr.Waves, "turned off on the way: no wave begins")
	assert.Equal(t, migration.WaitsWipesOff, tr.Plan.Waiting(policy).Why)
}

// A cooling period that the policy makes longer counts from then on; one that it makes shorter does not.
func TestCoolingIsNotCutShort(t *testing.T) {
	s := newPlan(t).do(toCooling...)
	until := s.p.CoolUntil
	assert.Equal(t, s.p.ApprovedAt.Add(time.Hour), until)
	short, long := wiping, wiping
	short.Wipes.Cooling, long.Wipes.Cooling = 0, 3*time.Hour
	_, err := s.p.Step(short, until.Add(-time.Second), migration.StartRequested{By: bob})
	require.Error(t, err)
	tr, err := s.p.Step(long, until, migration.PlanTicked{})
	require.NoError(t, err)
	assert.Equal(t, migration.PlanCooling, tr.Plan.State)
	assert.Equal(t, s.p.ApprovedAt.Add(3*time.Hour), tr.Plan.CoolUntil)
	tr, err = s.p.Step(short, until, migration.StartRequested{By: bob})
	require.NoError(t, err)
	assert.Equal(t, migration.PlanRunning, tr.Plan.State)
}

// Waves grow one after the other, then go on with a share of the plan; a failed one is repeated.
func TestWavesGrow(t *testing.T) {
	s := newPlan(t).do(toFull...)
	begin := func() migration.Wave {
		tr, err := s.p.Step(wiping, s.now, planEventOf(t, "counted: ready to be wiped").Of(s.p, s.now))
		require.NoError(t, err)
		require.Len(t, tr.Waves, 1)
		s.p = tr.Plan
		return tr.Waves[0]
	}
	end := func(w migration.Wave, state migration.WaveState) {
		tr, err := s.p.Step(wiping, s.now, migration.WaveEnded{Wave: w.ID, Track: w.Track, State: state, Size: w.Size})
		require.NoError(t, err)
		s.p = tr.Plan
	}
	for i, size := range []int{1, 5, 25, 25} { // 5 % of 400 wipes are 20: the last size goes on
		w := begin()
		assert.Equal(t, size, w.Size, "wave %d", i+1)
		assert.Equal(t, i+1, w.Number)
		if i == 1 {
			end(w, migration.WaveFailed)
			require.Equal(t, migration.PlanPaused, s.p.State)
			s.do("resume: ready")
			w = begin()
			assert.Equal(t, size, w.Size, "a failed wave is repeated, not left behind")
			end(w, migration.WavePassed)
			s.p.Wipes.Begun--
			continue
		}
		end(w, migration.WavePassed)
	}
	s.p.Listing.Wipes = 100_000
	assert.Equal(t, enrollment.MaxBatch, begin().Size, "5 % of 100,000, as far as a wave may go")
}

// A rule that was tightened since the approval holds, one that was loosened does not.
func TestTheTighterWavesHold(t *testing.T) {
	s := newPlan(t).do(toFull...)
	s.p.Wipes.Passed = 2
	loose, tight := wiping, wiping
	loose.Wipes.Waves, loose.Wipes.WaveEnough, loose.Wipes.FailureRatio = []int{100, 100, 100}, 10, 90
	tight.Wipes.Waves, tight.Wipes.WaveEnough, tight.Wipes.FailureRatio = []int{1, 2, 3}, 100, 1
	for want, p := range map[int]enrollment.Policy{25: loose, 3: tight} {
		tr, err := s.p.Step(p, s.now, planEventOf(t, "counted: ready to be wiped").Of(s.p, s.now))
		require.NoError(t, err)
		require.Len(t, tr.Waves, 1)
		assert.Equal(t, want, tr.Waves[0].Size)
	}
	tr, err := s.p.Step(tight, s.now, planEventOf(t, "counted: ready to be wiped").Of(s.p, s.now))
	require.NoError(t, err)
	assert.Equal(t, 100, tr.Waves[0].Enough)
	assert.Equal(t, 1, tr.Waves[0].Ratio)
}

// A plan that nobody can look through is judged by its failures, and says how many.
func TestAPlanPausesByItselfAndSaysWhy(t *testing.T) {
	s := newPlan(t).do(append(toRunning[:4:4], "counted: many failed")...)
	assert.Equal(t, migration.PlanPaused, s.p.State)
	assert.Equal(t, enrollment.NewProblem(enrollment.CodeTooManyFailures, "failed", "12", "devices", "24"), s.p.Problem)
	assert.Equal(t, migration.WaitsFailures, s.p.Waiting(wiping).Why)
	s.do("resume: ready")
	tr, err := s.p.Step(wiping, s.now, planEventOf(t, "counted: many failed").Of(s.p, s.now))
	require.NoError(t, err)
	assert.Equal(t, migration.PlanRunning, tr.Plan.State, "what failed before somebody resumed it does not count again")
}

// Every reason to wait has its words, and there is no other.
func TestWaitingIsAClosedList(t *testing.T) {
	assert.Greater(t, len(migration.Whys()), 20)
	for _, w := range migration.Whys() {
		assert.NotEmpty(t, w.Text(), w)
	}
	for _, row := range planShapes(t) {
		if w := row.S.Waiting(wiping); row.S.State.Live() {
			assert.Contains(t, migration.Whys(), w.Why, row.Name)
		} else {
			assert.Zero(t, w, row.Name)
		}
	}
	for _, row := range batchShapes(t) {
		if w := row.S.Waiting(); row.S.Live() {
			assert.Contains(t, migration.Whys(), w.Why, row.Name)
		}
	}
	for _, row := range waveShapes(t) {
		if w := row.S.Waiting(); row.S.State.Live() {
			assert.Contains(t, migration.Whys(), w.Why, row.Name)
		}
	}
}
