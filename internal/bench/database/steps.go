package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/storage"
)

const atOnce = 100 // moves

// steps measures moves that are claimed, stepped and written, a hundred at once: by the store alone, where a step is a new
// time to wake, and by the runner, whose moves have come to their deadlines.
func (g *rig) steps(ctx context.Context, size installation.Size, most int) ([]Figure, error) {
	ours, other, err := g.twins(ctx, "steps", size)
	if err != nil {
		return nil, err
	}
	g.later = 200 * 24 * time.Hour // every deadline of a plan has passed
	defer func() { g.later = 0 }()
	again := func(w storage.Write) (float64, error) { return other.redone(ctx, w) }
	alone, err := turns(most, func() (float64, storage.Write, error) { return ours.leased(ctx) }, again)
	if err != nil {
		return nil, err
	}
	through, err := turns(most, func() (float64, storage.Write, error) { return ours.worked(ctx) }, again)
	if err != nil {
		return nil, err
	}
	figure := func(name string, r rounds) Figure {
		f := Figure{Name: name, Ours: perSecond(atOnce, "moves", r.ours), Beside: "SQL by hand: " + perSecond(atOnce, "moves", r.other), AtLeast: 0.5}
		f.Ratio, f.Typical = r.share()
		return f
	}
	return []Figure{
		figure("Claim and write 100 moves (store)", alone),
		figure("Claim, step and write 100 moves (runner)", through),
	}, nil
}

// turns has ours do its part and the other one the same changes of rows after it, until nothing is due.
func turns(most int, ours func() (float64, storage.Write, error), other func(storage.Write) (float64, error)) (rounds, error) {
	var r rounds
	for range most {
		mine, w, err := ours()
		if err != nil {
			return r, err
		}
		if len(w.Put) < atOnce {
			break
		}
		theirs, err := other(w)
		if err != nil {
			return r, err
		}
		r.ours, r.other = append(r.ours, mine), append(r.other, theirs)
	}
	if len(r.ours) == 0 {
		return r, errors.New("nothing was due")
	}
	return r, nil
}

// worked has the runner work on a hundred moves, and tells what it wrote.
func (s *side) worked(ctx context.Context) (float64, storage.Write, error) {
	s.store.taken()
	took, err := timed(func() error {
		ran, err := s.runner.RunDue(ctx, runner.Due{Limit: atOnce, Kinds: []string{runner.KindMove}})
		if err == nil && ran.Failed > 0 {
			err = fmt.Errorf("%d moves could not be worked on", ran.Failed)
		}
		return err
	})
	return took, s.store.taken(), err
}

// leased has the store claim a hundred moves and write them again.
func (s *side) leased(ctx context.Context) (took float64, w storage.Write, err error) {
	took, err = timed(func() error {
		c, err := s.store.Claim(ctx, storage.Claim{Kinds: []string{runner.KindMove}, Limit: atOnce, Lease: time.Minute})
		if err != nil {
			return err
		}
		for i := range c.Records {
			c.Records[i].Wake = c.Now // they are due again, behind all others
		}
		w.Put = c.Records
		return s.store.Commit(ctx, w)
	})
	return took, w, err
}

// redone claims a hundred moves and changes rows as somebody else did, in plain SQL.
func (s *side) redone(ctx context.Context, w storage.Write) (float64, error) {
	return timed(func() error {
		n, err := s.claimed(ctx)
		if err == nil && n != atOnce {
			err = fmt.Errorf("%d moves were due, not %d: the two installations are not the same", n, atOnce)
		}
		if err == nil {
			err = s.changed(ctx, w)
		}
		return err
	})
}
