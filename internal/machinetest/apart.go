package machinetest

import (
	"bytes"
	"fmt"
)

// Apart takes every event from every row and demands that no step changes what another one from the same snapshot gave:
// snapshots share memory, so whatever a step appends or replaces must be its own. This shows only where the lists of the rows
// have room behind them; see [slices.Grow].
func (m Machine[S, E]) Apart(rows []Row[S], events []Event[S, E]) error {
	type given struct {
		by   string
		next S
		text []byte
	}
	for _, row := range rows {
		var all []given
		for _, ev := range events {
			step, err := m.judge(row.S, row.At, ev)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", row.Name, ev.Name, err)
			}
			text, err := encode(step.next)
			if err != nil {
				return err
			}
			all = append(all, given{ev.Name, step.next, text})
		}
		for _, g := range all {
			text, err := encode(g.next)
			if err != nil {
				return err
			}
			if !bytes.Equal(text, g.text) {
				return fmt.Errorf("%s: what %q led to was changed by another step:\n%s\n%s", row.Name, g.by, g.text, text)
			}
		}
	}
	return nil
}
