package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// batchRow is one batch of a plan: devices that Apple, or a person at the portal, takes at once.
type batchRow struct {
	subject
	Kind     enrollment.AssignmentKind `json:"kind"`
	State    migration.BatchState      `json:"state"`
	Manual   bool                      `json:"manual,omitempty"` // a person assigns them at the portal
	Devices  int                       `json:"devices"`
	Missing  int                       `json:"missing"` // that the new service does not show yet
	Waiting  migration.Waiting         `json:"waiting,omitzero"`
	Activity string                    `json:"activity,omitempty"` // at Apple
}

func answerBatch(v runner.BatchView) batchRow {
	return batchRow{
		subject: subject{ID: v.ID, Plan: v.Plan}, Kind: v.Kind, State: v.State, Manual: v.Manual, Devices: len(v.Devices),
		Missing: v.Count(migration.StageMissing), Waiting: v.Waiting, Activity: v.Activity,
	}
}

func (b batchRow) text(w io.Writer) { batchesAnswer{b}.text(w) }

type batchesAnswer []batchRow

func (a batchesAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BATCH\tKIND\tSTATE\tDEVICES\tMISSING\tWAITS FOR")
	for _, b := range a {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\n", b.ID, b.Kind, b.State, b.Devices, b.Missing, b.Waiting.Why.Text())
	}
	_ = table.Flush() // as every other write to standard output
}

func batchesText(rows []batchRow) string {
	if len(rows) == 0 {
		return ""
	}
	done, portal := 0, 0
	for _, b := range rows {
		if !b.State.Live() {
			done++
		}
		if b.State == migration.BatchByHand {
			portal++
		}
	}
	text := fmt.Sprintf("%d, %d of them done", len(rows), done)
	if portal > 0 {
		text += fmt.Sprintf(", %d wait for somebody at Apple's portal: abmctl migrate serials %s BATCH", portal, rows[0].Plan)
	}
	return text
}

type migrateBatches struct{ planArg }

func (c *migrateBatches) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	list, err := h.batchesOf(ctx, c.Plan)
	if err != nil {
		return nothing{c.subject()}, withoutPlan(err)
	}
	for _, b := range list {
		if b.State == migration.BatchByHand {
			h.hint("Somebody assigns the devices of %s at Apple's portal: abmctl migrate serials %s %s --out FILE.csv", b.ID, c.Plan, b.ID)
		}
	}
	return batchesAnswer(list), nil
}

func (h *host) batchesOf(ctx context.Context, plan enrollment.PlanID) (rows []batchRow, err error) {
	rows = []batchRow{}
	err = h.eachBatch(ctx, plan, func(v runner.BatchView) { rows = append(rows, answerBatch(v)) })
	return rows, err
}

func (h *host) eachBatch(ctx context.Context, plan enrollment.PlanID, see func(runner.BatchView)) error {
	return eachPage(func(page runner.Page) (storage.Position, bool, []error, error) {
		p, err := h.tenant().Batches(ctx, h.actor(), plan, page)
		for _, v := range p.Batches {
			see(v)
		}
		return p.Next, p.More, p.Damaged, err
	})
}
