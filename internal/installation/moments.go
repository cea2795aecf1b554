package installation

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// life is the plan that all copies of this process are made of.
var life = sync.OnceValues(func() ([]*moment, error) {
	ctx := context.Background()
	s, err := newSource(ctx)
	if err != nil {
		return nil, err
	}
	return moments(ctx, s)
})

// moments takes the plan of a source through its life, and keeps it as it is at several moments.
func moments(ctx context.Context, s *source) ([]*moment, error) {
	var all []*moment
	keep := func(name string, rest bool) error {
		m, err := newMoment(ctx, s, name, rest)
		all = append(all, m)
		return err
	}
	in := func(state migration.PlanState) func(runner.PlanView) bool {
		return func(v runner.PlanView) bool { return v.State == state }
	}
	var digest string
	for _, step := range []func() error{
		func() error {
			view, err := s.tenant().NewPlan(ctx, Tess, runner.NewPlan{Route: s.route(), Reached: enrollment.Yes})
			s.plan = view.ID
			return err
		},
		func() error {
			list, err := s.tenant().ListDevices(ctx, Tess, s.plan, rows())
			if digest = list.Plan.Digest; err == nil && len(list.Problems) > 0 {
				err = list.Problems[0].Problem
			}
			return err
		},
		func() error { return keep("drafting", true) },
		func() error { _, err := s.tenant().SubmitPlan(ctx, Tess, s.plan); return err },
		func() error { return keep("awaiting approval", true) },
		func() error {
			view, err := s.tenant().ApprovePlan(ctx, Bob, s.plan, runner.Approved{Digest: digest})
			if err == nil && view.Missing > 0 {
				_, err = s.tenant().ApprovePlan(ctx, enrollment.Actor{ID: "u-9", Name: "Ann", Kind: enrollment.Person}, s.plan, runner.Approved{Digest: digest})
			}
			return err
		},
		func() error { return keep("cooling", true) },
		func() error { return s.live(ctx, 2*time.Hour, in(migration.PlanRunning)) },
		func() error { return s.live(ctx, 2*time.Minute, nil) },
		func() error { return keep("assigning", false) },
		func() error { return s.live(ctx, 20*time.Minute, nil) },
		func() error { return keep("first waves", false) },
		func() error { return s.live(ctx, time.Hour, nil) },
		func() error { return keep("under way", false) },
		func() error { _, err := s.tenant().PausePlan(ctx, Tess, s.plan, "the week's freeze"); return err },
		func() error { return keep("paused", false) },
		func() error { _, err := s.tenant().ResumePlan(ctx, Tess, s.plan); return err },
		func() error { return s.live(ctx, 30*24*time.Hour, in(migration.PlanCompleted)) },
		func() error { return keep("completed", true) },
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("taking a plan through its life: %w", err)
		}
	}
	return all, nil
}

func rows() iter.Seq2[runner.PlanRow, error] {
	return func(yield func(runner.PlanRow, error) bool) {
		for n := range PlanDevices {
			if !yield(runner.PlanRow{Serial: sourceSerial(n)}, nil) {
				return
			}
		}
	}
}
