package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// The goals of moving devices: the heap, and how fast it goes beside bare writes of the same bytes.
const (
	heapGoal = 200 << 20
	rateGoal = 0.3
	flatGoal = 1.5 // how much more heap a plan of ten times as many devices needs
)

// stage is a part of a plan's life, as it was measured.
type stage struct {
	name             string
	devices          int
	ours, raw        time.Duration
	commits, records int
	heap             uint64
}

// migrate makes a plan of so many devices and drives it to its end.
func migrate(ctx context.Context, dir string, devices int, clock func() time.Duration) (stages []stage, err error) {
	err = within(dir, func(dir string) error {
		m, err := newMigrating(ctx, dir, devices, clock)
		if err != nil {
			return err
		}
		for _, part := range []struct {
			name string
			do   func(context.Context) error
		}{{"listed", m.list}, {"moved", m.finish}} {
			m.store.reset()
			began := clock()
			if err := part.do(ctx); err != nil {
				return errors.Join(fmt.Errorf("%s: %w", part.name, err), m.close())
			}
			s := m.store
			stages = append(stages, stage{part.name, devices, clock() - began - s.took, s.took, s.commits, s.records, s.heap})
		}
		return m.close()
	})
	return stages, err
}

// reportMigration measures plans of several sizes and prints a table of them.
func reportMigration(ctx context.Context, out io.Writer, dir, origin string, clock func() time.Duration, sizes ...int) error {
	rows := [][]string{{"devices", "", "a second", "beside bare bbolt", "goal", "heap at most", "goal", "commits", "records"}}
	missed := false
	least := map[string]uint64{}
	for _, size := range sizes {
		stages, err := migrate(ctx, dir, size, clock)
		if err != nil {
			return err
		}
		for _, s := range stages {
			ratio := s.raw.Seconds() / s.ours.Seconds()
			if least[s.name] == 0 {
				least[s.name] = s.heap
			}
			grown := float64(s.heap) / float64(least[s.name])
			missed = missed || ratio < rateGoal || s.heap > heapGoal || grown > flatGoal
			rows = append(rows, []string{
				fmt.Sprint(s.devices), s.name, fmt.Sprintf("%.0f", float64(s.devices)/s.ours.Seconds()),
				digits(ratio), "≥ " + digits(rateGoal),
				fmt.Sprintf("%d MiB (%s)", s.heap>>20, digits(grown)), fmt.Sprintf("≤ %d MiB (%s)", heapGoal>>20, digits(flatGoal)),
				fmt.Sprint(s.commits), fmt.Sprint(s.records),
			})
		}
	}
	verdict := "All goals are met."
	if missed {
		verdict = "**Goals MISSED.**"
	}
	_, err := fmt.Fprintf(out, "%s.\n\n%s\n%s\n", origin, table(rows), verdict)
	return err
}
