package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// moves are the devices of a plan by their states.
func (m *moving) moves(plan enrollment.PlanID) map[string]migration.MoveState {
	m.t.Helper()
	page := must(m.first.runner.Tenant("acme").Moves(m.t.Context(), enrollment.Nobody, plan, "", runner.Page{}))
	out := map[string]migration.MoveState{}
	for _, move := range page.Moves {
		out[move.Device.Serial] = move.State
	}
	return out
}

// What a device says changes the RMM's rows and the library's together: where the RMM's transaction is rolled back, neither
// has heard of it; where it is committed, both have.
func TestAHostTransactionThatIsRolledBackUndoesBoth(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	d := m.device(fleet.Spec{Serial: "MAC1", OS: "15.1"})
	m.world.Step()
	plan := m.planned()
	m.pass(3*time.Hour, func() bool { return m.moves(plan.ID)["MAC1"] == migration.MoveReturning })
	require.Equal(t, migration.MoveReturning, m.moves(plan.ID)["MAC1"], "the device is erased, and on its way")

	failing := errors.New("the RMM's own last step fails")
	fail := true
	m.first.app.OnEvent(rmm.Listener{
		Before: func(context.Context, string) error { return nil },
		Within: func(context.Context, pgx.Tx, rmm.Event) error {
			if fail {
				return failing
			}
			return nil
		},
	})
	hear := func(kind string) error {
		return m.first.app.Hear(t.Context(), rmm.Event{
			Type: kind, Customer: "acme", MDM: "mdm-2", Serial: "MAC1", UDID: d.Enrollment().UDID, At: m.clock.Now(), Family: "Mac", OS: "15.1",
		})
	}
	require.ErrorIs(t, hear(rmm.Authenticate), failing)
	_, err := m.first.app.Device(t.Context(), "acme", "mdm-2", d.Enrollment().UDID, "")
	require.ErrorIs(t, err, rmm.ErrNoDevice, "the RMM's row is gone")
	before := must(m.first.runner.Tenant("acme").Moves(t.Context(), enrollment.Nobody, plan.ID, "", runner.Page{})).Moves[0]
	require.Equal(t, migration.MoveReturning, before.State)

	fail = false
	require.NoError(t, hear(rmm.Authenticate))
	fail = true
	require.ErrorIs(t, hear(rmm.TokenUpdate), failing)
	assert.False(t, must(m.first.app.Device(t.Context(), "acme", "mdm-2", d.Enrollment().UDID, "")).Enrolled)
	assert.Equal(t, migration.MoveReturning, m.moves(plan.ID)["MAC1"], "not enrolled for the one, not for the other")

	fail = false
	require.NoError(t, hear(rmm.TokenUpdate))
	assert.True(t, must(m.first.app.Device(t.Context(), "acme", "mdm-2", d.Enrollment().UDID, "")).Enrolled)
	m.pass(time.Hour, func() bool { return m.moves(plan.ID)["MAC1"] == migration.MoveEnrolled })
	assert.Equal(t, migration.MoveEnrolled, m.moves(plan.ID)["MAC1"])
}

// A check-in of a device that nobody moves leaves no trace of the library's, and a new push token is no enrollment.
func TestWhatDoesNotMatterIsNotTold(t *testing.T) {
	t.Parallel()
	d := rmm.Event{Customer: "acme", MDM: "mdm-1", UDID: "U1", Serial: "S1"}
	for kind, matters := range map[string]bool{rmm.Authenticate: true, rmm.TokenUpdate: false, rmm.CheckOut: false, rmm.Answer: true, "Whatever": false} {
		d.Type = kind
		_, told := fact(d)
		assert.Equal(t, matters, told, kind)
	}
	d.Type, d.Enrolls = rmm.TokenUpdate, true
	f, told := fact(d)
	assert.True(t, told)
	assert.Equal(t, enrollment.DeviceEnrolled, f.Kind)

	s := newTest(t)
	require.NoError(t, s.first.app.AddCustomer(t.Context(), "acme", "Acme Inc."))
	for i := range 3 {
		ports{s.first.app}.enrolled(t, "acme", fmt.Sprint("C02", i))
	}
	var records int
	require.NoError(t, s.first.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+s.schema+`_apple.records WHERE kind <> 'data_key'`).Scan(&records))
	assert.Zero(t, records)
}

// What waited for a device before it enrolled anew is void: it would erase what somebody has just set up.
func TestAnEnrollmentEmptiesTheQueue(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	ctx := t.Context()
	require.NoError(t, s.first.app.AddCustomer(ctx, "acme", "Acme Inc."))
	p := ports{s.first.app}
	d := p.enrolled(t, "acme", "C02")
	order := func(name string) enrollment.WipeRef {
		w := enrollment.Wipe{Command: enrollment.WipeCommand("acme", name), Tenant: "acme", MDM: "mdm-1", Device: d, NotAfter: s.clock.Now().Add(time.Minute)}
		must(p.Wipe(ctx, w, enrollment.PIN{}))
		return w.Ref()
	}
	waits := order("waits")
	p.enrolled(t, "acme", "C02")
	assert.Equal(t, enrollment.WipeRecalled, must(p.WipeStatus(ctx, waits)).State)
	next := fmt.Sprintf("/mdm/mdm-1/acme/devices/%s/next", d.UDID)
	var got rmm.Delivery
	require.NoError(t, ask(ctx, s.first.app, clusterHeader, "POST", next, nil, &got))
	assert.Empty(t, got.UUID)

	taken := order("taken")
	require.NoError(t, ask(ctx, s.first.app, clusterHeader, "POST", next, nil, &got))
	assert.Equal(t, taken.Command, got.UUID)
	p.enrolled(t, "acme", "C02") // without having answered
	got = rmm.Delivery{}
	require.NoError(t, ask(ctx, s.first.app, clusterHeader, "POST", next, nil, &got))
	assert.Empty(t, got.UUID, "it is not handed out a second time")
	require.ErrorIs(t, p.RecallWipe(ctx, taken), enrollment.ErrWipeTaken)
}

// A process that has just started hears of a device that is moved: nothing in the RMM's transaction may wait for its keys.
func TestAFreshProcessHearsOfAMovedDevice(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	m.device(fleet.Spec{Serial: "MAC1", OS: "15.1"})
	m.world.Step()
	plan := m.planned()
	fresh := must(m.start(t.Context()))
	require.NoError(t, m.hear(t.Context(), fresh, enrollment.DeviceEvent{
		Kind: enrollment.DeviceAuthenticated, Tenant: "acme", MDM: "mdm-1", Serial: "MAC1", UDID: m.world.Device("MAC1").Enrollment().UDID, At: m.clock.Now(),
	}))
	assert.Contains(t, m.moves(plan.ID), "MAC1")
}

// One call of the cron job does all that is due, however much that is.
func TestTheCronJobDoesEverythingThatIsDue(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	ctx := t.Context()
	require.NoError(t, s.first.app.AddCustomer(ctx, "acme", "Acme Inc."))
	for i := range 130 { // more than one call of RunDue takes
		row := rmm.Token{Customer: "acme", Name: fmt.Sprint("Site ", i), Token: oldToken(i, s.clock.Now().AddDate(1, 0, 0))}
		require.NoError(t, s.first.app.AddToken(ctx, row))
	}
	require.Equal(t, 130, s.adopted().Added)
	s.clock.Pass(24 * time.Hour)
	s.first.app.RunJobs(ctx)
	assert.Equal(t, map[enrollment.Health]int{enrollment.Rejected: 130}, must(s.first.runner.Stats(ctx)), "Apple knows none of them")
}
