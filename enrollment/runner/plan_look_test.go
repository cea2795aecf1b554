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
)

// No message of any MDM reaches the host, from the first to the last. Still every device is seen to come back: the new service shows
// which have fetched its profile, and those the new MDM is asked about.
func TestDevicesAreSeenToComeBackThoughEveryMessageIsLost(t *testing.T) {
	m := newMover(t)
	m.few()
	m.unheard = true
	m.approved()
	m.live(5*24*time.Hour, m.ended)
	assert.Equal(t, migration.PlanCompleted, m.view().State)
	assert.Equal(t, []string{"MAC1", "MAC2", "MAC3", "PHONE1"}, m.in(migration.MoveEnrolled))
	m.harmless()
}

// Behind one MDM it is the fetched profile that tells the new enrollment from the old one.
func TestDevicesOfOneMDMAreSeenToComeBack(t *testing.T) {
	m := newMover(t)
	m.device(fleet.Spec{Serial: "MAC1"})
	m.clock.Pass(time.Hour)
	m.approvedAs(m.oneMDM(), "MAC1")
	m.unheard = true
	m.live(48*time.Hour, m.ended)
	assert.Equal(t, []string{"MAC1"}, m.in(migration.MoveEnrolled))
	m.harmless()
}

// A device whose wipe nobody heard of again comes back months after its plan has ended. The MDM tells that it enrolled, and the new
// service, by which profile: that is looked for, though the plan rests.
func TestADeviceThatComesBackLongAfterItsPlanIsLookedFor(t *testing.T) {
	m := newMover(t)
	mac := m.device(fleet.Spec{Serial: "MAC1"})
	m.clock.Pass(time.Hour)
	m.old.Change(func(b *fleet.Behavior) { b.NoRecall, b.PushLost = true, true })
	m.approvedAs(m.oneMDM(), "MAC1")
	mac.Offline(m.clock.Now().Add(60 * 24 * time.Hour))
	for range 3 {
		m.live(10*24*time.Hour, func() bool { return m.ended() || m.view().State == migration.PlanPaused })
		if m.view().State == migration.PlanPaused {
			_, err := m.tenant().ResumePlan(ctx(t), bob, m.plan)
			require.NoError(t, err)
		}
	}
	require.Equal(t, []string{"MAC1"}, m.in(migration.MoveOutstanding))
	require.Equal(t, migration.PlanCompleted, m.view().State)
	m.live(70*24*time.Hour, nil)
	assert.Equal(t, []string{"MAC1"}, m.in(migration.MoveEnrolled))
	assert.Equal(t, 1, mac.Erases())
	looks := m.looks
	m.live(10*24*time.Hour, nil)
	assert.Equal(t, looks, m.looks, "and nobody looks any more")
}

// Devices that are away are looked for together, seldom, and not at all once none is: Apple is asked in bulk, and the new MDM
// about those only that were set up.
func TestDevicesAreLookedForInBulk(t *testing.T) {
	m := newMover(t)
	for i := range 5 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("PHONE%d", i+1), Family: enrollment.FamilyIPhone, OS: "26.1"})
	}
	m.unheard = true
	m.drafted()
	_, err := m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	m.live(12*time.Hour, func() bool { return len(m.in(migration.MoveMigrating)) == 1 })
	before := m.looks
	m.live(20*time.Hour, nil)
	assert.LessOrEqual(t, m.looks-before, 10, "the first wave alone waits for a day")
	assert.Positive(t, m.looks-before)
	assert.Zero(t, m.asked["new"]-5, "nobody is asked of a device that is not there, but when the list was made")
	m.live(10*24*time.Hour, m.ended)
	assert.Len(t, m.in(migration.MoveEnrolled), 5)
	before = m.looks
	m.live(48*time.Hour, nil)
	assert.Equal(t, before, m.looks)
}

// A plan of more devices than one look asks about is looked at to its end, also where it goes on after a crash.
func TestALookGoesOnWhereItWas(t *testing.T) {
	m := newMover(t)
	m.cron.LookAtMost(2)
	for i := range 5 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("PHONE%d", i+1), Family: enrollment.FamilyIPhone, OS: "26.1", Migrates: 25 * time.Hour})
	}
	m.drafted()
	_, err := m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	m.unheard = true
	m.live(10*24*time.Hour, m.ended)
	assert.Len(t, m.in(migration.MoveEnrolled), 5)
}
