package runner

import (
	"context"
	"errors"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// togetherAttempts is how often many records are tried together before each is tried alone.
const togetherAttempts = 3

// A verdict is what is decided for a record: [errand.step], or [errand.giveBack].
type verdict func(e *errand, ctx context.Context, c *change) error

// together decides for many records, each by itself, and writes what was decided in as few commits as it can: one, where
// nobody else interferes. What is in the way of one record is in the way of no other; it is tried again, in the end alone. Why
// a record was not written is its errand's error.
//
// now is when the records were read that are nearby; zero: all are read anew.
func (r *Runner) together(ctx context.Context, near *nearby, now time.Time, all []*errand, decide verdict) {
	left := all
	var err error
	for range togetherAttempts {
		if len(left) == 0 {
			return
		}
		if now.IsZero() {
			now, err = r.readAnew(ctx, near, left)
		} else {
			err = near.fetch(ctx, near.related(left))
		}
		if err == nil {
			left = r.tryTogether(ctx, near, now, left, decide)
		} else if !unknown(err) {
			break
		}
		now = time.Time{}
	}
	for _, e := range left {
		if e.err = asProblem(err); err == nil || errors.Is(err, storage.ErrDamaged) { // which may be the trouble of one record
			r.alone(ctx, near, e, nil, decide)
		}
	}
}

// alone decides for one record. doubt is a change that may have happened.
func (r *Runner) alone(ctx context.Context, near *nearby, e *errand, doubt *change, decide verdict) {
	near.forget(e.key)
	e.err = guarded(e.key, func() error {
		return r.changeAfter(ctx, e.tenant(), doubt, func(c *change) error { return decide(e, ctx, c) })
	})
}

// readAnew reads records of errands and what is about them, and the store's time.
func (r *Runner) readAnew(ctx context.Context, near *nearby, all []*errand) (time.Time, error) {
	now, err := r.now(ctx)
	if err != nil {
		return now, err
	}
	about := near.related(all)
	near.forget(about...)
	keys := make([]storage.RecordKey, 0, len(all))
	for _, e := range all {
		near.forget(e.key)
		keys = append(keys, e.key)
	}
	return now, near.fetch(ctx, append(keys, about...))
}

// tryTogether tries once, and returns the errands that are to be tried again.
func (r *Runner) tryTogether(ctx context.Context, near *nearby, now time.Time, all []*errand, decide verdict) (again []*errand) {
	m := newRooms(near, r.sealer, r.lease, r.account)
	grounds := map[enrollment.TenantID]ground{}
	var apart []*errand
	b := newBundle()
	flush := func() {
		again = append(again, r.commitBundle(ctx, near, b, decide)...)
		b = newBundle()
	}
	for _, e := range all {
		p := part{errand: e}
		e.err = guarded(e.key, func() (err error) {
			g, known := grounds[e.tenant()]
			if !known {
				if g, err = m.ground(ctx, e.tenant(), now); err != nil {
					return err
				}
				grounds[e.tenant()] = g
			}
			p.change = m.changeOn(g)
			if err := decide(e, ctx, p.change); err != nil {
				return err
			}
			return p.prepare(ctx)
		})
		switch {
		case errors.Is(e.err, storage.ErrConflict): // what it read does not fit together
			again, e.err = append(again, e), nil
			continue
		case e.err != nil:
			e.err = asProblem(e.err)
			continue
		}
		if b.full(p.write) {
			flush()
		}
		if !b.add(p) {
			apart = append(apart, e)
		}
	}
	flush()
	for _, e := range apart {
		r.alone(ctx, near, e, nil, decide)
	}
	return again
}

// commitBundle commits what was decided for many records. What others have changed meanwhile is tried again; where nobody knows
// whether the write happened, it is looked up for each record by itself.
func (r *Runner) commitBundle(ctx context.Context, near *nearby, b *bundle, decide verdict) (again []*errand) {
	for len(b.Put)+len(b.Delete) > 0 {
		err := r.store.Commit(ctx, b.Write)
		if err == nil {
			near.wrote(b.Write)
			return again
		}
		switch {
		case errors.Is(err, storage.ErrConflict):
			if conflict, named := errors.AsType[*storage.ConflictError](err); named {
				near.forget(conflict.Key)
			}
			var those []part
			those, b = b.without(err)
			for _, p := range those {
				again = append(again, p.errand)
			}
		case unknown(err):
			for _, p := range b.parts {
				r.alone(ctx, near, p.errand, p.change, decide)
			}
			return again
		case errors.Is(err, storage.ErrInvalid), errors.Is(err, storage.ErrDamaged):
			for _, p := range b.parts {
				r.alone(ctx, near, p.errand, nil, decide)
			}
			return again
		default:
			for _, p := range b.parts {
				p.err = asProblem(err)
			}
			return again
		}
	}
	return again
}
