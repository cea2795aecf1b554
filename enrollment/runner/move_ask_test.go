package runner_test

import (
	"context"
	"errors"
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

// swapped is an MDM in which every device has another enrollment ID than it had.
type swapped struct{ enrollment.DeviceReader }

func (s swapped) DeviceFacts(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (enrollment.DeviceFacts, error) {
	facts, err := s.DeviceReader.DeviceFacts(ctx, tenant, mdm, d)
	facts.UDID += "X"
	return facts, err
}

// A plan that this installation could not carry out is not made.
func TestAPlanThatCannotBeIsRefused(t *testing.T) {
	m := newMover(t)
	full := m.config
	for name, c := range map[string]struct {
		code   enrollment.Code
		change func(*runner.Config, *runner.NewPlan)
	}{
		"no lister":     {enrollment.CodeRefused, func(c *runner.Config, _ *runner.NewPlan) { c.Devices = nil }},
		"no profiles":   {enrollment.CodeRefused, func(c *runner.Config, _ *runner.NewPlan) { c.Profiles = nil }},
		"no dispatcher": {enrollment.CodeRefused, func(c *runner.Config, q *runner.NewPlan) { c.Wipes, q.Wish = nil, migration.Wipe }},
		"no reader":     {enrollment.CodeRefused, func(c *runner.Config, q *runner.NewPlan) { c.MDM, q.Wish = nil, migration.Wipe }},
		"to itself":     {enrollment.CodeSameServer, func(_ *runner.Config, q *runner.NewPlan) { q.Route.From = q.Route.To }},
		"to nowhere":    {enrollment.CodeNotFound, func(_ *runner.Config, q *runner.NewPlan) { q.Route.To = "srv_x" }},
		"from nowhere":  {enrollment.CodeNotFound, func(_ *runner.Config, q *runner.NewPlan) { q.Route.From = "srv_x" }},
		"no profile":    {enrollment.CodeTargetNoProfile, func(_ *runner.Config, q *runner.NewPlan) { q.Route.Profile = "" }},
		"no token": {enrollment.CodeTargetNoToken, func(_ *runner.Config, q *runner.NewPlan) {
			s, err := m.acme.AddServer(ctx(t), tech, runner.NewServer{Name: name(q)})
			require.NoError(t, err)
			q.Route.To = s.ID
		}},
	} {
		config, q := full, m.wish()
		c.change(&config, &q)
		m.restartWith(config)
		_, err := m.tenant().NewPlan(ctx(t), tech, q)
		p := requireProblem(t, c.code, err)
		assert.NotEmpty(t, p.Next, name)
		for _, dry := range m.tenant().DryRun(ctx(t), q, rows("MAC1")) {
			requireProblem(t, c.code, dry)
		}
	}
	m.restartWith(full)
	page, err := m.tenant().Plans(ctx(t), tech, pageOf(10))
	require.NoError(t, err)
	assert.Empty(t, page.Plans)
}

func name(*runner.NewPlan) string { return "Empty MDM" }

// Rows with problems are told of and left out; a list that did not come to its end is begun again with the same rows.
func TestAListGoesOnWhereItWas(t *testing.T) {
	m := newMover(t)
	m.few()
	m.clock.Pass(time.Hour)
	view, err := m.tenant().NewPlan(ctx(t), tech, m.wish())
	require.NoError(t, err)
	broken := errors.New("the file ended")
	_, err = m.tenant().ListDevices(ctx(t), tech, view.ID, func(yield func(runner.PlanRow, error) bool) {
		_ = yield(runner.PlanRow{Serial: "MAC1"}, nil) && yield(runner.PlanRow{}, broken)
	})
	require.Error(t, err)
	_, err = m.tenant().SubmitPlan(ctx(t), tech, view.ID)
	requireProblem(t, enrollment.CodeRefused, err)

	all := rows("PHONE1", " mac2", "MAC1", "MAC1", "not one!", "X99")
	list, err := m.tenant().ListDevices(ctx(t), tech, view.ID, all)
	require.NoError(t, err)
	assert.Equal(t, migration.Listing{Devices: 3, Wipes: 2, Migrations: 1}, list.Plan.Listing)
	assert.Equal(t, 3, list.Plan.Refused)
	var wrong []int
	for _, p := range list.Problems {
		wrong = append(wrong, p.Row)
		assert.NotNil(t, p.Problem)
	}
	assert.ElementsMatch(t, []int{4, 5, 6}, wrong)
	_, err = m.tenant().ListDevices(ctx(t), tech, view.ID, all)
	requireProblem(t, enrollment.CodeRefused, err)

	// What one plan moves no other does, until it is given up.
	other, err := m.tenant().NewPlan(ctx(t), tech, m.wish())
	require.NoError(t, err)
	list, err = m.tenant().ListDevices(ctx(t), tech, other.ID, rows("MAC1", "MAC3"))
	require.NoError(t, err)
	assert.Equal(t, 1, list.Plan.Listing.Devices)
	require.Len(t, list.Problems, 1)
	assert.Equal(t, "MAC1", list.Problems[0].Serial)
}

// A crash in the middle of a list leaves a part of it, which the next attempt makes whole, also with other rows.
func TestACrashInTheMiddleOfAList(t *testing.T) {
	m := newMover(t)
	m.few()
	m.clock.Pass(time.Hour)
	view, err := m.tenant().NewPlan(ctx(t), tech, m.wish())
	require.NoError(t, err)
	commits := 0
	m.reborn(func(c crossing) error {
		if c.call == "Commit" && c.after {
			if commits++; commits == 2 { // the first has taken the list over
				return errKilled
			}
		}
		return nil
	})
	_, lived := m.life.run(func() error {
		_, err := m.cron.Tenant("acme").ListDevices(ctx(t), tech, view.ID, rows("MAC1", "MAC2"))
		return err
	})
	require.False(t, lived)
	left, err := m.tenant().Moves(ctx(t), tech, view.ID, "", pageOf(10))
	require.NoError(t, err)
	require.Len(t, left.Moves, 2)
	list, err := m.tenant().ListDevices(ctx(t), tech, view.ID, rows("MAC2", "MAC3"))
	require.NoError(t, err)
	assert.Equal(t, 2, list.Plan.Listing.Devices)
	moves, err := m.tenant().Moves(ctx(t), bob, view.ID, migration.MoveQueued, pageOf(10))
	require.NoError(t, err)
	var serials []string
	for _, v := range moves.Moves {
		serials = append(serials, v.Device.Serial)
	}
	assert.Equal(t, []string{"MAC2", "MAC3"}, serials)
	followed, err := m.tenant().Observe(ctx(t), enrollment.DeviceEvent{Kind: enrollment.DeviceReleased, Serial: "MAC1", At: m.clock.Now()})
	require.NoError(t, err)
	assert.False(t, followed, "nobody moves it any more")
}

// Facts come in inside the host's transaction, by serial number or by enrollment ID; of others nothing is kept.
func TestFactsOfDevicesInTheHostsTransaction(t *testing.T) {
	m := newMover(t)
	m.few()
	m.drafted()
	require.NoError(t, m.Warm(ctx(t), "acme"))
	mac := m.world.Device("MAC1").Enrollment()
	m.clock.Pass(time.Minute)
	at := m.clock.Now()
	for name, c := range map[string]struct {
		event    enrollment.DeviceEvent
		followed bool
	}{
		"by serial":      {enrollment.DeviceEvent{Kind: enrollment.DeviceAuthenticated, Tenant: "acme", Serial: "mac2", MDM: "new", At: at}, true},
		"by udid":        {enrollment.DeviceEvent{Kind: enrollment.DeviceEnrolled, Tenant: "acme", UDID: mac.UDID, MDM: "new", At: at}, true},
		"of no plan":     {enrollment.DeviceEvent{Kind: enrollment.DeviceEnrolled, Tenant: "acme", Serial: "X99", MDM: "new", At: at}, false},
		"unknown udid":   {enrollment.DeviceEvent{Kind: enrollment.DeviceEnrolled, Tenant: "acme", UDID: "nobody", MDM: "new", At: at}, false},
		"another tenant": {enrollment.DeviceEvent{Kind: enrollment.DeviceEnrolled, Tenant: "beta", Serial: "MAC1", MDM: "new", At: at}, false},
	} {
		before := dumpOf(t, m.store)
		followed, err := m.In(m.store).Observe(ctx(t), c.event)
		require.NoError(t, err, name)
		assert.Equal(t, c.followed, followed, name)
		if !c.followed {
			assert.Equal(t, before, dumpOf(t, m.store), name)
		}
	}
	assert.Equal(t, []string{"MAC1"}, m.states()[migration.MoveEnrolled])
	for _, bad := range []enrollment.DeviceEvent{{}, {Serial: "not one!"}, {UDID: "\n"}, {Serial: "MAC1", Tenant: "beta"}} {
		_, err := m.tenant().Observe(ctx(t), bad)
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
}

// One device is left out, given up or begun anew without the others.
func TestSingleDevicesOfAPlan(t *testing.T) {
	m := newMover(t)
	m.few()
	m.device(fleet.Spec{Serial: "MAC4", Manner: fleet.Refuses})
	m.drafted()
	view, err := m.tenant().ExcludeDevice(ctx(t), bob, m.plan, "mac2")
	require.NoError(t, err)
	assert.Equal(t, 1, view.Excluded.Wipes)
	again, err := m.tenant().ExcludeDevice(ctx(t), bob, m.plan, "MAC2")
	require.NoError(t, err)
	assert.Equal(t, view.Excluded, again.Excluded, "twice is once")
	_, err = m.tenant().ExcludeDevice(ctx(t), bob, m.plan, "X99")
	requireProblem(t, enrollment.CodeNotFound, err)
	_, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	_, err = m.tenant().ApprovePlan(ctx(t), bob, m.plan, runner.Approved{Digest: view.Digest})
	require.NoError(t, err)
	m.live(48*time.Hour, func() bool { return len(m.states()[migration.MoveHands]) == 1 })
	assert.Equal(t, []string{"MAC2"}, m.states()[migration.MoveSkipped])
	assert.NotContains(t, m.wipes, "MAC2")
	_, err = m.tenant().RetryDevice(ctx(t), bob, m.plan, "MAC4")
	require.NoError(t, err)
	_, err = m.tenant().CancelDevice(ctx(t), bob, m.plan, "MAC4")
	require.NoError(t, err)
	assert.Equal(t, []string{"MAC4"}, m.states()[migration.MoveCancelled])
	m.harmless()
}

// A tenant that leaves takes its plans along, and in the end everything about its devices.
func TestATenantThatLeavesGivesUpItsPlans(t *testing.T) {
	m := newMover(t)
	m.few()
	m.approved()
	require.NoError(t, m.tenant().Close(ctx(t), tech))
	m.live(3*time.Hour, nil)
	assert.Equal(t, migration.PlanCancelled, m.view().State)
	assert.Empty(t, m.wipes)
	require.NoError(t, m.tenant().Erase(ctx(t), tech))
	for _, k := range runner.KeptKinds() {
		switch k.Kind {
		case runner.KindTenant, runner.KindAudit, runner.KindAuditLog, runner.KindInstallation, runner.KindProposal:
			continue
		}
		left, err := m.store.List(ctx(t), storage.Query{Kind: k.Kind, AllTenants: true, Limit: 10})
		require.NoError(t, err)
		for _, rec := range left {
			assert.Empty(t, rec.Tenant, k.Kind)
		}
	}
}

// Without an account for Apple's API a person assigns the devices at the portal, and the rest goes on by itself.
func TestAPersonAssignsAtThePortal(t *testing.T) {
	m := newMover(t)
	m.config.Assigner = nil
	m.restartWith(m.config)
	m.reborn(nil)
	m.device(fleet.Spec{Serial: "THERE1"}).EnrollAt(m.new)
	m.drafted()
	_, err := m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err, "nobody has to approve a plan without wipes")
	m.live(10*time.Minute, nil)
	page, err := m.tenant().Batches(ctx(t), bob, m.plan, pageOf(10))
	require.NoError(t, err)
	require.Len(t, page.Batches, 1)
	assert.Equal(t, migration.WaitsPortal, page.Batches[0].Waiting.Why)
	assert.Equal(t, "serial\nTHERE1\n", page.Batches[0].CSV())
	require.NoError(t, m.acme.admin.Assign(m.to.apple, "THERE1"))
	require.NoError(t, m.tenant().RecheckBatch(ctx(t), bob, page.Batches[0].ID))
	m.live(10*time.Minute, m.ended)
	assert.Equal(t, []string{"THERE1"}, m.states()[migration.MoveReassigned])
	requireProblem(t, enrollment.CodeNotFound, m.tenant().RecheckBatch(ctx(t), bob, "x"))
}

// The PIN of a Mac that was locked is shown to persons, who are written down.
func TestAPINIsShownToPersons(t *testing.T) {
	m := newMover(t)
	old := m.device(fleet.Spec{Serial: "MAC1", OldMac: true})
	m.device(fleet.Spec{Serial: "MAC2"})
	m.approved()
	m.live(24*time.Hour, func() bool { return old.State() == fleet.PINLocked })
	_, err := m.tenant().PIN(ctx(t), robot, m.plan, "MAC1")
	requireProblem(t, enrollment.CodePersonNeeded, err)
	_, err = m.tenant().PIN(ctx(t), cem, m.plan, "MAC2")
	requireProblem(t, enrollment.CodeNotFound, err)
	pin, err := m.tenant().PIN(ctx(t), cem, m.plan, "mac1")
	require.NoError(t, err)
	assert.True(t, old.EnterPIN(pin.Reveal()))
	acts := map[enrollment.Act]string{}
	all, err := m.ExportAudit(ctx(t), 0, storage.MaxPage)
	require.NoError(t, err)
	for _, e := range all {
		acts[e.Act] = e.By.ID
		assert.NotContains(t, e.Detail, pin.Reveal())
	}
	for act, who := range map[enrollment.Act]string{
		enrollment.ActPlanMade: tech.ID, enrollment.ActPlanApproved: bob.ID, enrollment.ActPINShown: cem.ID,
		enrollment.ActWipeReleased: enrollment.Nobody.ID,
	} {
		assert.Equal(t, who, acts[act], act)
	}
}

// As much is asked of Apple's API in an hour as the policy allows, whatever there is to do.
func TestThePostsOfAnHourAreLimited(t *testing.T) {
	m := newMover(t)
	one := 1
	_, err := m.tenant().SetPolicy(ctx(t), tech, enrollment.PolicyChange{PostsPerHour: &one})
	require.NoError(t, err)
	m.few()
	m.approved()
	m.live(10*time.Hour, func() bool { return len(m.posts) == 2 })
	require.Len(t, m.posts, 2, "the devices to be wiped, and the one that migrates")
	assert.GreaterOrEqual(t, m.posts[1].Sub(m.posts[0]), time.Hour)
}

// The waves of a plan are listed as they begin.
func TestWavesAreListed(t *testing.T) {
	m := newMover(t)
	m.twelve()
	m.approved()
	page, err := m.tenant().Waves(ctx(t), m.plan, runner.Page{})
	require.NoError(t, err)
	assert.Empty(t, page.Waves, "none before it begins")
	m.live(6*time.Hour, func() bool { return m.view().Wipes.Passed > 0 })
	page, err = m.tenant().Waves(ctx(t), m.plan, runner.Page{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(page.Waves), 2)
	var tracks []migration.Track
	for _, w := range page.Waves {
		tracks = append(tracks, w.Track)
		if w.State == migration.WavePassed {
			enrolled, failed := w.Counts()
			assert.Equal(t, 1, enrolled, "%+v", w)
			assert.Zero(t, failed)
			assert.Zero(t, w.Waiting)
		}
	}
	assert.Contains(t, tracks, migration.TrackWipes)
	assert.Contains(t, tracks, migration.TrackMigrations)
	_, err = m.tenant().Waves(ctx(t), "pln_other", runner.Page{})
	require.ErrorIs(t, err, &enrollment.Problem{Code: enrollment.CodeNotFound})
	_, err = m.Tenant("other").Waves(ctx(t), m.plan, runner.Page{})
	require.ErrorIs(t, err, &enrollment.Problem{Code: enrollment.CodeNotFound}, "of another tenant")
}
