package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// dryAnswer is what a plan would do, device by device.
type dryAnswer struct {
	subject
	From     enrollment.ServerID        `json:"from,omitempty"`
	To       enrollment.ServerID        `json:"to"`
	Ways     map[migration.Strategy]int `json:"ways"` // how many devices go which
	Refused  int                        `json:"refused"`
	Missing  []string                   `json:"missing,omitempty"` // what the present MDM's dispatcher cannot do, in words
	Devices  []dryRow                   `json:"devices"`
	Problems []rowError                 `json:"rows,omitempty"` // that would be no part of the plan
}

type dryRow struct {
	subject
	Strategy migration.Strategy `json:"strategy"`
	Reasons  []reasonText       `json:"reasons"`
	Device   enrollment.Device  `json:"device"`
	Other    map[string]string  `json:"other,omitempty"` // the list's own columns
}

func (a dryAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DEVICE\tMODEL\tOS\tWAY\tBECAUSE")
	for _, d := range a.Devices {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", d.ID, d.Device.Model, d.Device.OS, d.Strategy, reasonsText(d.Reasons))
	}
	_ = table.Flush() // as every other write to standard output
	writeRows(w, a.Problems)
	fmt.Fprintf(w, "\n%d devices: %s; %d rows refused. Nothing was stored.\n", len(a.Devices), waysText(a.Ways), a.Refused)
	for _, missing := range a.Missing {
		fmt.Fprintf(w, "Mind: %s\n", missing)
	}
}

func reasonsText(reasons []reasonText) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Text
	}
	return strings.Join(texts, "; ")
}

// waysText counts the ways, least harm first.
func waysText(ways map[migration.Strategy]int) string {
	var parts []string
	for _, way := range []migration.Strategy{migration.Reassign, migration.Migrate, migration.Wipe, migration.Hands, migration.Nothing} {
		if n := ways[way]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, way))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// maxShownRows bounds the rows with problems that are shown.
const maxShownRows = 1000

// dryRun shows what a plan would do. Nothing is stored.
func (h *host) dryRun(ctx context.Context, wish runner.NewPlan, list *deviceSource) (answer, error) {
	ans := dryAnswer{
		subject: subject{ID: "dry-run", Server: wish.Route.To}, From: wish.Route.From, To: wish.Route.To,
		Ways: map[migration.Strategy]int{}, Devices: []dryRow{},
	}
	other := map[int]map[string]string{} // the own columns of rows that are being looked at
	rows := func(yield func(runner.PlanRow, error) bool) {
		n := 0
		for r, err := range list.rows() {
			if n++; r.Other != nil {
				other[n] = r.Other
			}
			if !yield(r, err) {
				return
			}
		}
	}
	defer h.waiting("Looking at the devices")()
	var wrong []runner.RowProblem
	for row, err := range h.tenant().DryRun(ctx, wish, rows) {
		switch {
		case err != nil:
			return nothing{ans.subject}, err
		case row.Problem != nil:
			if ans.Refused++; len(wrong) < maxShownRows {
				wrong = append(wrong, runner.RowProblem{Row: row.Row, Serial: row.Device.Serial, Problem: row.Problem})
			}
		default:
			ans.Ways[row.Decision.Strategy]++
			ans.Devices = append(ans.Devices, dryRow{
				subject: subject{ID: row.Device.Serial}, Strategy: row.Decision.Strategy, Reasons: reasonTexts(row.Decision.Reasons),
				Device: row.Device, Other: other[row.Row],
			})
		}
		delete(other, row.Row)
	}
	ans.Problems = list.problems(wrong)
	var err error
	if ans.Ways[migration.Wipe] > 0 {
		ans.Missing, err = h.missingAbilities(ctx, wish.Route.OldMDM)
	}
	return ans, err
}

// missingAbilities says what the dispatcher of the present MDM cannot do, and what that means.
func (h *host) missingAbilities(ctx context.Context, mdm enrollment.MDMID) (missing []string, err error) {
	if h.wipes == nil {
		return nil, nil
	}
	can, err := h.wipes.WipeAbilities(ctx, h.Tenant, mdm)
	if err != nil {
		return nil, errors.Join(enrollment.NewProblem(enrollment.CodeInternal), err)
	}
	for _, c := range []struct {
		can  bool
		says string
	}{
		{can.Status, "The present MDM cannot be asked about a wipe: what became of one is known by what devices answer"},
		{can.Recall, "The present MDM takes no wipe back: a device that is offline may still be erased by it later"},
		{can.RefusesRepeats, "It is not known yet that the present MDM refuses a repeated wipe: one of unknown fate is not sent again"},
	} {
		if !c.can {
			missing = append(missing, c.says)
		}
	}
	return missing, nil
}
