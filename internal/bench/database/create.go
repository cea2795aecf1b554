package database

import (
	"context"
	"fmt"
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/storage"
)

// creation measures how plans are made: by the store alone, ten thousand records at once, and by the runner, which asks about
// each device, decides, signs, and makes the digest that people approve.
func (g *rig) creation(ctx context.Context, size installation.Size, times, devices int) ([]Figure, error) {
	ours, other, err := g.twins(ctx, "creation", size)
	if err != nil {
		return nil, err
	}
	var alone, through rounds
	rows := 0
	for n := range times {
		records := ours.fresh(n)
		for _, half := range both(n, &alone.ours, &alone.other, func() error { return ours.store.Commit(ctx, storage.Write{Put: records}) },
			func() error { return other.copied(ctx, records) }) {
			if err := half(); err != nil {
				return nil, err
			}
		}
		took, w, err := ours.planned(ctx, n, devices)
		if err != nil {
			return nil, err
		}
		created := slices.DeleteFunc(w.Put, func(r storage.Record) bool { return r.Version > 0 })
		theirs, err := timed(func() error { return other.copied(ctx, created) })
		if err != nil {
			return nil, err
		}
		rows = len(created)
		through.ours, through.other = append(through.ours, took), append(through.other, theirs)
	}
	figure := func(name string, n int, r rounds) Figure {
		f := Figure{Name: name, Ours: perSecond(n, "rows", r.ours), Beside: "COPY: " + perSecond(n, "rows", r.other), AtLeast: 0.4}
		f.Ratio, f.Typical = r.share()
		return f
	}
	return []Figure{
		figure("Write the 10,000 records of a plan (store)", storage.MaxWriteSize, alone),
		figure(fmt.Sprintf("List %d devices of a plan (runner)", devices), rows, through),
	}, nil
}

// both times two things, in this order or the other.
func both(n int, ours, other *[]float64, mine, theirs func() error) []func() error {
	half := func(into *[]float64, do func() error) func() error {
		return func() error {
			took, err := timed(do)
			*into = append(*into, took)
			return err
		}
	}
	order := []func() error{half(ours, mine), half(other, theirs)}
	if n%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// fresh are new records of a plan, of the size of real ones.
func (s *side) fresh(n int) []storage.Record {
	records := make([]storage.Record, storage.MaxWriteSize)
	for i := range records {
		plan := fmt.Sprintf("pln_fresh%04d", n)
		records[i] = storage.Record{
			RecordKey: storage.RecordKey{Kind: runner.KindMove, Tenant: "t000000", ID: fmt.Sprintf("%s:SERIAL%06d", plan, i)},
			Parent:    plan, State: string(migration.MoveQueued), Data: make([]byte, 900),
		}
	}
	return records
}

// planned makes a plan through the runner, and tells what it wrote.
func (s *side) planned(ctx context.Context, n, devices int) (float64, storage.Write, error) {
	tenant := s.runner.Tenant("t000000")
	servers, err := tenant.Servers(ctx, runner.ServerQuery{})
	if err != nil {
		return 0, storage.Write{}, err
	}
	view, err := tenant.NewPlan(ctx, installation.Tess, runner.NewPlan{Reached: enrollment.Yes, Route: migration.Route{
		From: servers.Servers[0].ID, To: servers.Servers[1].ID, Profile: "84E064E0AF18FE5A48B67D1B5F05CCD6", OldMDM: "old", NewMDM: "new",
	}})
	if err != nil {
		return 0, storage.Write{}, err
	}
	s.store.taken()
	took, err := timed(func() error {
		list, err := tenant.ListDevices(ctx, installation.Tess, view.ID, func(yield func(runner.PlanRow, error) bool) {
			for i := range devices {
				if !yield(runner.PlanRow{Serial: fmt.Sprintf("NEW%03d%06d", n, i)}, nil) {
					return
				}
			}
		})
		if err == nil && len(list.Problems) > 0 {
			err = list.Problems[0].Problem
		}
		return err
	})
	return took, s.store.taken(), err
}
