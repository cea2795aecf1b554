package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/abmrenew/abmrenew/enrollment/migration"
)

func days(d time.Duration) string { return fmt.Sprintf("%.1f days", d.Hours()/24) }

// summary shows how the devices moved, and what is left.
func (s *story) summary(ctx context.Context) error {
	moves, err := s.newest(ctx)
	if err != nil {
		return err
	}
	s.say("\n13. How the devices moved.\n\n%s", s.ways(moves))
	if left := s.left(moves); left != "" {
		s.say("\nWhat needs hands, and what to do next.\n\n%s", left)
	}
	return nil
}

// way is what became of the devices that moved in the same manner.
type way struct {
	devices, arrived, wipes int
	took                    []time.Duration // of those that arrived
}

func (w way) row(name string) table.Row {
	median, longest := "", ""
	if len(w.took) > 0 {
		slices.Sort(w.took)
		median, longest = days(w.took[len(w.took)/2]), days(w.took[len(w.took)-1])
	}
	return table.Row{name, w.devices, w.arrived, w.devices - w.arrived, median, longest, w.wipes}
}

// ways is one row for each manner of moving.
func (s *story) ways(moves []migration.Move) string {
	order := []migration.Strategy{migration.Reassign, migration.Migrate, migration.Wipe, migration.Hands}
	names := []string{"reassigned", "migrated", "wiped", "by hand"}
	each, all := make([]way, len(order)), way{}
	for _, m := range moves {
		for _, w := range []*way{&each[slices.Index(order, m.Decision.Strategy)], &all} {
			w.devices++
			w.wipes += m.Wipes
			if m.State == migration.MoveEnrolled || m.State == migration.MoveReassigned {
				w.arrived++
				w.took = append(w.took, max(m.EndedAt.Sub(s.began), 0))
			}
		}
	}
	t := newTable(table.Row{"way", "devices", "arrived", "left", "median", "longest", "wipes"})
	for i, w := range each {
		t.AppendRow(w.row(names[i]))
	}
	t.AppendFooter(all.row("together"))
	return t.Render()
}

// left lists the devices that need a person, those with the same trouble together.
func (s *story) left(moves []migration.Move) string {
	type trouble struct{ why, next string }
	var order []trouble
	serials := map[trouble][]string{}
	for _, m := range moves {
		if m.State == migration.MoveEnrolled || m.State == migration.MoveReassigned || m.Problem == nil {
			continue
		}
		of := trouble{m.Problem.Title, m.Problem.Next}
		if len(serials[of]) == 0 {
			order = append(order, of)
		}
		serials[of] = append(serials[of], m.Device.Serial)
	}
	slices.SortStableFunc(order, func(a, b trouble) int { return len(serials[b]) - len(serials[a]) })
	t := newTable(table.Row{"", "why", "what to do next", "devices"})
	t.Style().Options.SeparateRows = true
	for _, of := range order {
		t.AppendRow(table.Row{len(serials[of]), of.why, of.next, strings.Join(serials[of], " ")})
	}
	if len(order) == 0 {
		return ""
	}
	return t.Render()
}

func newTable(header table.Row) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header, t.Style().Format.Footer = text.FormatDefault, text.FormatDefault
	t.AppendHeader(header)
	t.SetColumnConfigs([]table.ColumnConfig{
		{Name: "why", WidthMax: 40, WidthMaxEnforcer: text.WrapSoft},
		{Name: "what to do next", WidthMax: 40, WidthMaxEnforcer: text.WrapSoft},
		{Name: "devices", WidthMax: 32, WidthMaxEnforcer: text.WrapSoft},
	})
	return t
}
