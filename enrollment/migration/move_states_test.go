package migration_test

import (
	"strings"
	"testing"

	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// moveDocument is what a person reads about a move. What each state waits for stands beside its constant, and who follows
// whom is tried out.
func moveDocument(t *testing.T) string {
	cells := moveCells(t)
	var b strings.Builder
	b.WriteString(`## A move

Takes one device to its new service. The last eight states are resting: they owe nothing but the recall of a wipe, and still
accept facts, so that a device that enrolls months later ends its move. A person may retry what did not end well.

`)
	b.WriteString(machinetest.Waits(t, "move_state.go", "MoveState"))
	b.WriteString("\n" + machinetest.Diagram(cells, []string{"queued"}, []string{
		"enrolled", "reassigned", "wipe_outstanding", "returned", "needs_hands", "failed", "skipped", "cancelled",
	}))
	b.WriteString("\n" + machinetest.Table(cells))
	return b.String()
}
