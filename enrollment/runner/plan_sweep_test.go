package runner_test

import (
	"fmt"
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

// keepFor has finished plans kept for so long.
func (m *mover) keepFor(d time.Duration) {
	m.t.Helper()
	_, err := m.tenant().SetPolicy(ctx(m.t), tech, enrollment.PolicyChange{KeepFinished: &d})
	require.NoError(m.t, err)
}

// cancelled makes a plan that is given up before it began.
func (m *mover) cancelled() {
	m.t.Helper()
	m.few()
	m.drafted()
	_, err := m.tenant().CancelPlan(ctx(m.t), tech, m.plan)
	require.NoError(m.t, err)
	m.live(10*time.Minute, nil)
}

// left counts what the store has of a kind.
func (m *mover) left(kind string) int {
	m.t.Helper()
	list, err := m.store.List(ctx(m.t), storage.Query{Kind: kind, Tenant: "acme", Limit: storage.MaxPage})
	require.NoError(m.t, err)
	return len(list)
}

// Long after its end a plan leaves its summary and its audit, and nothing of its devices; before that, everything.
func TestAPlanIsSweptLongAfterItsEnd(t *testing.T) {
	m := newMover(t)
	m.few()
	m.approved()
	m.live(5*24*time.Hour, m.ended)
	m.live(300*24*time.Hour, nil)
	before := m.view()
	assert.False(t, before.Swept)
	assert.Len(t, m.in(migration.MoveEnrolled), 4)
	history := m.left(runner.KindAudit)
	m.live(70*24*time.Hour, nil)
	for _, kind := range []string{runner.KindMove, runner.KindDevice, runner.KindEnrollmentID, runner.KindBatch, runner.KindWave} {
		assert.Zero(t, m.left(kind), kind)
	}
	view := m.view()
	assert.True(t, view.Swept)
	assert.Equal(t, before.Counts, view.Counts)
	assert.Equal(t, map[migration.MoveState]int{migration.MoveEnrolled: 4}, view.Counts)
	assert.Equal(t, migration.PlanCompleted, view.State)
	assert.Greater(t, m.left(runner.KindAudit), history)
	report, err := m.VerifyAudit(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
	_, err = m.tenant().RetryDevice(ctx(t), bob, m.plan, "MAC1")
	requireProblem(t, enrollment.CodeNotFound, err)
	followed, err := m.tenant().Observe(ctx(t), enrollment.DeviceEvent{Kind: enrollment.DeviceEnrolled, Serial: "MAC1", MDM: "new", At: m.clock.Now()})
	require.NoError(t, err)
	assert.False(t, followed)
	ran, err := m.RunDue(ctx(t), runner.Due{Kinds: []string{runner.KindPlan}})
	require.NoError(t, err)
	assert.Zero(t, ran.Next, "and it does not wake again")
}

// A wipe that may still reach its device, and the PIN of a device that is locked, are not over however long ago they were.
func TestWhatIsNotOverIsNotSwept(t *testing.T) {
	m := newMover(t)
	m.keepFor(48 * time.Hour)
	for i := range 2 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("MAC%d", i+1), OldMac: i == 1})
	}
	m.approved()
	m.clock.Pass(time.Minute)
	m.old.Change(func(b *fleet.Behavior) { b.NoRecall = true })
	m.live(24*time.Hour, func() bool { return len(m.in(migration.MoveTurn)) == 2 })
	m.world.Device("MAC1").Offline(m.clock.Now().Add(400 * 24 * time.Hour))
	for range 3 {
		m.live(10*24*time.Hour, func() bool { return m.ended() || m.view().State == migration.PlanPaused })
		if m.view().State == migration.PlanPaused { // a wave failed
			_, err := m.tenant().ResumePlan(ctx(t), bob, m.plan)
			require.NoError(t, err)
		}
	}
	require.Equal(t, migration.PlanCompleted, m.view().State, "%v", m.states())
	m.live(100*24*time.Hour, nil)
	assert.Equal(t, map[migration.MoveState][]string{migration.MoveOutstanding: {"MAC1"}, migration.MoveHands: {"MAC2"}}, m.states())
	pin, err := m.tenant().PIN(ctx(t), cem, m.plan, "MAC2")
	require.NoError(t, err)
	assert.NotEmpty(t, pin.Reveal())
	_, err = m.tenant().RetryDevice(ctx(t), bob, m.plan, "MAC2")
	requireProblem(t, enrollment.CodeRefused, err)

	// Months later a fact ends the one, and then it goes, too.
	m.clock.Pass(time.Hour)
	followed, err := m.tenant().Observe(ctx(t), enrollment.DeviceEvent{Kind: enrollment.DeviceEnrolled, Serial: "MAC1", MDM: "new", At: m.clock.Now()})
	require.NoError(t, err)
	assert.True(t, followed)
	m.live(40*24*time.Hour, nil)
	assert.Equal(t, map[migration.MoveState][]string{migration.MoveHands: {"MAC2"}}, m.states())
}

// Rules that change while a plan is kept count from then on. A plan that is brought back to life begins anew.
func TestTheRuleOfTheDayDecidesHowLongAPlanIsKept(t *testing.T) {
	m := newMover(t)
	m.keepFor(10 * 24 * time.Hour)
	m.device(fleet.Spec{Serial: "THERE1"}).EnrollAt(m.new)
	m.drafted()
	_, err := m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	m.live(time.Hour, m.ended)
	m.keepFor(20 * 24 * time.Hour)
	m.live(15*24*time.Hour, nil)
	assert.Equal(t, 1, m.left(runner.KindMove))
	m.live(6*24*time.Hour, nil)
	assert.Zero(t, m.left(runner.KindMove))
}

// A device that another plan has taken since is the other's, whatever becomes of the first.
func TestASweptPlanLeavesDevicesOfOthersAlone(t *testing.T) {
	m := newMover(t)
	m.keepFor(48 * time.Hour)
	m.cancelled()
	first := m.plan
	m.approved()
	m.live(50*time.Hour, nil)
	m.plan, first = first, m.plan
	assert.True(t, m.view().Swept)
	m.plan = first
	followed, err := m.tenant().Observe(ctx(t), enrollment.DeviceEvent{Kind: enrollment.DeviceReleased, Serial: "MAC1", At: m.clock.Now()})
	require.NoError(t, err)
	assert.True(t, followed)
	assert.Len(t, m.in(migration.MoveEnrolled), 4)
}

// A sweep that a crash interrupts goes on, and leaves nothing.
func TestASweepSurvivesCrashes(t *testing.T) {
	m := newMover(t)
	m.keepFor(48 * time.Hour)
	m.cancelled()
	n := 0
	kill := func(c crossing) error {
		if n++; c.changes() && n%5 == 0 && n < 200 {
			return errKilled
		}
		return nil
	}
	for end := m.clock.Now().Add(5 * 24 * time.Hour); m.clock.Now().Before(end); {
		if m.life.fate == nil {
			m.reborn(kill)
		}
		m.live(12*time.Hour, func() bool { return m.life.fate == nil })
	}
	assert.Zero(t, m.left(runner.KindMove))
	assert.Zero(t, m.left(runner.KindDevice))
	assert.Equal(t, map[migration.MoveState]int{migration.MoveCancelled: 4}, m.view().Counts)
	report, err := m.VerifyAudit(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
}

// Proposals that were decided long ago go; open ones expire first.
func TestDecidedProposalsAreSwept(t *testing.T) {
	m := newMover(t)
	m.keepFor(48 * time.Hour)
	decided := m.left(runner.KindProposal)
	require.Equal(t, 0, decided)
	wipes := enrollment.PolicyChange{Wipes: &enrollment.WipeChange{Cooling: new(time.Minute)}}
	set, err := m.tenant().SetPolicy(ctx(t), tech, wipes)
	require.NoError(t, err)
	_, err = m.tenant().RejectProposal(ctx(t), bob, set.Proposal.ID, "no")
	require.NoError(t, err)
	open, err := m.tenant().SetPolicy(ctx(t), tech, wipes)
	require.NoError(t, err)
	require.NotNil(t, open.Proposal)
	assert.Equal(t, 2, m.left(runner.KindProposal))
	m.live(47*time.Hour, nil)
	assert.Equal(t, 2, m.left(runner.KindProposal))
	m.live(2*time.Hour, nil)
	assert.Equal(t, 1, m.left(runner.KindProposal), "the other has expired a day later")
	_, err = m.tenant().RejectProposal(ctx(t), bob, set.Proposal.ID, "no")
	requireProblem(t, enrollment.CodeNotFound, err)
	m.live(25*time.Hour, nil)
	assert.Zero(t, m.left(runner.KindProposal))
	report, err := m.VerifyAudit(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
}
