package main

import (
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
)

func isPlan(id string) bool { return strings.HasPrefix(id, "pln_") }

func aboutPlan(id string) subject { return subject{ID: id, Plan: enrollment.PlanID(id)} }

// planAnswer is one plan.
type planAnswer struct {
	subject
	runner.PlanView
	WaitingFor string     `json:"waiting_for,omitempty"` // in words
	Within     duration   `json:"deadline"`              // of migrations
	Caps       *caps      `json:"caps,omitempty"`        // that are approved with its list
	Owed       *struct{}  `json:"pending,omitempty"`     // what the library owes it is of no use to a script
	Batches    []batchRow `json:"batches,omitempty"`
	Waves      []waveRow  `json:"waves,omitempty"`
	Rows       []rowError `json:"rows,omitempty"` // of its list, that are no part of it

	told bool // the problem is the command's own, and told beside the answer
}

func (a planAnswer) without() answer { a.told = true; return a }

// caps bound how a plan goes on after its approval, whatever the policy says then.
type caps struct {
	Budget       budget `json:"budget"`
	Waves        []int  `json:"waves"`
	WaveShare    int    `json:"wave_share"`
	WaveEnough   int    `json:"wave_enough"`
	FailureRatio int    `json:"failure_ratio"`
}

func answerPlan(v runner.PlanView) planAnswer {
	a := planAnswer{subject: aboutPlan(string(v.ID)), PlanView: v, WaitingFor: waitingText(v), Within: duration(v.Deadline)}
	if c := v.Caps; v.Digest != "" {
		a.Caps = &caps{c.Budget, c.Waves, c.WaveShare, c.WaveEnough, c.FailureRatio}
	}
	return a
}

// waitingText says why nothing moves.
func waitingText(v runner.PlanView) string {
	text := v.Waiting.Why.Text()
	switch {
	case text == "":
		return ""
	case v.Missing == 1:
		text += " (one more person)"
	case v.Missing > 1:
		text += fmt.Sprintf(" (%d more persons)", v.Missing)
	}
	if v.Pause != nil && v.Pause.Reason != "" {
		text += ": " + v.Pause.Reason
	}
	if !v.Waiting.Until.IsZero() {
		text += ", at " + v.Waiting.Until.Format(time.RFC3339)
	}
	return text
}

func (a planAnswer) text(w io.Writer) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-14s %s\n", name, value)
		}
	}
	row("plan", string(a.subject.Plan))
	row("state", string(a.State))
	row("from", string(a.Route.From))
	row("to", string(a.Route.To))
	row("profile", a.Route.Profile)
	row("way", fmt.Sprintf("%s, migrations within %v", a.Wish, a.Within))
	row("made by", a.CreatedBy.ID+" at "+a.CreatedAt.Format(time.RFC3339))
	row("devices", listingText(a.PlanView.Plan))
	row("digest", a.Digest)
	row("waits for", a.WaitingFor)
	for _, word := range a.Approvals {
		row("approved by", word.By.ID+" at "+word.At.Format(time.RFC3339))
	}
	if a.Round > 0 && a.State.Live() {
		row("may wipe until", a.ApprovedUntil.Format(time.RFC3339))
	}
	row("now", countsText(a.Counts))
	for _, wave := range a.Waves {
		row("wave", wave.String())
	}
	row("batches", batchesText(a.Batches))
	if p := a.PlanView.Problem; p != nil && !a.told {
		row("problem", p.Error())
	}
	row("you may", eventsText(a.Allowed))
	writeRows(w, a.Rows)
}

// listingText says what would happen to the devices of a plan.
func listingText(p migration.Plan) string {
	if p.Digest == "" {
		return "none yet"
	}
	l := p.Listing
	text := fmt.Sprintf("%d: %d to wipe, %d to migrate, %d to reassign, %d for hands", l.Devices, l.Wipes, l.Migrations, l.Reassigned, l.Hands)
	if l.Nothing > 0 {
		text += fmt.Sprintf(", %d that cannot be moved", l.Nothing)
	}
	if p.Excluded.Devices > 0 {
		text += fmt.Sprintf("; %d excluded since", p.Excluded.Devices)
	}
	if p.Refused > 0 {
		text += fmt.Sprintf("; %d rows were refused", p.Refused)
	}
	return text
}

func countsText(counts map[migration.MoveState]int) string {
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[state], state))
	}
	return strings.Join(parts, ", ")
}

func eventsText(events []migration.EventName) string {
	words := make([]string, len(events))
	for i, ev := range events {
		words[i] = string(ev)
	}
	return strings.Join(words, ", ")
}

// plansAnswer is a list of plans.
type plansAnswer []planAnswer

func (a plansAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PLAN\tSTATE\tDEVICES\tTO WIPE\tMADE\tWAITS FOR")
	for _, p := range a {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\n", p.subject.ID, p.State, p.Listing.Devices, p.ToWipe(), day(p.CreatedAt), p.WaitingFor)
	}
	_ = table.Flush() // as every other write to standard output
}

// writeRows lists the rows that are no part of a plan.
func writeRows(w io.Writer, rows []rowError) {
	for _, r := range rows {
		fmt.Fprintf(w, "  %s\n", r)
	}
}
