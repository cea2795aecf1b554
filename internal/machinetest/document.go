package machinetest

import (
	"fmt"
	"slices"
	"strings"
)

// Diagram draws the moves between states in Mermaid's language. Stays are left out; the events of an arrow are named in the
// order in which the matrix has them. Starts are the states in which a machine may begin, rests those in which it ends.
func Diagram(cells []Cell, starts, rests []string) string {
	type arrow struct{ from, to string }
	var arrows []arrow
	names := map[arrow][]string{}
	for _, c := range cells {
		a := arrow{c.From, c.To}
		if c.Verdict != Moves || c.From == c.To {
			continue
		}
		if _, known := names[a]; !known {
			arrows = append(arrows, a)
		}
		if name := c.EventName(); !slices.Contains(names[a], name) {
			names[a] = append(names[a], name)
		}
	}
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	for _, s := range starts {
		fmt.Fprintf(&b, "    [*] --> %s\n", s)
	}
	for _, a := range arrows {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", a.from, a.to, strings.Join(names[a], ", "))
	}
	for _, s := range rests {
		fmt.Fprintf(&b, "    %s --> [*]\n", s)
	}
	b.WriteString("```\n")
	return b.String()
}

// Table writes the matrix for a document: a line for each event, a column for each state. A cell joins all variants of
// the event in all shapes of the state: where it may lead, "stays" where it may change something without leaving, "-"
// where it may be ignored, "refused" where it may be.
func Table(cells []Cell) string {
	var states, events []string
	type place struct{ state, event string }
	found := map[place][]string{}
	for _, c := range cells {
		p := place{c.State(), c.EventName()}
		if !slices.Contains(states, p.state) {
			states = append(states, p.state)
		}
		if !slices.Contains(events, p.event) {
			events = append(events, p.event)
		}
		word := map[Verdict]string{Ignores: "-", Refuses: "refused", Moves: "stays"}[c.Verdict]
		if c.Verdict == Moves && c.From != c.To {
			word = "→ " + c.To
		}
		if !slices.Contains(found[p], word) {
			found[p] = append(found[p], word)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| event | %s |\n|---|%s\n", strings.Join(states, " | "), strings.Repeat("---|", len(states)))
	for _, event := range events {
		fmt.Fprintf(&b, "| %s |", event)
		for _, state := range states {
			words := found[place{state, event}]
			slices.SortStableFunc(words, func(a, b string) int { return rank(a) - rank(b) })
			fmt.Fprintf(&b, " %s |", strings.Join(words, ", "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// rank brings moves to the front and what does nothing to the end.
func rank(word string) int { return slices.Index([]string{"stays", "refused", "-"}, word) }
