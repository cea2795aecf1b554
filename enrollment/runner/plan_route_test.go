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
)

// route tells the host's word of where devices come from and go to.
func (m *mover) route(kind enrollment.RouteEventKind, at time.Time) (plans int) {
	m.t.Helper()
	e := enrollment.RouteEvent{Kind: kind, MDM: "old", At: at}
	if kind == enrollment.RouteServiceGone {
		e.MDM, e.Server = "", m.to.id
	}
	plans, err := m.tenant().ObserveRoute(ctx(m.t), e)
	require.NoError(m.t, err)
	return plans
}

func (m *mover) in(state migration.MoveState) []string { m.t.Helper(); return m.states()[state] }

// While the push certificate of the old MDM is dead no wipe leaves, the rest goes on, and a person is told. Once it works again
// each device is confirmed anew before its wipe.
func TestNoWipeWhileThePushCertificateIsLost(t *testing.T) {
	m := newMover(t)
	m.few()
	m.approved()
	m.live(24*time.Hour, func() bool { return len(m.in(migration.MoveTurn)) == 3 })
	assert.Equal(t, 1, m.route(enrollment.RoutePushLost, m.clock.Now()))
	assert.Equal(t, 1, m.route(enrollment.RoutePushLost, m.clock.Now()), "twice is once")
	asked := m.reads()
	m.live(3*time.Hour, nil)
	assert.Empty(t, m.wipes)
	assert.Equal(t, migration.WaitsPush, m.view().Waiting.Why)
	assert.Equal(t, []string{"PHONE1"}, m.in(migration.MoveEnrolled), "what needs no push goes on")
	assert.Equal(t, []enrollment.Code{enrollment.CodeWipePushLost}, m.troubles())
	assert.Equal(t, asked, m.reads(), "and no device is confirmed for nothing")

	assert.Equal(t, 1, m.route(enrollment.RoutePushRestored, m.clock.Now()))
	m.live(48*time.Hour, m.ended)
	assert.Len(t, m.wipes, 3)
	assert.Greater(t, m.reads(), asked)
	assert.Empty(t, m.troubles())
	m.harmless()
}

// troubles are the problems of plans that people were told and that are not over.
func (m *mover) troubles() (codes []enrollment.Code) {
	open := map[string]*enrollment.Problem{}
	for _, n := range m.inbox.all() {
		if n.Plan != "" {
			open[n.Thread] = n.Problem
		}
	}
	for _, p := range open {
		if p != nil {
			codes = append(codes, p.Code)
		}
	}
	return codes
}

// A word that comes late does not count against a newer one, nor one about another MDM, or by a clock that is ahead.
func TestWordsOfARouteComeInAnyOrder(t *testing.T) {
	m := newMover(t)
	m.few()
	m.drafted()
	start := m.clock.Now()
	m.clock.Pass(time.Hour)
	m.route(enrollment.RoutePushRestored, start.Add(30*time.Minute))
	m.route(enrollment.RoutePushLost, start.Add(10*time.Minute))
	assert.False(t, m.view().PushLost)
	m.route(enrollment.RoutePushLost, start.Add(40*time.Minute))
	assert.True(t, m.view().PushLost)
	m.route(enrollment.RoutePushRestored, start.Add(35*time.Minute))
	assert.True(t, m.view().PushLost)
	m.route(enrollment.RoutePushRestored, m.clock.Now().Add(1000*time.Hour))
	assert.False(t, m.view().PushLost)
	m.clock.Pass(time.Minute)
	m.route(enrollment.RoutePushLost, time.Time{})
	assert.True(t, m.view().PushLost, "it is not of the future")

	others := []enrollment.RouteEvent{
		{Kind: enrollment.RoutePushRestored, MDM: "new"}, {Kind: enrollment.RouteServiceGone, Server: m.from.id},
	}
	for _, e := range others {
		plans, err := m.tenant().ObserveRoute(ctx(t), e)
		require.NoError(t, err)
		assert.Zero(t, plans, e.Kind)
	}
	assert.True(t, m.view().PushLost)
	for _, bad := range []enrollment.RouteEvent{
		{}, {Kind: enrollment.RoutePushLost}, {Kind: enrollment.RouteServiceGone}, {Kind: enrollment.RoutePushLost, MDM: "old", Tenant: "beta"},
	} {
		_, err := m.tenant().ObserveRoute(ctx(t), bad)
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
}

// The host's word comes within its own transaction, too.
func TestWordsOfARouteInTheHostsTransaction(t *testing.T) {
	m := newMover(t)
	m.few()
	m.drafted()
	require.NoError(t, m.Warm(ctx(t), "acme"))
	plans, err := m.In(m.store).ObserveRoute(ctx(t), enrollment.RouteEvent{Kind: enrollment.RoutePushLost, Tenant: "acme", MDM: "old"})
	require.NoError(t, err)
	assert.Equal(t, 1, plans)
	assert.True(t, m.view().PushLost)
	plans, err = m.In(m.store).ObserveRoute(ctx(t), enrollment.RouteEvent{Kind: enrollment.RoutePushLost, Tenant: "beta", MDM: "old"})
	require.NoError(t, err)
	assert.Zero(t, plans)
}

// Nobody has to tell of a push certificate that is kept here, if the plan relies on it: its end and Apple's refusal are known, and
// so is that it was renewed.
func TestAPlanHearsOfThePushCertificateThatIsKeptHere(t *testing.T) {
	m := newMover(t)
	m.acme.importPush(ourTopic, 3, 2)
	m.few()
	m.clock.Pass(time.Hour)
	wish := m.wish()
	wish.Reached = enrollment.NotKnown
	view, err := m.tenant().NewPlan(ctx(t), tech, wish)
	require.NoError(t, err)
	m.plan = view.ID
	list, err := m.tenant().ListDevices(ctx(t), tech, m.plan, rows(m.serials()...))
	require.NoError(t, err)
	require.Equal(t, 3, list.Plan.Listing.Wipes)

	m.clock.Pass(48 * time.Hour)
	_, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	p := requireProblem(t, enrollment.CodeWipePushLost, err)
	assert.NotEmpty(t, p.Next)
	m.acme.importPush(ourTopic, 3, 2)
	_, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	_, err = m.tenant().ApprovePlan(ctx(t), bob, m.plan, runner.Approved{Digest: list.Plan.Digest})
	require.NoError(t, err)
	m.live(30*time.Minute, nil)
	m.clock.Pass(48 * time.Hour)
	m.live(3*time.Hour, nil)
	assert.Empty(t, m.wipes, "it expired again before the first wave")
	assert.True(t, m.view().PushLost)
	m.acme.importPush(ourTopic, 3, 30)
	m.live(48*time.Hour, m.ended)
	assert.Len(t, m.wipes, 3)
	m.harmless()
}

// Where the whole installation has one push certificate, it is that one.
func TestAPlanHearsOfTheAccountsPushCertificate(t *testing.T) {
	m := newMover(t)
	vendor := m.customer("vendor")
	m.config.PushAccount = "vendor"
	m.restartWith(m.config)
	m.reborn(nil)
	vendor.importPush(ourTopic, 3, 2)
	m.few()
	m.clock.Pass(time.Hour)
	wish := m.wish()
	wish.Reached = enrollment.NotKnown
	view, err := m.tenant().NewPlan(ctx(t), tech, wish)
	require.NoError(t, err)
	m.plan = view.ID
	list, err := m.tenant().ListDevices(ctx(t), tech, m.plan, rows(m.serials()...))
	require.NoError(t, err)
	assert.Equal(t, 3, list.Plan.Listing.Wipes)
	m.live(24*time.Hour, nil)
	assert.False(t, m.view().PushLost)
	_, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	_, err = m.tenant().ApprovePlan(ctx(t), bob, m.plan, runner.Approved{Digest: list.Plan.Digest})
	require.NoError(t, err)
	m.clock.Pass(24 * time.Hour)
	m.live(3*time.Hour, nil)
	assert.True(t, m.view().PushLost)
	assert.Empty(t, m.wipes)
}

// A dead push certificate is no reason against a plan that wipes nothing.
func TestAPlanWithoutWipesNeedsNoPush(t *testing.T) {
	m := newMover(t)
	m.device(fleet.Spec{Serial: "THERE1"}).EnrollAt(m.new)
	m.drafted()
	m.route(enrollment.RoutePushLost, m.clock.Now())
	_, err := m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	m.live(10*time.Minute, m.ended)
	assert.Equal(t, []string{"THERE1"}, m.in(migration.MoveReassigned))
	assert.Empty(t, m.troubles())
}

// A list that is made while the push certificate is dead wipes nothing.
func TestAListKnowsThatThePushCertificateIsLost(t *testing.T) {
	m := newMover(t)
	m.few()
	m.clock.Pass(time.Hour)
	view, err := m.tenant().NewPlan(ctx(t), tech, m.wish())
	require.NoError(t, err)
	m.plan = view.ID
	m.route(enrollment.RoutePushLost, m.clock.Now())
	list, err := m.tenant().ListDevices(ctx(t), tech, m.plan, rows(m.serials()...))
	require.NoError(t, err)
	assert.Equal(t, migration.Listing{Devices: 4, Hands: 3, Migrations: 1}, list.Plan.Listing)
}

// A plan to a service that is gone stands still until a person looks: whether the host tells, Apple does, or its server is retired.
func TestAPlanToAServiceThatIsGonePauses(t *testing.T) {
	for name, gone := range map[string]func(m *mover){
		"by the host": func(m *mover) { assert.Equal(t, 1, m.route(enrollment.RouteServiceGone, m.clock.Now())) },
		"by Apple":    func(m *mover) { m.gone = true },
		"retired": func(m *mover) {
			_, err := m.tenant().RetireServer(ctx(t), tech, m.to.id)
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMover(t)
			m.few()
			m.approved()
			m.live(61*time.Minute, func() bool { return m.view().State == migration.PlanRunning })
			gone(m)
			m.live(time.Hour, nil)
			view := m.view()
			assert.Equal(t, migration.PlanPaused, view.State)
			assert.Equal(t, migration.WaitsService, view.Waiting.Why)
			assert.Equal(t, []enrollment.Code{enrollment.CodeServiceGone}, m.troubles())
			assert.Empty(t, m.wipes)
			if m.gone {
				m.gone = false
				_, err := m.tenant().ResumePlan(ctx(t), bob, m.plan)
				require.NoError(t, err)
				m.live(5*24*time.Hour, m.ended)
				assert.Len(t, m.in(migration.MoveEnrolled), 4)
			}
		})
	}
}

// A service without the plan's enrollment profile gets no devices: the plan is not made, not submitted and not resumed, and one
// that runs pauses before the first device is assigned.
func TestAPlanToAServiceWithoutItsProfileIsRefused(t *testing.T) {
	m := newMover(t)
	m.few()
	m.clock.Pass(time.Hour)
	wrong := m.wish()
	wrong.Route.Profile = "0123456789ABCDEF0123456789ABCDEF"
	_, err := m.tenant().NewPlan(ctx(t), tech, wrong)
	p := requireProblem(t, enrollment.CodeTargetNoProfile, err)
	assert.NotEmpty(t, p.Next)
	wrong.Route.Profile = ""
	_, err = m.tenant().NewPlan(ctx(t), tech, wrong)
	requireProblem(t, enrollment.CodeTargetNoProfile, err)

	view := m.drafted()
	m.bare = true
	_, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	requireProblem(t, enrollment.CodeTargetNoProfile, err)
	m.bare = false
	_, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	require.NoError(t, err)
	_, err = m.tenant().ApprovePlan(ctx(t), bob, m.plan, runner.Approved{Digest: view.Digest})
	require.NoError(t, err)
	m.bare = true
	m.live(3*time.Hour, nil)
	view = m.view()
	assert.Equal(t, migration.PlanPaused, view.State)
	assert.Equal(t, migration.WaitsProfile, view.Waiting.Why)
	assert.Empty(t, m.posts, "nothing was assigned")
	assert.Equal(t, []enrollment.Code{enrollment.CodeTargetNoProfile}, m.troubles())
	_, err = m.tenant().ResumePlan(ctx(t), bob, m.plan)
	requireProblem(t, enrollment.CodeTargetNoProfile, err)
	m.bare = false
	_, err = m.tenant().ResumePlan(ctx(t), bob, m.plan)
	require.NoError(t, err)
	m.live(5*24*time.Hour, m.ended)
	assert.Len(t, m.in(migration.MoveEnrolled), 4)
	m.harmless()
}

// Apple's silence about a profile stops nobody: each device's is read back before its wipe.
func TestSilenceAboutAProfileStopsNobody(t *testing.T) {
	m := newMover(t)
	m.mute = true
	m.few()
	m.approved()
	m.live(5*24*time.Hour, m.ended)
	assert.Len(t, m.in(migration.MoveEnrolled), 4)
	m.harmless()
}

// A token that Apple rejects stops a plan before it begins.
func TestAPlanToARejectedTokenIsRefused(t *testing.T) {
	m := newMover(t)
	m.few()
	m.drafted()
	_, _, err := m.acme.admin.DownloadToken(m.to.apple)
	require.NoError(t, err)
	_, err = m.tenant().CheckServer(ctx(t), tech, m.to.id)
	require.NoError(t, err)
	_, err = m.tenant().SubmitPlan(ctx(t), tech, m.plan)
	requireProblem(t, enrollment.CodeTargetRejected, err)
	_, err = m.tenant().NewPlan(ctx(t), tech, m.wish())
	requireProblem(t, enrollment.CodeTargetRejected, err)
}

// The device assignment service does not say which devices can change their MDM without an erase, the API does. Where nobody is
// asked, a device that perhaps could is never wiped, and the dry run says what is not known.
func TestWhoSaysWhichDevicesCanMigrate(t *testing.T) {
	m := newMover(t)
	m.few()
	for i := range 3 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("NEWMAC%d", i+1), OS: "26.0"})
	}
	m.clock.Pass(time.Hour)
	decide := func() map[migration.Strategy]int {
		ways := map[migration.Strategy]int{}
		for row, err := range m.tenant().DryRun(ctx(t), m.wish(), rows(m.serials()...)) {
			require.NoError(t, err)
			ways[row.Decision.Strategy]++
			if row.Decision.Strategy == migration.Hands {
				assert.Equal(t, []migration.Reason{migration.CapableUnknown}, row.Decision.Reasons)
			}
		}
		return ways
	}
	m.config.Devices = m.services
	m.restartWith(m.config)
	assert.Equal(t, map[migration.Strategy]int{migration.Wipe: 3, migration.Hands: 4}, decide(), "older systems cannot, that is known")

	m.config.Devices = m // which adds what the API tells, as axm's Beside does
	m.restartWith(m.config)
	assert.Equal(t, map[migration.Strategy]int{migration.Wipe: 3, migration.Migrate: 4}, decide())
}
