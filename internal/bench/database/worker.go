package database

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// watch measures the daily look at server tokens through the runner, on a large installation beside a small one.
func (g *rig) watch(ctx context.Context, large, small *side, times int) (Figure, error) {
	if err := g.untilAllIsDue(ctx, large, small); err != nil {
		return Figure{}, err
	}
	var r rounds
	for n := range times {
		for _, half := range both(n, &r.ours, &r.other, func() error { return large.looked(ctx) }, func() error { return small.looked(ctx) }) {
			if err := half(); err != nil {
				return Figure{}, err
			}
		}
	}
	share, typical := r.share()
	each := func(seconds []float64) string {
		return fmt.Sprintf("%.2f ms for ten", 10*1000*slices.Min(seconds)/atOnce) // as many as a tenant has
	}
	tokens := func(s *side) string { return thousands(s.size.Servers) + " tokens" }
	return Figure{
		Name: "Daily watch of a tenant, of " + tokens(large), Ours: each(r.ours), Beside: "of " + tokens(small) + ": " + each(r.other),
		Ratio: 1 / share, Typical: 1 / typical,
	}, nil
}

// memory measures what a worker holds while it looks at ever more tokens.
func (g *rig) memory(ctx context.Context, s *side, times int) (Figure, error) {
	if err := g.untilAllIsDue(ctx, s); err != nil {
		return Figure{}, err
	}
	var held []float64
	for range times {
		if err := s.looked(ctx); err != nil {
			return Figure{}, err
		}
		held = append(held, heap())
	}
	quarter := max(times/4, 1)
	early, late := slices.Max(held[:quarter]), slices.Max(held[times-quarter:])
	megabytes := func(b float64) string { return fmt.Sprintf("%.1f MB", b/1e6) }
	return Figure{
		Name: fmt.Sprintf("Memory of a worker after %d records", times*atOnce), Ours: megabytes(late),
		Beside: fmt.Sprintf("after %d: %s", quarter*atOnce, megabytes(early)), Ratio: late / early, AtMost: 1.2,
	}, nil
}

var errNotDue = errors.New("too few tokens are due: make the installation anew, or wait")

// looked has the runner look at a hundred tokens.
func (s *side) looked(ctx context.Context) error {
	ran, err := s.runner.RunDue(ctx, runner.Due{Limit: atOnce, Kinds: []string{runner.KindServer}})
	if err == nil && ran.Failed > 0 {
		err = fmt.Errorf("%d tokens could not be looked at", ran.Failed)
	}
	if err == nil && ran.Claimed < atOnce {
		err = errNotDue
	}
	s.store.taken()
	return err
}

// heap is what the process holds in memory when everything unused is gone.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
