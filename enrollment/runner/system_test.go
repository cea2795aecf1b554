package runner_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// run lets everybody act until the plan has ended and nothing is on its way any more.
func (s *system) run() {
	s.t.Helper()
	var ended time.Time
	for steps := 0; ; steps++ {
		now := s.clock.Now()
		require.Less(s.t, now.Sub(s.begun), 120*24*time.Hour, "the plan does not end: it is %s", s.view().State)
		s.apply()
		s.world.Step()
		s.deliver()
		require.NoError(s.t, s.people())
		if view := s.view(); view.State.Live() {
			ended = time.Time{}
		} else if ended.IsZero() {
			ended = now
		} else if now.Sub(ended) > 30*time.Hour && (len(s.busy()) == 0 || now.Sub(ended) > 8*24*time.Hour) {
			s.say("%d steps", steps)
			return
		}
		more, next := s.work()
		if more {
			next = now
		}
		s.clock.Pass(min(max(next.Sub(now), 3*time.Second), 20*time.Minute))
	}
}

// work has each machine do once what is due, and says when something is due again.
func (s *system) work() (more bool, next time.Time) {
	next = s.clock.Now().Add(20 * time.Minute)
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, w := range s.workers {
		all.Go(func() {
			var ran runner.Ran
			_, lived := w.life.run(func() (err error) { ran, err = w.RunDue(s.t.Context(), runner.Due{}); return err })
			mu.Lock()
			defer mu.Unlock()
			if !lived {
				s.rebirth(w)
				return
			}
			if more = more || ran.More; !ran.Next.IsZero() && ran.Next.Before(next) {
				next = ran.Next
			}
		})
	}
	all.Wait()
	if at := s.world.Wake(); !at.IsZero() && at.Before(next) {
		next = at
	}
	return more, next
}

// check is what holds of every world.
func (s *system) check() {
	t := s.t
	assert.Empty(t, s.wrong)
	assert.Empty(t, s.wipes["MACX"], "it belongs to no plan")
	arrived := map[string]int{}
	for _, e := range s.world.Events() {
		if e.Kind == enrollment.DeviceAuthenticated && e.MDM == s.new.ID() && e.At.After(s.approved) {
			arrived[e.Serial]++
		}
	}
	for _, d := range s.world.Devices() {
		serial := d.Serial()
		most := 1 + s.hands[serial]
		assert.LessOrEqual(t, d.Erases(), most, "%s", serial)
		assert.LessOrEqual(t, arrived[serial], most, "%s was erased after it had enrolled", serial)
	}
	for serial, commands := range s.wipes {
		assert.Len(t, commands, 1, "%s was wiped by more than one command, by one approval", serial)
	}
	assert.Empty(t, s.busy())
	s.releases()
	report, err := s.VerifyAudit(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
}

// busy are batches, waves and moves that are under way. A batch that cancels a migration, of which Apple does nothing, takes a week,
// and a device may come back long after its plan has ended.
func (s *system) busy() (live []string) {
	for state, serials := range s.states() {
		if state.Live() {
			live = append(live, fmt.Sprintf("%v: %s", serials, state))
		}
	}
	for _, kind := range []string{runner.KindBatch, runner.KindWave} {
		left, err := s.store.List(ctx(s.t), storage.Query{Kind: kind, Tenant: "acme", Limit: storage.MaxPage})
		require.NoError(s.t, err)
		for _, rec := range left {
			if migration.BatchState(rec.State).Live() || migration.WaveState(rec.State).Live() {
				live = append(live, rec.ID+" is "+rec.State)
			}
		}
	}
	return live
}

// releases looks at every release of a wipe that was written down: none before the cooling period was over, none while a switch was
// thrown, and never more than the budget in any window.
func (s *system) releases() (times []time.Time) {
	entries, err := s.ExportAudit(ctx(s.t), 0, storage.MaxPage)
	require.NoError(s.t, err)
	for _, e := range entries {
		if e.Act == enrollment.ActWipeReleased {
			times = append(times, e.At)
			s.say("at %s the wipe of %s was released", e.At.Sub(s.begun), e.Detail["serial"])
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	for i, at := range times {
		assert.False(s.t, at.Before(s.approved.Add(time.Hour)), "released at %s, before the cooling period was over", at)
		for _, thrown := range s.thrown {
			assert.False(s.t, at.After(thrown.from) && (thrown.to.IsZero() || at.Before(thrown.to)), "released at %s, while the switch was thrown", at)
		}
		if i >= 2 {
			assert.GreaterOrEqual(s.t, at.Sub(times[i-2]), 3*time.Hour, "more than two within three hours")
		}
	}
	return times
}

func number(t *testing.T, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 32)
	require.NoError(t, err)
	return n
}

// tried is what the worlds of a test came to.
type tried struct {
	ends     map[string]int
	releases int
}

func tryWorld(t *testing.T, seed uint64, sum *tried) bool {
	return t.Run(fmt.Sprint("world ", seed), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSystem(t, seed)
			defer func() {
				if t.Failed() {
					t.Log(s.counterexample())
				}
			}()
			s.run()
			s.check()
			sum.releases += len(s.releases())
			sum.ends["plan "+string(s.view().State)]++
			for state, serials := range s.states() {
				sum.ends[string(state)] += len(serials)
			}
		})
	})
}

// Runners, their store, Apple, two MDMs, devices, people and an unreliable network live together, and days pass in moments. No wipe
// leaves before the new service has confirmed assignment and profile, none without approval, over the budget of any window, of a
// device outside of the plan, twice, or while a kill switch is thrown; and every plan ends.
//
// ABMRENEW_WORLDS says how many worlds are tried, ABMRENEW_WORLD which is the first (alone, if no number is said).
func TestThreat15_NoWorldWipesWhatItMayNot(t *testing.T) {
	worlds, first := 24, uint64(0)
	if testing.Short() || raceDetector {
		worlds = 10
	}
	if text, set := os.LookupEnv("ABMRENEW_WORLD"); set {
		first, worlds = number(t, text), 1
	}
	if text, set := os.LookupEnv("ABMRENEW_WORLDS"); set {
		worlds = int(number(t, text))
	}
	sum := tried{ends: map[string]int{}}
	for i := range uint64(worlds) {
		if !tryWorld(t, first+i, &sum) {
			return // one counterexample is enough
		}
	}
	t.Logf("%d worlds: %d releases, %v", worlds, sum.releases, sum.ends)
	if worlds >= 10 {
		assert.Greater(t, sum.releases, worlds/2, "too few wipes: does the test still look?")
	}
}
