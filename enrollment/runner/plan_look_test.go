package runner_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
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
	m.old.Serves(m.to.apple, m.to.id)
	wish := m.wish()
	wish.Route.NewMDM, wish.Wish = "old", migration.Wipe
	var err error
	wish.Route.Profile, err = m.clients[m.to.id].DefineProfile(ctx(t), dep.Profile{Name: "One MDM", URL: m.old.URL(), Magic: "acme"})
	require.NoError(t, err)
	m.profile = wish.Route.Profile
	view, err := m.tenant().NewPlan(ctx(t), tech, wish)
	require.NoError(t, err)
	m.plan = view.ID
	list, err := m.tenant().ListDevices(ctx(t), tech, m.plan, rows("MAC1"))
	require.NoError(t, err)
	require.Equal(t, 1, list.Plan.Listing.Wipes)
	_, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	_, err = m.tenant().ApprovePlan(ctx(t), bob, m.plan, runner.Approved{Digest: list.Plan.Digest})
	require.NoError(t, err)
	m.unheard = true
	m.live(48*time.Hour, m.ended)
	assert.Equal(t, []string{"MAC1"}, m.in(migration.MoveEnrolled))
	m.harmless()
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
