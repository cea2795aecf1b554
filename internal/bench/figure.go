package main

import (
	"context"
	"fmt"
	"slices"
)

// figure is one line of the table: ours beside a peer or beside a limit.
type figure struct {
	id    string // of the benchmark
	name  string
	ours  subject
	other subject // the zero subject: none
	count bool    // of allocations instead of time
	goal  goal
}

// goal is what a figure should be: a ratio to the other one or, where there is none, nanoseconds. The zero goal is none.
type goal struct {
	most  float64
	below bool // most itself is too much
}

func (g goal) met(value float64) bool { return value < g.most || !g.below && value == g.most }

// measured is a figure with its values.
type measured struct {
	figure
	mine, theirs float64 // nanoseconds or allocations: of the fastest round
	ratio        float64 // of these two
	typical      float64 // the median of the rounds' ratios
}

// missed reports whether there is a goal and it is not met.
func (r measured) missed() bool {
	switch {
	case r.goal == goal{}:
		return false
	case r.other.do == nil:
		return !r.goal.met(r.mine)
	}
	return !r.goal.met(r.ratio)
}

func (m meter) measure(ctx context.Context, f figure) (measured, error) {
	r := measured{figure: f}
	subjects := []subject{f.ours}
	if f.other.do != nil {
		subjects = append(subjects, f.other)
	}
	var samples []sample
	var err error
	if f.count {
		samples, err = allocations(ctx, subjects...)
	} else {
		samples, err = m.inTurn(ctx, subjects...)
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", f.name, err)
	}
	r.mine = slices.Min(samples[0])
	if len(samples) > 1 {
		r.theirs = slices.Min(samples[1])
		r.ratio, r.typical = r.mine/r.theirs, samples[0].over(samples[1]).median()
	}
	return r, nil
}
