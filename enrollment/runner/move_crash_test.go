package runner_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// portCalls are the calls of the ports by which devices move.
func portCalls() []string {
	return []string{
		"assign", "activity", "profile", "has_profile", "lookup", "wipe", "wipe_status", "recall", "abilities", "facts", "lock", "unlock",
	}
}

var errLost = errors.New("test: no answer")

// harms are what happens at one crossing.
var harms = []struct {
	name  string
	after bool
	err   error
}{
	{"killed before", false, errKilled}, {"killed after", true, errKilled}, {"fails", false, errLost}, {"its answer is lost", true, errLost},
}

// pair moves two devices, one by a wipe and one by a migration; away: the one to be wiped is switched off then, so that its wipe
// is asked about and recalled. What the process does goes through f.
func pair(t *testing.T, away bool, f fate, options ...func(*mover)) *mover {
	t.Helper()
	m := newMover(t)
	for _, o := range options {
		o(m)
	}
	mac := m.device(fleet.Spec{Serial: "MAC1", Locked: true})
	m.device(fleet.Spec{Serial: "PHONE1", Family: enrollment.FamilyIPhone, OS: "26.1", Migrates: 25 * time.Hour})
	m.approved()
	if away {
		m.old.Change(func(b *fleet.Behavior) { b.PushLost = true })
		mac.Offline(m.clock.Now().Add(60 * 24 * time.Hour))
	}
	m.reborn(f)
	for range 4 {
		m.live(4*24*time.Hour, func() bool { return m.ended() || m.view().State == migration.PlanPaused })
		if m.view().State == migration.PlanPaused { // the only wave failed
			_, err := m.tenant().ResumePlan(ctx(t), bob, m.plan)
			require.NoError(t, err)
		}
	}
	m.live(2*time.Hour, nil) // what is still owed
	return m
}

// A process may end before and after each call of a port, the call may fail, and its answer may be lost: every device comes to the
// end that it comes to otherwise, and none is wiped twice, or before its time.
func TestACrashAtAnyCallOfAPortLosesNothing(t *testing.T) {
	seen := map[string]int{}
	count := func(c crossing) error {
		if !c.after {
			seen[c.call]++
		}
		return nil
	}
	clean := map[bool]map[migration.MoveState][]string{false: pair(t, false, count).states()}
	for call := range seen {
		if call == "recall" || call == "wipe_status" {
			t.Errorf("%s is not what a usual way needs", call)
		}
	}
	clean[true] = pair(t, true, count).states()
	assert.Equal(t, map[migration.MoveState][]string{migration.MoveEnrolled: {"MAC1", "PHONE1"}}, clean[false])
	assert.Equal(t, map[migration.MoveState][]string{migration.MoveEnrolled: {"PHONE1"}, migration.MoveHands: {"MAC1"}}, clean[true])
	n := 0
	for _, call := range portCalls() {
		require.Positive(t, seen[call], "%s is never called", call)
		for _, harm := range harms {
			for _, nth := range []int{1, 2} {
				if n++; n%(3*stride()) != 0 { // every third one, and in short runs fewer
					continue
				}
				at, done := 0, false
				m := pair(t, call == "recall" || call == "wipe_status", func(c crossing) error {
					if c.call != call || c.after != harm.after || done {
						return nil
					}
					if at++; at < nth {
						return nil
					}
					done = true
					return harm.err
				})
				assert.Equal(t, clean[call == "recall" || call == "wipe_status"], m.states(), "%s, call %d: %s", call, nth, harm.name)
				assert.Equal(t, migration.PlanCompleted, m.view().State, "%s, call %d: %s", call, nth, harm.name)
				m.harmless()
			}
		}
	}
}

// Every write of a plan's life may happen without its answer: the process looks, and neither does it again nor forgets it.
func TestAnAnswerLostAfterEachWriteOfAPlanIsNoSecondPlan(t *testing.T) {
	kinds := []string{runner.KindPlan, runner.KindBatch, runner.KindWave, runner.KindMove}
	lost := map[string]int{}
	m := pair(t, false, func() fate {
		n := 0
		return func(c crossing) error {
			if c.call != "Commit" || !c.after || c.err != nil {
				return nil
			}
			if n++; n%3 > 0 { // the next attempt looks
				return nil
			}
			for _, kind := range kinds {
				if slices.ContainsFunc(c.write.Put, func(rec storage.Record) bool { return rec.Kind == kind }) {
					lost[kind]++
				}
			}
			return errFault
		}
	}(), func(m *mover) { m.faulty = true })
	for _, kind := range kinds {
		assert.Positive(t, lost[kind], kind)
	}
	assert.Equal(t, map[migration.MoveState][]string{migration.MoveEnrolled: {"MAC1", "PHONE1"}}, m.states())
	assert.Equal(t, 2, m.left(runner.KindBatch), "each device was assigned by one batch")
	m.harmless()
}

// Eight machines work on the same plan at the same time: its batches, waves and moves are led as by one.
func TestEightRunnersLeadAPlanAsOne(t *testing.T) {
	m := newMover(t)
	m.few()
	m.device(fleet.Spec{Serial: "THERE1"}).EnrollAt(m.new)
	m.approved()
	m.together(8, 5*24*time.Hour)
	assert.Equal(t, migration.PlanCompleted, m.view().State)
	assert.Equal(t, map[migration.MoveState][]string{
		migration.MoveEnrolled: {"MAC1", "MAC2", "MAC3", "PHONE1"}, migration.MoveReassigned: {"THERE1"},
	}, m.states())
	assert.Equal(t, 2, m.left(runner.KindBatch), "one for those that are wiped or stay, one for the migration")
	assert.Len(t, m.posts, 2)
	assert.Equal(t, 3, m.left(runner.KindWave), "of wipes one and two, and one of migrations")
	m.harmless()
}
