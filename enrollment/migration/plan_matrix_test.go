package migration_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

func planCells(t *testing.T) []machinetest.Cell {
	t.Helper()
	cells, err := plans().Matrix(planShapes(t), allPlanEvents())
	require.NoError(t, err)
	return cells
}

// Every state, in every shape, times every way in which something can happen. A reader checks each line against the rules.
func TestMatrixOfPlan(t *testing.T) {
	cells := planCells(t)
	machinetest.Golden(t, "testdata/matrix/plan.txt", machinetest.Text(cells))
	for _, state := range migration.PlanStates() {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.State() == string(state) }), "no row of %s", state)
	}
	for _, name := range append(machinetest.EventNames(t, "plan_event.go"), "cancel", "tick") {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.EventName() == name }), "no column of %s", name)
	}
}
