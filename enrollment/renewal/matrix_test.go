package renewal_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// Every state, in every shape, times every way in which something can happen. A reader checks each line against the rules.
func TestMatrixOfRenewal(t *testing.T) {
	cells, err := machine().Matrix(shapes(t), events())
	require.NoError(t, err)
	machinetest.Golden(t, "testdata/matrix/renewal.txt", machinetest.Text(cells))
}

// The matrix is complete: it has every state and every event.
func TestMatrixOfRenewalIsComplete(t *testing.T) {
	cells, err := machine().Matrix(shapes(t), events())
	require.NoError(t, err)
	for _, state := range renewal.States() {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.State() == string(state) }), "no row of %s", state)
	}
	for _, name := range machinetest.EventNames(t, "event.go") {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.EventName() == name }), "no column of %s", name)
	}
}

// A token that was downloaded may be the only living one: a file is taken in every state.
func TestUploadsAreTakenInEveryState(t *testing.T) {
	cells, err := machine().Matrix(shapes(t), events())
	require.NoError(t, err)
	taken := map[string]bool{}
	for _, c := range cells {
		if c.Event == "upload: the newest" && c.Row != "verifying: a spare waits" { // there it is the candidate already
			assert.Equal(t, machinetest.Moves, c.Verdict, c.Row)
			assert.Equal(t, string(renewal.Verifying), c.To, c.Row)
			taken[c.State()] = true
		}
	}
	assert.Len(t, taken, len(renewal.States()))
}

// The same for a watch.
func TestMatrixOfWatch(t *testing.T) {
	ofEach(t, func(t *testing.T, k watched) {
		cells, err := watchMachine().Matrix(k.shapes(t), k.events())
		require.NoError(t, err)
		machinetest.Golden(t, "testdata/matrix/"+k.name+".txt", machinetest.Text(cells))
		for _, state := range renewal.WatchStates() {
			assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.State() == string(state) }), "no row of %s", state)
		}
		for _, name := range machinetest.EventNames(t, "watch_event.go") {
			assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.EventName() == name }), "no column of %s", name)
		}
	})
}
