package runner_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// terse is an MDM that manages devices, and tells nothing else of them.
type terse struct{ enrollment.DeviceReader }

func (terse) DeviceFacts(_ context.Context, _ enrollment.TenantID, mdm enrollment.MDMID, _ enrollment.Device) (enrollment.DeviceFacts, error) {
	if mdm == "new" {
		return enrollment.DeviceFacts{}, enrollment.ErrNoDevice
	}
	return enrollment.DeviceFacts{MDM: mdm, Managed: enrollment.Yes, AppleSilicon: enrollment.Yes}, nil
}

func listOf(rows ...runner.PlanRow) iter.Seq2[runner.PlanRow, error] {
	return func(yield func(runner.PlanRow, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// What a list says of a device counts where nobody knows better, and what it has beside the device is kept with it.
func TestAListTellsOfItsDevices(t *testing.T) {
	m := newMover(t)
	m.few()
	m.clock.Pass(time.Hour)
	told := func(serial, udid string) runner.PlanRow {
		return runner.PlanRow{
			Serial: serial, Told: &enrollment.Device{UDID: udid, OS: "15.5", Family: enrollment.FamilyIPhone},
			Other: map[string]string{"asset": "42-" + serial},
		}
	}
	config := m.config
	config.MDM = terse{}
	m.restartWith(config)
	for row, err := range m.tenant().DryRun(ctx(t), m.wish(), listOf(told("MAC1", "UDID-OF-THE-LIST"))) {
		require.NoError(t, err)
		require.Nil(t, row.Problem)
		assert.Equal(t, "UDID-OF-THE-LIST", row.Device.UDID)
		assert.Equal(t, "15.5", row.Device.OS)
		assert.Equal(t, enrollment.FamilyMac, row.Device.Family, "Apple knows better")
		assert.Equal(t, migration.Wipe, row.Decision.Strategy)
	}
	view, err := m.tenant().NewPlan(ctx(t), tech, m.wish())
	require.NoError(t, err)
	list, err := m.tenant().ListDevices(ctx(t), tech, view.ID, listOf(told("mac2", "U2"), runner.PlanRow{Serial: "MAC1"}))
	require.NoError(t, err)
	assert.Empty(t, list.Problems)
	page, err := m.tenant().Moves(ctx(t), tech, view.ID, "", pageOf(10))
	require.NoError(t, err)
	require.Len(t, page.Moves, 2)
	assert.Empty(t, page.Moves[0].Other)
	assert.Equal(t, map[string]string{"asset": "42-mac2"}, page.Moves[1].Other)
	assert.Equal(t, "U2", page.Moves[1].Device.UDID)
}

// A row that names one device and the enrollment ID of another is no part of a plan: the command would reach the other.
func TestThreat11_AListWithAnothersUDID(t *testing.T) {
	m := newMover(t)
	m.few()
	m.clock.Pass(time.Hour)
	another := m.world.Device("MAC2").Enrollment().UDID
	wrong := listOf(runner.PlanRow{Serial: "MAC1", Told: &enrollment.Device{UDID: another}})
	for row, err := range m.tenant().DryRun(ctx(t), m.wish(), wrong) {
		require.NoError(t, err)
		requireProblem(t, enrollment.CodeDeviceMismatch, row.Problem)
	}
	view, err := m.tenant().NewPlan(ctx(t), tech, m.wish())
	require.NoError(t, err)
	list, err := m.tenant().ListDevices(ctx(t), tech, view.ID, wrong)
	requireProblem(t, enrollment.CodeRefused, err) // no device is left
	require.Len(t, list.Problems, 1, "why not is told beside the error")
	page, err := m.tenant().Moves(ctx(t), tech, view.ID, "", pageOf(10))
	require.NoError(t, err)
	assert.Empty(t, page.Moves)
}

// Rows that cannot be devices are told of with what is wrong with them, counted, and left out.
func TestRowsThatAreNoDevices(t *testing.T) {
	m := newMover(t)
	m.few()
	m.clock.Pass(time.Hour)
	found := enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "line 3", "rule", "a row of the list")
	bad := []runner.PlanRow{
		{Wrong: found}, {Serial: "MAC1", Wrong: found}, {Serial: "two words"},
		{Serial: "MAC1", Told: &enrollment.Device{UDID: "new\nline"}}, {Serial: "MAC1", Told: &enrollment.Device{OS: strings.Repeat("1", 2000)}},
		{Serial: "MAC1", Other: map[string]string{"note": strings.Repeat("x", 9000)}},
	}
	n := 0
	for row, err := range m.tenant().DryRun(ctx(t), m.wish(), listOf(bad...)) {
		require.NoError(t, err)
		assert.NotNil(t, row.Problem)
		n++
		assert.Equal(t, n, row.Row)
	}
	assert.Equal(t, len(bad), n)
	view, err := m.tenant().NewPlan(ctx(t), tech, m.wish())
	require.NoError(t, err)
	list, err := m.tenant().ListDevices(ctx(t), tech, view.ID, listOf(slices.Concat(bad, []runner.PlanRow{{Serial: "MAC1"}})...))
	require.NoError(t, err)
	assert.Equal(t, 1, list.Plan.Listing.Devices)
	assert.Equal(t, len(bad), list.Plan.Refused)
	require.Len(t, list.Problems, len(bad))
	assert.Equal(t, found, list.Problems[0].Problem)
	assert.Equal(t, "MAC1", list.Problems[1].Serial)
}
