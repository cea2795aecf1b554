package main

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
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// moving is a test in which acme's devices are to go from one MDM cluster to the other.
type moving struct {
	*test
	*acme
	tess, bert *person
	away       map[string]bool
}

func newMoving(t testing.TB) *moving {
	t.Helper()
	m := &moving{test: newTest(t), away: map[string]bool{}}
	ctx := t.Context()
	m.acme = must(m.addAcme(ctx))
	m.adopted()
	require.NoError(t, adoptPush(ctx, ports{m.first.app}, m.first.runner, enrollment.Nobody, "acme"))
	m.clock.Pass(24 * time.Hour) // the first probes are spread over a day
	m.first.app.RunJobs(ctx)
	m.tess, m.bert = m.hired("tess", rmm.Technicians, "acme"), m.hired("bert", rmm.Technicians, "acme")
	servers := map[string]enrollment.ServerID{}
	for _, s := range m.tess.servers(t, "acme").Servers {
		servers[s.Name] = s.ID
	}
	require.NoError(t, m.ready(ctx, m.acme, servers))
	require.NoError(t, m.first.allowWipes(ctx))
	m.connect(ctx, func(err error) { require.NoError(t, err) })
	return m
}

// device is one that came by the first service.
func (m *moving) device(spec fleet.Spec) *fleet.Device {
	m.t.Helper()
	return must(m.stage.device(m.acme, spec))
}

// wish is what a technician sends for a plan of all devices.
func (m *moving) wish() map[string]any {
	var serials []string
	for _, d := range m.world.Devices() {
		serials = append(serials, d.Serial())
	}
	return map[string]any{"serials": serials, "route": migration.Route{
		From: m.from.server, To: m.to.server, Profile: m.profile, OldMDM: "mdm-1", NewMDM: "mdm-2",
	}}
}

// planned is a plan of all devices, which another technician has approved.
func (m *moving) planned() runner.PlanView {
	m.t.Helper()
	var plan runner.PlanView
	ctx, plans := m.t.Context(), "/customers/acme/apple/plans"
	require.NoError(m.t, m.tess.ask(ctx, "POST", plans, m.wish(), &plan))
	require.NoError(m.t, m.bert.ask(ctx, "POST", plans+"/"+string(plan.ID)+"/approval", runner.Approved{Digest: plan.Digest}, &plan))
	return plan
}

func (m *moving) plan(id enrollment.PlanID) (plan runner.PlanView) {
	m.t.Helper()
	require.NoError(m.t, m.tess.ask(m.t.Context(), "GET", "/customers/acme/apple/plans/"+string(id), nil, &plan))
	return plan
}

// pass lets everything act for a time, or until a plan has ended.
func (m *moving) pass(d time.Duration, until func() bool) {
	m.t.Helper()
	require.NoError(m.t, m.live(m.t.Context(), d, m.away, until))
}

// Devices move to the other cluster, each in the way that does it least harm: capable ones by themselves, the others through
// the RMM's own queue of commands, and never before Apple's service has confirmed them.
func TestDevicesMoveThroughTheRMM(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	for i := range 4 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("MAC%d", i), OS: "15.1"})
	}
	m.device(fleet.Spec{Serial: "OLDMAC", OS: "12.7", OldMac: true})
	m.device(fleet.Spec{Serial: "PHONE", Family: enrollment.FamilyIPhone, OS: "26.1", Migrates: 24 * time.Hour})
	m.device(fleet.Spec{Serial: "PAD", Family: enrollment.FamilyIPad, OS: "17.4", SharedIPad: true})
	locked := m.device(fleet.Spec{Serial: "LOCKED", OS: "15.1", Locked: true})
	m.world.Step()
	require.NoError(t, m.first.app.KeepBypassCode(t.Context(), "acme", locked.Serial(), bypass))
	days := 2 * 24 * time.Hour
	_, err := m.first.runner.SetPolicy(t.Context(), enrollment.Actor{ID: "ann", Kind: enrollment.Person}, enrollment.PolicyChange{MigrationDeadline: &days})
	require.NoError(t, err)

	plan := m.planned()
	old := m.world.Device("OLDMAC")
	m.pass(10*24*time.Hour, func() bool { return old.State() == fleet.PINLocked })
	pin, err := m.first.runner.Tenant("acme").PIN(t.Context(), enrollment.Actor{ID: "tess", Kind: enrollment.Person}, plan.ID, "OLDMAC")
	require.NoError(t, err)
	require.True(t, old.EnterPIN(pin.Reveal()), "the PIN that the queue carried")
	m.pass(10*24*time.Hour, func() bool { return !m.plan(plan.ID).State.Live() })
	ended := m.plan(plan.ID)
	assert.Equal(t, migration.PlanCompleted, ended.State, "%v", ended.Waiting)
	assert.Equal(t, map[migration.MoveState]int{migration.MoveEnrolled: 7, migration.MoveHands: 1}, ended.Counts)
	for serial, erases := range map[string]int{"MAC0": 1, "MAC3": 1, "LOCKED": 1, "OLDMAC": 1, "PHONE": 0, "PAD": 0} {
		d := m.world.Device(serial)
		assert.Equal(t, erases, d.Erases(), serial)
		if serial != "PAD" {
			require.NotNil(t, d.MDM(), serial)
			assert.Equal(t, m.next, d.MDM(), serial)
			row := must(m.first.app.Device(t.Context(), "acme", "mdm-2", "", serial))
			assert.True(t, row.Enrolled, "the RMM knows where %s is", serial)
		}
	}
	var commands, pins int
	require.NoError(t, m.first.pool.QueryRow(t.Context(), `SELECT count(*), count(pin) FROM commands`).Scan(&commands, &pins))
	assert.LessOrEqual(t, commands, 6)
	assert.Zero(t, pins, "a PIN does not stay in the queue")
	report, err := m.first.runner.VerifyAudit(t.Context())
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
}

// Whoever makes a plan does not approve it, whatever their role.
func TestATechnicianCannotApproveHerOwnPlan(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	m.device(fleet.Spec{Serial: "MAC1", OS: "15.1"})
	m.world.Step()
	var plan runner.PlanView
	plans := "/customers/acme/apple/plans"
	require.NoError(t, m.tess.ask(t.Context(), "POST", plans, m.wish(), &plan))
	word := runner.Approved{Digest: plan.Digest}
	var refused *refusal
	require.ErrorAs(t, m.tess.ask(t.Context(), "POST", plans+"/"+string(plan.ID)+"/approval", word, nil), &refused)
	assert.Equal(t, "own_approval", refused.Code)
	assert.Equal(t, 403, refused.Status)
	require.ErrorAs(t, m.bert.ask(t.Context(), "POST", plans+"/"+string(plan.ID)+"/approval", runner.Approved{Digest: "0123"}, nil), &refused)
	assert.Equal(t, "approved_otherwise", refused.Code)
	require.NoError(t, m.bert.ask(t.Context(), "POST", plans+"/"+string(plan.ID)+"/approval", word, &plan))
	assert.Equal(t, migration.PlanCooling, plan.State)
}

// Once the kill switch is thrown, no wipe enters the queue; what waits there is taken back out.
func TestTheKillSwitchEmptiesTheQueue(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	for i := range 6 {
		d := m.device(fleet.Spec{Serial: fmt.Sprintf("MAC%d", i), OS: "15.1"})
		m.away[d.Enrollment().UDID] = i > 0 // the canary alone is there
	}
	m.world.Step()
	plan := m.planned()
	count := func(state string) (n int) {
		require.NoError(t, m.first.pool.QueryRow(t.Context(), `SELECT count(*) FROM commands WHERE state = $1`, state).Scan(&n))
		return n
	}
	m.pass(3*24*time.Hour, func() bool { return count(rmm.Queued) > 0 && count(rmm.Acknowledged) > 0 })
	require.Positive(t, count(rmm.Queued), "the second wave waits for devices that are away")
	before := count(rmm.Queued) + count(rmm.Acknowledged)
	var thrown migration.Switch
	require.NoError(t, m.bert.ask(t.Context(), "POST", "/customers/acme/apple/kill-switch", nil, &thrown))
	assert.True(t, thrown.Thrown)
	m.pass(24*time.Hour, func() bool { return count(rmm.Queued) == 0 })
	assert.Zero(t, count(rmm.Queued))
	assert.Equal(t, before, count(rmm.Cancelled)+count(rmm.Acknowledged), "nothing came after")
	clear(m.away)
	m.pass(3*24*time.Hour, func() bool { return false })
	erased := 0
	for _, d := range m.world.Devices() {
		erased += d.Erases()
	}
	assert.Equal(t, 1, erased)
	assert.Equal(t, map[migration.MoveState]int{migration.MoveEnrolled: 1, migration.MoveHands: 5}, m.plan(plan.ID).Counts)
}
