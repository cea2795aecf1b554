package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

type migrateMoves struct {
	planArg
	Serial string              `arg:"" optional:"" placeholder:"SERIAL" help:"One device, with what happened to it; else all."`
	State  migration.MoveState `placeholder:"STATE" help:"Only those in this state, such as needs_hands."`
}

// moveRow is one device of a plan.
type moveRow struct {
	subject
	State    migration.MoveState    `json:"state"`
	Strategy migration.Strategy     `json:"strategy"`
	Reasons  []reasonText           `json:"reasons,omitempty"`
	Device   enrollment.Device      `json:"device"`
	Wave     int                    `json:"wave,omitempty"`
	Batch    string                 `json:"batch,omitempty"`
	Deadline time.Time              `json:"deadline,omitzero"`
	Wipe     *migration.WipeFate    `json:"wipe,omitempty"`
	Trouble  *enrollment.Problem    `json:"trouble,omitempty"` // why it does not go on
	Warnings []enrollment.Problem   `json:"warnings,omitempty"`
	Other    map[string]string      `json:"other,omitempty"` // the list's own columns
	Allowed  []migration.EventName  `json:"allowed,omitempty"`
	History  []migration.MoveMoment `json:"history,omitempty"` // of one device
}

// reasonText is why a device is moved as it is.
type reasonText struct {
	Code migration.Reason `json:"code"`
	Text string           `json:"text"`
}

func reasonTexts(reasons []migration.Reason) (texts []reasonText) {
	for _, r := range reasons {
		texts = append(texts, reasonText{r, r.Text()})
	}
	return texts
}

// first is the weightiest reason.
func first(reasons []reasonText) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[0].Text
}

func answerMove(v runner.MoveView) moveRow {
	return moveRow{
		subject: subject{ID: v.Device.Serial, Plan: v.Plan}, State: v.State, Strategy: v.Decision.Strategy,
		Reasons: reasonTexts(v.Decision.Reasons), Device: v.Device, Wave: v.Wave, Batch: v.Batch, Deadline: v.Move.Deadline, Wipe: v.Wipe,
		Trouble: v.Problem, Warnings: v.Warnings, Other: v.Other, Allowed: v.Allowed,
	}
}

func (a moveRow) text(w io.Writer) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-14s %s\n", name, value)
		}
	}
	row("device", strings.TrimSpace(a.ID+" "+a.Device.Model))
	row("state", string(a.State))
	row("way", string(a.Strategy))
	for _, r := range a.Reasons {
		row("because", r.Text)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Other)) {
		row(name, a.Other[name])
	}
	if !a.Deadline.IsZero() {
		row("migrates by", a.Deadline.Format(time.RFC3339))
	}
	if a.Trouble != nil {
		row("problem", a.Trouble.Error())
	}
	for _, warning := range a.Warnings {
		row("warning", warning.Error())
	}
	for _, moment := range a.History {
		row("at "+moment.At.Format("15:04:05"), fmt.Sprintf("%s  %s: %s", day(moment.At), moment.Event, moment.State))
	}
	row("you may", eventsText(a.Allowed))
}

type movesAnswer []moveRow

func (a movesAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DEVICE\tMODEL\tOS\tWAY\tSTATE\tWHY")
	for _, m := range a {
		why := first(m.Reasons)
		if m.Trouble != nil {
			why = m.Trouble.Title
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.Device.Model, m.Device.OS, m.Strategy, m.State, why)
	}
	_ = table.Flush() // as every other write to standard output
}

func (c *migrateMoves) do(ctx context.Context, h *host) (answer, error) {
	if c.State != "" && !slices.Contains(migration.MoveStates(), c.State) { // a slip would read as: there are none
		return nil, wrong("state", "one of "+joined(migration.MoveStates()))
	}
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	serial := enrollment.NormalSerial(c.Serial)
	list := movesAnswer{}
	err := eachPage(func(page runner.Page) (storage.Position, bool, []error, error) {
		p, err := h.tenant().Moves(ctx, h.actor(), c.Plan, c.State, page)
		for _, v := range p.Moves {
			switch {
			case c.Serial == "":
				list = append(list, answerMove(v))
			case v.Device.Serial == serial:
				one := answerMove(v)
				one.History = v.History
				list = append(list, one)
			}
		}
		return p.Next, p.More, p.Damaged, err
	})
	switch {
	case err != nil:
		return nothing{c.subject()}, withoutPlan(err)
	case c.Serial != "" && len(list) == 0:
		problem := enrollment.NewProblem(enrollment.CodeNotFound, "what", "device "+c.Serial+" of this plan")
		problem.Next = "See: abmctl migrate moves " + string(c.Plan)
		return nothing{c.subject()}, problem
	case c.Serial != "":
		return list[0], nil
	}
	return list, nil
}

func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}
