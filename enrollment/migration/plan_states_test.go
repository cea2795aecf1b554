package migration_test

import (
	"strings"
	"testing"

	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// planDocument is what a person reads about plans, waves and batches.
func planDocument(t *testing.T) string {
	var b strings.Builder
	b.WriteString(`## A plan

Moves many devices. It is approved by other persons where it wipes, begins after a cooling period, and ends when every device has
come to its end. The last four states are resting; a device that is retried brings a completed plan back to life.

`)
	cells := planCells(t)
	b.WriteString(machinetest.Waits(t, "plan_state.go", "PlanState"))
	b.WriteString("\n" + machinetest.Diagram(cells, []string{"drafting"}, []string{"completed", "rejected", "expired", "cancelled"}))
	b.WriteString("\n" + machinetest.Table(cells))
	b.WriteString(`
## A wave

Takes some devices of a plan along to be wiped, or to be given a deadline. The next, larger one begins when enough of them have
enrolled; when too many fail, the plan pauses.

`)
	cells = waveCells(t)
	b.WriteString(machinetest.Waits(t, "wave.go", "WaveState"))
	b.WriteString("\n" + machinetest.Diagram(cells, []string{"calling"}, []string{"passed", "failed", "closed"}))
	b.WriteString("\n" + machinetest.Table(cells))
	b.WriteString(`
## A batch

Makes the calls that Apple takes for up to 1000 devices at once: it has them assigned to their new service, or their migration
cancelled, and believes nothing but what that service shows.

`)
	cells = batchCells(t)
	b.WriteString(machinetest.Waits(t, "batch.go", "BatchState"))
	b.WriteString("\n" + machinetest.Diagram(cells, []string{"looking", "awaiting_post"}, []string{"done", "cancelled"}))
	b.WriteString("\n" + machinetest.Table(cells))
	b.WriteString(`
## A proposal

A change that no single person makes: looser rules about wipes, or a kill switch lifted. It is small enough to be read in
[approval_proposal_step.go](approval_proposal_step.go).

`)
	b.WriteString(machinetest.Waits(t, "approval_proposal.go", "ProposalState"))
	return b.String()
}
