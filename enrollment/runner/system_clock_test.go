package runner_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
)

// Eight machines release wipes of one plan over a store whose clock jumps by hours either way, and end and lose answers on the way.
// By the time of the world, within the five minutes that clocks may be apart, there are never more releases than the budget in any
// window; and none after the kill switch was thrown.
func TestThreat12_EightMachinesKeepTheBudgetWhateverTheirClock(t *testing.T) {
	seeds := 4
	if testing.Short() || raceDetector {
		seeds = 1
	}
	released := 0
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { released += keepTheBudget(t, 4*seed+2) })
		})
	}
	assert.Greater(t, released, 2*seeds, "too few wipes: does the test still look?")
}

func keepTheBudget(t *testing.T, seed uint64) (releases int) {
	var off atomic.Int64 // of the store's clock
	s := newSystem(t, seed, func(h *host) {
		h.store = memory.New(func() time.Time { return h.clock.Now().Add(time.Duration(off.Load())) })
	})
	defer func() {
		if t.Failed() {
			t.Log(s.counterexample())
		}
	}()
	var times []time.Time
	s.watch = func(c crossing) {
		if c.call == "Commit" && c.after && c.err == nil {
			for _, rec := range c.write.Put {
				if rec.Kind == runner.KindMove && rec.State == string(migration.MoveWiping) {
					times = append(times, s.clock.Now())
				}
			}
		}
	}
	s.config.AppleTime = func() (time.Time, bool) { return s.clock.Now(), true }
	s.restartWith(s.config)
	s.acts, s.workers = nil, nil
	_, err := s.tenant().CancelPlan(ctx(t), tech, s.plan)
	require.NoError(t, err)
	for i := range 8 {
		s.device(fleet.Spec{Serial: fmt.Sprintf("MORE%d", i+1)})
	}
	s.approvedAs(s.wish(), "MORE1", "MORE2", "MORE3", "MORE4", "MORE5", "MORE6", "MORE7", "MORE8")
	s.machines(8)
	day := 24 * time.Hour
	_, err = s.tenant().SetPolicy(ctx(t), tech, enrollment.PolicyChange{WipeAnswerWithin: &day, EnrollWithin: &day})
	require.NoError(t, err)
	for at := range 12 { // the clock jumps, and is right again
		jump := []time.Duration{4 * time.Hour, -4 * time.Hour, 4 * time.Minute}[s.random.IntN(3)]
		from := s.clock.Now().Add(time.Duration(at) * 2 * time.Hour)
		s.acts = append(
			s.acts, act{from, "the clock jumps by " + jump.String(), func() error { off.Store(int64(jump)); return nil }},
			act{from.Add(15 * time.Minute), "the clock is right", func() error { off.Store(0); return nil }},
		)
	}
	var halt time.Time
	s.acts = append(s.acts, act{s.clock.Now().Add(14 * time.Hour), "throw the switch", func() error {
		_, err := s.Runner.ThrowSwitch(ctx(t), robot, "an alarm")
		halt = s.clock.Now()
		return err
	}})
	for end := s.clock.Now().Add(30 * time.Hour); s.clock.Now().Before(end); {
		now := s.clock.Now()
		s.apply()
		s.world.Step()
		s.deliver()
		require.NoError(t, s.people())
		_, next := s.work()
		s.clock.Pass(min(max(next.Sub(now), 3*time.Second), 5*time.Minute))
	}
	require.False(t, halt.IsZero())
	slices.SortFunc(times, time.Time.Compare)
	for i, at := range times {
		assert.False(t, at.After(halt), "released at %s, after the switch", at)
		if i >= 2 {
			assert.GreaterOrEqual(t, at.Sub(times[i-2]), 3*time.Hour-2*migration.MaxSkew, "more than two within three hours")
		}
	}
	held, err := s.store.List(ctx(t), storage.Query{Kind: runner.KindMove, Tenant: "acme", State: string(migration.MoveWiping), Limit: 10})
	require.NoError(t, err)
	assert.Empty(t, held, "none is left on its way")
	return len(times)
}
