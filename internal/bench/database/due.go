package database

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// due measures how long it takes to ask what is due, and to claim a hundred due records, in tables of several sizes, by turns.
// Asking reads an index; a claim also writes a hundred rows that lie anywhere in the table.
func (g *rig) due(ctx context.Context, sides []*side, times int) ([]Figure, error) {
	if err := g.untilAllIsDue(ctx, sides...); err != nil {
		return nil, err
	}
	rows := make([]int, len(sides))
	for i, s := range sides {
		if err := g.pool.QueryRow(ctx, "SELECT count(*) FROM "+s.table()).Scan(&rows[i]); err != nil {
			return nil, err
		}
	}
	var all []Figure
	for _, way := range []struct {
		name  string
		limit int
	}{{"Ask whether something is due", 0}, {"Claim 100 due records", atOnce}} {
		took, err := byTurns(sides, times, func(s *side) error { return s.askDue(ctx, way.limit) })
		if err != nil {
			return nil, err
		}
		for i := 1; i < len(sides); i++ {
			r := rounds{ours: took[i], other: took[0]}
			share, typical := r.share()
			all = append(all, Figure{
				Name: fmt.Sprintf("%s, of %s rows", way.name, thousands(rows[i])), Ours: milliseconds(slices.Min(took[i])),
				Beside: fmt.Sprintf("of %s: %s", thousands(rows[0]), milliseconds(slices.Min(took[0]))),
				Ratio:  1 / share, Typical: 1 / typical, AtMost: 1.5,
			})
		}
	}
	return all, nil
}

// byTurns times the same thing on several installations, forth and back.
func byTurns(sides []*side, times int, do func(*side) error) ([][]float64, error) {
	took := make([][]float64, len(sides))
	for n := range times {
		for i := range sides {
			at := i
			if n%2 == 1 {
				at = len(sides) - 1 - i
			}
			seconds, err := timed(func() error { return do(sides[at]) })
			if err != nil {
				return nil, err
			}
			took[at] = append(took[at], seconds)
		}
	}
	return took, nil
}

// askDue claims due records, which are due again at once, behind all others; or, with no limit, asks whether there are some.
func (s *side) askDue(ctx context.Context, limit int) error {
	c, err := s.store.Claim(ctx, storage.Claim{Kinds: runner.Kinds(), Limit: limit, Lease: time.Microsecond})
	if err == nil && (len(c.Records) != limit || !c.More) {
		err = fmt.Errorf("%d records were due", len(c.Records))
	}
	return err
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.2f ms", 1000*seconds) }

// thousands is a number as people read it, in three digits at most.
func thousands(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%.3g million", float64(n)/1e6)
	case n >= 1000:
		return fmt.Sprintf("%.3g thousand", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}
