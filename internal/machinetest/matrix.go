package machinetest

import (
	"fmt"
	"strings"
	"time"
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
		cell.Text = step.refusal.Error()
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

// Text writes cells down for a golden file: a paragraph for each row, with a line for each move and refusal.
func Text(cells []Cell) string {
	wide := 0
	for _, c := range cells {
		wide = max(wide, len(c.Event))
	}
	var b strings.Builder
	var ignored []string
	flush := func() {
		if len(ignored) > 0 {
			fmt.Fprintf(&b, "  ignored: %s\n", strings.Join(ignored, "; "))
		}
		ignored = nil
	}
	for i, c := range cells {
		if i == 0 || cells[i-1].Row != c.Row {
			flush()
			if i > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s\n", c.Row)
		}
		switch c.Verdict {
		case Ignores:
			ignored = append(ignored, c.Event)
		case Refuses:
			fmt.Fprintf(&b, "  %-*s  REFUSED %s\n", wide, c.Event, c.Text)
		case Moves:
			fmt.Fprintf(&b, "  %-*s  %s\n", wide, c.Event, c.Text)
		}
	}
	flush()
	return b.String()
}
