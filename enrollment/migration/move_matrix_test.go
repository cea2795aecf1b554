package migration_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

func moveCells(t *testing.T) []machinetest.Cell {
	t.Helper()
	cells, err := moves().Matrix(moveShapes(t), moveEvents())
	require.NoError(t, err)
	return cells
}

// Every state, in every shape, times every way in which something can happen. A reader checks each line against the rules.
func TestMatrixOfMove(t *testing.T) {
	cells := moveCells(t)
	machinetest.Golden(t, "testdata/matrix/move.txt", machinetest.Text(cells))
	for _, state := range migration.MoveStates() {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.State() == string(state) }), "no row of %s", state)
	}
	for _, name := range machinetest.EventNames(t, "move_event.go") {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.EventName() == name }), "no column of %s", name)
	}
}
