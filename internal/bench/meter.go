package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// subject is something that is measured.
type subject struct {
	name string
	do   func(ctx context.Context) error
	// each divides what one call of do takes among what it does: 256 for a call that adopts 256 servers. Zero: one.
	each int
}

// meter says how long and how often things are done.
type meter struct {
	clock  func() time.Duration
	slice  time.Duration // how long a turn takes at least
	rounds int           // how often each subject has its turn at most
	budget time.Duration // after which there are no more rounds, once there were a few
}

// fewRounds are the least that a median is worth something with.
const fewRounds = 5

// sample is what the rounds of one subject gave, for one time.
type sample []float64

// inTurn measures nanoseconds of the subjects A B, B A, A B and so on, so that whatever else the machine does strikes them
// alike.
func (m meter) inTurn(ctx context.Context, subjects ...subject) ([]sample, error) {
	times := make([]int, len(subjects))
	order := make([]int, len(subjects))
	for i, s := range subjects {
		n, err := m.calibrate(ctx, s)
		if err != nil {
			return nil, err
		}
		times[i], order[i] = n, i
	}
	samples := make([]sample, len(subjects))
	began := m.clock()
	for round := range m.rounds {
		if round >= fewRounds && m.clock()-began >= m.budget {
			break
		}
		for _, i := range order {
			took, err := m.turn(ctx, subjects[i], times[i])
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], float64(took)/float64(times[i]*max(subjects[i].each, 1)))
		}
		slices.Reverse(order)
	}
	return samples, nil
}

// calibrate finds how often a subject must be done to fill a turn.
func (m meter) calibrate(ctx context.Context, s subject) (int, error) {
	for n := 1; ; n *= 2 {
		took, err := m.turn(ctx, s, n)
		if err != nil || took >= m.slice {
			return n, err
		}
	}
}

func (m meter) turn(ctx context.Context, s subject, n int) (time.Duration, error) {
	began := m.clock()
	for range n {
		if err := s.do(ctx); err != nil {
			return 0, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return m.clock() - began, nil
}

// median is the middle of the rounds, the mean of the two middle ones if their number is even.
func (s sample) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// over gives the ratio of each round to the other subject's turn right beside it.
func (s sample) over(other sample) sample {
	ratios := make(sample, len(s))
	for i := range s {
		ratios[i] = s[i] / other[i]
	}
	return ratios
}

// allocations counts the objects that doing a subject once allocates, as the mean of a few times.
func allocations(ctx context.Context, subjects ...subject) ([]sample, error) {
	const times = 20
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var samples []sample
	for _, s := range subjects {
		if err := s.do(ctx); err != nil { // whatever is made only once
			return nil, err
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range times {
			if err := s.do(ctx); err != nil {
				return nil, err
			}
		}
		runtime.ReadMemStats(&after)
		samples = append(samples, sample{float64((after.Mallocs - before.Mallocs) / times)})
	}
	return samples, nil
}
