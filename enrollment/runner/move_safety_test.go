package runner_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
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
)

// few are devices that are wiped, and one that is not.
func (m *mover) few() {
	for i := range 3 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("MAC%d", i+1)})
	}
	m.device(fleet.Spec{Serial: "PHONE1", Family: enrollment.FamilyIPhone, OS: "26.1", Migrates: 25 * time.Hour})
}

// The process ends again and again, wherever it is, also right before and behind the request of a wipe: every device still
// comes to its end, and none is wiped twice. When it ends is drawn by lot: a process that ended at each nth call might do the
// same n calls for ever, and not come to what is behind them.
func TestThreat15_NoCrashWipesTwice(t *testing.T) {
	for _, mean := range []int{23, 61} { // how many calls it lives
		for seed := range uint64(20 / stride()) {
			t.Run(fmt.Sprintf("%d/%d", mean, seed), func(t *testing.T) {
				m := newMover(t)
				m.few()
				m.approved()
				lots := rand.New(rand.NewPCG(seed, uint64(mean)))
				wipes := 0
				kill := func(c crossing) error {
					if !ofStore(c) && c.call != "wipe" {
						return nil // of these tells TestACrashAtAnyCallOfAPortLosesNothing
					}
					if c.call == "wipe" {
						wipes++
					}
					if c.call == "wipe" && wipes < 4 || c.changes() && lots.IntN(mean) == 0 {
						return errKilled
					}
					return nil
				}
				m.reborn(kill)
				for end := m.clock.Now().Add(5 * 24 * time.Hour); m.clock.Now().Before(end) && !m.ended(); {
					if m.life.fate == nil {
						m.reborn(kill)
					}
					m.live(time.Hour, func() bool { return m.life.fate == nil || m.ended() })
				}
				assert.GreaterOrEqual(t, wipes, 4)
				assert.Equal(t, migration.PlanCompleted, m.view().State)
				m.harmless()
				for state := range m.states() {
					assert.False(t, state.Live(), state)
				}
			})
		}
	}
}

// together has so many machines work on what is due at the same time, until the plan has ended.
func (m *mover) together(machines int, within time.Duration) {
	m.t.Helper()
	for end := m.clock.Now().Add(within); m.clock.Now().Before(end) && !m.ended(); {
		m.world.Step()
		var all sync.WaitGroup
		var mu sync.Mutex
		more, next := false, end
		for range machines {
			all.Go(func() {
				ran, err := m.RunDue(m.t.Context(), runner.Due{})
				if err != nil || ran.Failed > 0 {
					m.t.Error(err, ran.Failed, m.log.String())
				}
				mu.Lock()
				defer mu.Unlock()
				if more = more || ran.More || ran.Claimed > 0; !ran.Next.IsZero() && ran.Next.Before(next) {
					next = ran.Next
				}
			})
		}
		all.Wait()
		if wake := m.world.Wake(); !wake.IsZero() && wake.Before(next) {
			next = wake
		}
		if !more {
			m.clock.Pass(max(next.Sub(m.clock.Now()), time.Second))
		}
	}
}

// Two machines work on the same plan at the same time.
func TestThreat15_TwoRunnersWipeOnce(t *testing.T) {
	m := newMover(t)
	m.few()
	m.approved()
	m.together(2, 5*24*time.Hour)
	assert.Equal(t, migration.PlanCompleted, m.view().State)
	assert.Equal(t, []string{"MAC1", "MAC2", "MAC3", "PHONE1"}, m.states()[migration.MoveEnrolled])
	m.harmless()
}

// Once the switch is thrown, that of the tenant or of the whole installation, no wipe leaves; what waits at the MDM is recalled.
// Lifted by two, the plan goes on.
func TestThreat14_AfterTheKillSwitchNoWipeLeaves(t *testing.T) {
	for name, where := range map[string]func(m *mover) safe{
		"tenant": func(m *mover) safe { return m.tenant() }, "installation": func(m *mover) safe { return m.Runner },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMover(t)
			m.few()
			away := m.world.Device("MAC1")
			m.clock.Pass(time.Minute)
			away.Offline(m.clock.Now().Add(30 * 24 * time.Hour))
			m.approved()
			m.live(24*time.Hour, func() bool { return len(m.states()[migration.MoveAnswer]) == 1 })
			require.Len(t, m.wipes, 1, "the first wave")

			_, err := where(m).ThrowSwitch(ctx(t), robot, "an alarm")
			require.NoError(t, err)
			m.halt = m.clock.Now()
			assert.True(t, m.view().Stopped, "the plan hears of it at once")
			m.live(30*time.Minute, nil)
			assert.Empty(t, m.states()[migration.MoveAnswer], "it was recalled")
			assert.True(t, m.view().Stopped)
			m.live(4*time.Hour, nil)
			m.harmless()
			assert.Zero(t, away.Erases())
			assert.Len(t, m.wipes, 1)

			p, err := where(m).LiftSwitch(ctx(t), tech)
			require.NoError(t, err)
			_, err = where(m).ApproveProposal(ctx(t), bob, p.ID, word(p))
			require.NoError(t, err)
			assert.False(t, m.view().Stopped)
		})
	}
}

// Nothing is wiped without other persons' word for exactly these devices.
func TestThreat13_NoWipeWithoutApproval(t *testing.T) {
	m := newMover(t)
	m.few()
	view := m.drafted()
	_, err := m.tenant().ApprovePlan(ctx(t), bob, m.plan, runner.Approved{Digest: view.Digest})
	requireProblem(t, enrollment.CodeRefused, err)
	view, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	assert.Equal(t, 1, view.Missing)
	assert.Equal(t, migration.WaitsApproval, view.Waiting.Why)
	_, err = m.tenant().ApprovePlan(ctx(t), tech, m.plan, runner.Approved{Digest: view.Digest})
	requireProblem(t, enrollment.CodeOwnApproval, err)
	_, err = m.tenant().ApprovePlan(ctx(t), robot, m.plan, runner.Approved{Digest: view.Digest})
	requireProblem(t, enrollment.CodePersonNeeded, err)
	_, err = m.tenant().ApprovePlan(ctx(t), bob, m.plan, runner.Approved{Digest: "another"})
	requireProblem(t, enrollment.CodeOtherDigest, err)
	m.live(26*time.Hour, nil)
	assert.Equal(t, migration.PlanExpired, m.view().State)
	assert.Empty(t, m.wipes)
	assert.Len(t, m.states()[migration.MoveCancelled], 4, "and its devices are free for another plan")
}

// The budget is spent in the writes that release, so that it holds however many plans there are.
func TestThreat12_TheBudgetHoldsBackWipes(t *testing.T) {
	m := newMover(t)
	set, err := m.tenant().SetPolicy(ctx(t), tech, enrollment.PolicyChange{Wipes: &enrollment.WipeChange{
		Budget: []enrollment.Allowance{{Most: 2, In: 10 * time.Hour}, {Most: 10, In: 20 * time.Minute}, {Most: 100, In: 24 * time.Hour}},
	}})
	require.NoError(t, err)
	require.Nil(t, set.Proposal)
	m.few()
	m.approved()
	m.live(24*time.Hour, func() bool { return len(m.wipes) == 2 })
	spent := m.clock.Now()
	m.live(3*time.Hour, nil)
	assert.Len(t, m.wipes, 2)
	waiting := m.view().Waiting
	assert.Equal(t, migration.WaitsTenantBudget, waiting.Why)
	assert.WithinDuration(t, spent.Add(10*time.Hour), waiting.Until, time.Hour)
	m.live(24*time.Hour, func() bool { return len(m.wipes) == 3 })
	assert.Len(t, m.wipes, 3)
	m.harmless()
}

// A clock that Apple's contradicts, or of which Apple has not said anything yet, releases nothing.
func TestThreat16_NoWipeWhileClocksDisagree(t *testing.T) {
	m := newMover(t)
	off, known := time.Duration(0), false
	m.config.AppleTime = func() (time.Time, bool) { return m.clock.Now().Add(off), known }
	m.restartWith(m.config)
	m.reborn(nil)
	m.few()
	m.approved()
	for _, off = range []time.Duration{0, 6 * time.Minute, -6 * time.Minute} {
		m.live(2*time.Hour, nil)
		assert.Empty(t, m.wipes, "%v %v", off, known)
		assert.Equal(t, migration.WaitsClock, m.view().Waiting.Why)
		known = true
	}
	off = time.Minute
	m.live(time.Hour, func() bool { return len(m.wipes) > 0 })
	assert.NotEmpty(t, m.wipes)
}

// A device that changed since it was approved is held for a person.
func TestThreat11_ADeviceThatIsNotTheApprovedOneIsHeld(t *testing.T) {
	m := newMover(t)
	m.few()
	m.approved()
	m.config.MDM = swapped{m.world.Ports()}
	m.restartWith(m.config)
	m.reborn(nil)
	m.live(3*time.Hour, nil)
	assert.Empty(t, m.wipes)
	assert.Contains(t, m.states()[migration.MoveHands], "MAC1")
}

func TestPauseResumeAndCancel(t *testing.T) {
	m := newMover(t)
	m.few()
	m.approved()
	m.live(24*time.Hour, func() bool { return len(m.states()[migration.MoveMigrating]) == 1 })
	_, err := m.tenant().PausePlan(ctx(t), bob, m.plan, "lunch")
	require.NoError(t, err)
	before := len(m.wipes)
	m.live(40*time.Minute, nil)
	assert.LessOrEqual(t, len(m.wipes), before)
	_, err = m.tenant().ResumePlan(ctx(t), bob, m.plan)
	require.NoError(t, err)
	n, err := m.tenant().CancelAll(ctx(t), bob)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	m.live(24*time.Hour, m.ended)
	assert.Equal(t, migration.PlanCancelled, m.view().State)
	standing, _ := m.acme.org.Standing("PHONE1")
	assert.True(t, standing.Deadline.IsZero(), "its migration was cancelled at Apple")
	assert.True(t, slices.Contains(m.states()[migration.MoveCancelled], "PHONE1"))
	m.harmless()
}

// The switch is thrown in the very moment in which a wipe is being released, by a process that ends before it could tell any
// plan: the release does not happen, and is refused when it is decided anew.
func TestThreat14_ASwitchThatIsThrownInTheMomentOfARelease(t *testing.T) {
	for name, where := range map[string]func(r *runner.Runner) safe{
		"tenant": func(r *runner.Runner) safe { return r.Tenant("acme") }, "installation": func(r *runner.Runner) safe { return r },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMover(t)
			m.few()
			m.approved()
			thrown := false
			throw := func(c crossing) error {
				if c.call == "wipe" {
					assert.False(t, thrown, "a wipe leaves after the switch")
				}
				if c.call != "Commit" || c.after || thrown || !slices.ContainsFunc(c.write.Put, func(rec storage.Record) bool {
					return rec.Kind == runner.KindMove && rec.State == string(migration.MoveWiping)
				}) {
					return nil
				}
				thrown = true
				p := &process{fate: func(c crossing) error {
					if c.call == "Commit" && c.after {
						return errKilled
					}
					return nil
				}}
				config := m.config
				config.Store = p.around(m.store)
				r, err := runner.New(config)
				require.NoError(t, err)
				_, lived := p.run(func() error { _, err := where(r).ThrowSwitch(ctx(t), bob, "now"); return err })
				assert.False(t, lived)
				return nil
			}
			m.reborn(throw)
			m.live(3*time.Hour, func() bool { return thrown })
			require.True(t, thrown)
			assert.Empty(t, m.wipes)
			assert.Empty(t, m.states()[migration.MoveWiping])
			m.live(3*time.Hour, nil)
			assert.Empty(t, m.wipes)
			assert.True(t, m.view().Stopped, "the plan hears of it when it is due")
		})
	}
}

// A machine that has no ports, such as one that only serves people, releases no wipe and spoils nothing for the others.
func TestAMachineWithoutPortsReleasesNothing(t *testing.T) {
	m := newMover(t)
	m.few()
	m.approved()
	full := m.config
	m.live(24*time.Hour, func() bool { return len(m.states()[migration.MoveTurn]) == 3 })
	m.config.Wipes, m.config.MDM, m.config.Devices, m.config.Profiles = nil, nil, nil, nil
	m.restartWith(m.config)
	m.life, m.cron = &process{}, m.Runner
	m.live(10*time.Minute, nil)
	for _, state := range []migration.MoveState{migration.MoveWiping, migration.MoveAnswer} {
		assert.Empty(t, m.states()[state])
	}
	m.restartWith(full)
	m.reborn(nil)
	m.live(24*time.Hour, func() bool { return len(m.wipes) == 3 })
	assert.Len(t, m.wipes, 3)
	m.harmless()
}

// Run goes on at once with what its own work made due, however seldom it would look otherwise: a kill switch that is told to a
// plan is told to its devices, and their wipes are recalled, before any of them comes by.
func TestThreat14_RunRecallsWipesAtOnce(t *testing.T) {
	m := newMover(t)
	d := m.device(fleet.Spec{Serial: "MAC1", Offline: []fleet.Window{{From: m.clock.Now().Add(time.Minute)}}})
	m.approved()
	m.live(24*time.Hour, func() bool { return len(m.states()[migration.MoveAnswer]) == 1 })
	ref := enrollment.WipeRef{Tenant: "acme", MDM: "old", Command: m.wipes[d.Serial()][0], Serial: d.Serial(), UDID: d.Enrollment().UDID}
	_, err := m.tenant().ThrowSwitch(ctx(t), tech, "an alarm")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		running, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(running, time.Hour) }()
		<-time.After(10 * time.Second)
		end()
		require.ErrorIs(t, <-done, context.Canceled)
	})
	status, err := m.WipeStatus(ctx(t), ref)
	require.NoError(t, err)
	assert.Equal(t, enrollment.WipeRecalled, status.State)
}
