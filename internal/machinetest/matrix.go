package machinetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Row is a snapshot of which the matrix shows every event. Several rows may stand for one state in different shapes.
type Row[S any] struct {
	Name string // the state, with the shape behind a colon
	At   time.Time
	S    S
}

// Verdict is what a machine makes of an event.
type Verdict string

// The verdicts; every pair of state and event has exactly one.
const (
	Moves   Verdict = "moves"
	Ignores Verdict = "ignores"
	Refuses Verdict = "refuses"
)

// Cell is one pair of row and event.
type Cell struct {
	Row, Event string
	Verdict    Verdict
	From, To   string // states
	Text       string // what a move does, or the refusal
}

// State is the name of the row's state, without its shape.
func (c Cell) State() string { return base(c.Row) }

// EventName is the event's own name, without its variant.
func (c Cell) EventName() string { return base(c.Event) }

func base(name string) string {
	before, _, _ := strings.Cut(name, ":")
	return before
}

// Matrix judges every event in every row. The error names the first cell that breaks the rule of the three verdicts: a
// refusal of what nobody asked, or a refusal or ignored event that changed something all the same.
func (m Machine[S, E]) Matrix(rows []Row[S], events []Event[S, E]) ([]Cell, error) {
	var cells []Cell
	for _, row := range rows {
		if state := m.State(row.S); state != base(row.Name) {
			return nil, fmt.Errorf("the row %q is in state %s", row.Name, state)
		}
		for _, ev := range events {
			cell, err := m.cell(row, ev)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", row.Name, ev.Name, err)
			}
			cells = append(cells, cell)
		}
	}
	return cells, nil
}

func (m Machine[S, E]) cell(row Row[S], ev Event[S, E]) (Cell, error) {
	cell := Cell{Row: row.Name, Event: ev.Name, From: m.State(row.S)}
	step, err := m.judge(row.S, row.At, ev)
	if err != nil {
		return cell, err
	}
	cell.Verdict, cell.To = step.verdict, m.State(step.next)
	switch step.verdict {
	case Refuses:
		problem := enrollment.ProblemOf(step.refusal)
		cell.Text = string(problem.Code)
		if problem.Args["next"] != "" {
			cell.Text += ": " + problem.Args["next"]
		}
	case Moves:
		cell.Text = m.tell(row.S, step.next, step.notes)
	}
	return cell, nil
}

// tell says what a move did: the state, the effects, and what the machine's own notes add.
func (m Machine[S, E]) tell(before, after S, notes []string) string {
	said := "stays"
	if from, to := m.State(before), m.State(after); from != to {
		said = "-> " + to
	}
	was := map[string]string{}
	for _, x := range m.Pending(before) {
		was[string(x.ID)] = fmt.Sprint(x.Attempt, x.NotBefore)
	}
	for _, x := range m.Pending(after) {
		switch had, held := was[string(x.ID)]; {
		case !held:
			said += " +" + string(x.Kind)
		case had != fmt.Sprint(x.Attempt, x.NotBefore):
			said += " ~" + string(x.Kind)
		}
		delete(was, string(x.ID))
	}
	for _, x := range m.Pending(before) {
		if _, gone := was[string(x.ID)]; gone {
			said += " -" + string(x.Kind)
		}
	}
	if len(notes) > 0 {
		said += " | " + strings.Join(notes, ", ")
	}
	return said
}

// Text writes cells down for a golden file: a paragraph for each row, with a line for each move and refusal. An event that is
// ignored in all its variants shows as one: "verified: *".
func Text(cells []Cell) string {
	wide := 0
	for _, c := range cells {
		wide = max(wide, len(c.Event))
	}
	var b strings.Builder
	for i := 0; i < len(cells); {
		row := cells[i:]
		if n := slices.IndexFunc(row, func(c Cell) bool { return c.Row != cells[i].Row }); n >= 0 {
			row = row[:n]
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", row[0].Row)
		for _, c := range row {
			switch c.Verdict {
			case Refuses:
				fmt.Fprintf(&b, "  %-*s  REFUSED %s\n", wide, c.Event, c.Text)
			case Moves:
				fmt.Fprintf(&b, "  %-*s  %s\n", wide, c.Event, c.Text)
			}
		}
		if ignored := ignoredIn(row); len(ignored) > 0 {
			fmt.Fprintf(&b, "  ignored: %s\n", strings.Join(ignored, "; "))
		}
		i += len(row)
	}
	return b.String()
}

func ignoredIn(row []Cell) []string {
	variants, ignored := map[string]int{}, map[string]int{}
	for _, c := range row {
		variants[c.EventName()]++
		if c.Verdict == Ignores {
			ignored[c.EventName()]++
		}
	}
	var names []string
	for _, c := range row {
		name := c.Event
		if all := c.EventName(); variants[all] > 1 && ignored[all] == variants[all] {
			name = all + ": *"
		}
		if c.Verdict == Ignores && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
