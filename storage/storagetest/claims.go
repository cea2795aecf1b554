package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

func claim(limit int, kinds ...string) storage.Claim {
	return storage.Claim{Kinds: kinds, Limit: limit, Lease: time.Minute}
}

var claimCases = []testCase{
	{name: "due records are claimed oldest first", run: func(ctx context.Context, e *env) error {
		other := waking("b2", start.Add(-90*time.Minute))
		other.Kind = "other"
		foreign := waking("z", start.Add(-4*time.Hour))
		foreign.Kind = "foreign"
		err := e.put(ctx, waking("a1", start.Add(-time.Hour)), other, waking("c3", start.Add(-2*time.Hour)), record("never"),
			waking("later", start.Add(time.Hour)), foreign)
		if err != nil {
			return err
		}
		first, err := e.Claim(ctx, claim(2, kind, "other"))
		if err != nil {
			return err
		}
		if got := ids(first.Records); !slices.Equal(got, []string{"c3", "b2"}) || !first.More {
			return fmt.Errorf("claimed %v, more=%v; want c3, b2 and more", got, first.More)
		}
		second, err := e.Claim(ctx, claim(2, kind, "other"))
		if got := ids(second.Records); err != nil || !slices.Equal(got, []string{"a1"}) || second.More {
			return fmt.Errorf("then claimed %v, more=%v, %w; want a1 and no more", got, second.More, err)
		}
		return nil
	}},
	{name: "a record is due at its wake time", run: func(ctx context.Context, e *env) error {
		at := start.Truncate(time.Second).Add(time.Hour)
		if err := e.put(ctx, waking("exact", at), waking("later", at.Add(e.precision))); err != nil {
			return err
		}
		e.clock.advance(at.Sub(start))
		c, err := e.Claim(ctx, claim(10, kind))
		if got := ids(c.Records); err != nil || !slices.Equal(got, []string{"exact"}) {
			return fmt.Errorf("claimed %v, %w; want the one that is due at this very time, and not the one after", got, err)
		}
		return nil
	}},
	{name: "a claim moves the lease and the version", run: func(ctx context.Context, e *env) error {
		if err := e.put(ctx, waking("a", start.Add(-time.Hour))); err != nil {
			return err
		}
		c, err := e.Claim(ctx, claim(10, kind))
		if err != nil || len(c.Records) != 1 {
			return fmt.Errorf("claimed %d, %w", len(c.Records), err)
		}
		want := waking("a", start.Add(time.Minute))
		want.Version = 2
		if err := errors.Join(same(c.Records[0], want), e.holds(ctx, want)); err != nil {
			return err
		}
		if !c.Next.Equal(want.Wake) {
			return fmt.Errorf("next is due at %v, want the end of the lease %v", c.Next, want.Wake)
		}
		if c, err = e.Claim(ctx, claim(10, kind)); err != nil || len(c.Records) > 0 {
			return fmt.Errorf("claimed again within the lease: %v, %w", ids(c.Records), err)
		}
		e.clock.advance(time.Minute)
		if c, err = e.Claim(ctx, claim(10, kind)); err != nil || len(c.Records) != 1 {
			return fmt.Errorf("not claimed after the lease: %v, %w", ids(c.Records), err)
		}
		return nil
	}},
	{name: "a claim by key takes only these, if they are due", run: func(ctx context.Context, e *env) error {
		err := e.put(ctx, waking("a", start.Add(-time.Hour)), waking("b", start.Add(-time.Hour)),
			waking("later", start.Add(time.Hour)), record("never"))
		if err != nil {
			return err
		}
		keys := []storage.RecordKey{key("later"), key("b"), key("never"), key("none"), key("b")}
		c, err := e.Claim(ctx, storage.Claim{Keys: keys, Kinds: []string{"ignored"}, Limit: 10, Lease: time.Minute})
		if got := ids(c.Records); err != nil || !slices.Equal(got, []string{"b"}) || c.More {
			return fmt.Errorf("claimed %v, more=%v, %w; want b alone", got, c.More, err)
		}
		return nil
	}},
	{name: "a claim tells the time and what is next", run: func(ctx context.Context, e *env) error {
		c, err := e.Claim(ctx, storage.Claim{})
		if err != nil || !c.Now.Equal(storage.Instant(start)) || c.Now.Location() != time.UTC || !c.Next.IsZero() {
			return fmt.Errorf("an empty store at %v: %+v, %w", start, c, err)
		}
		next := start.Truncate(time.Second).Add(time.Hour)
		if err := e.put(ctx, waking("b", next.Add(time.Hour)), waking("a", next)); err != nil {
			return err
		}
		if c, err = e.Claim(ctx, claim(1, kind)); err != nil || !c.Next.Equal(next) || c.More {
			return fmt.Errorf("next is due at %v, more=%v, %w; want %v", c.Next, c.More, err, next)
		}
		e.clock.advance(2 * time.Hour)
		if c, err = e.Claim(ctx, storage.Claim{Kinds: []string{kind}}); err != nil || len(c.Records) > 0 || !c.More {
			return fmt.Errorf("a claim of none: %v, more=%v, %w", ids(c.Records), c.More, err)
		}
		want := waking("a", next)
		want.Version = 1
		return e.holds(ctx, want)
	}},
	{name: "no record is claimed by two workers", run: func(ctx context.Context, e *env) error {
		const workers, records = 4, 100
		for i := range records {
			if err := e.put(ctx, waking(fmt.Sprintf("%03d", i), start.Add(-time.Hour))); err != nil {
				return err
			}
		}
		var all sync.WaitGroup
		got, failed := make([][]string, workers), make([]error, workers)
		for i := range workers {
			all.Go(func() {
				for range records / workers {
					c, err := e.Claim(ctx, claim(3, kind))
					got[i], failed[i] = append(got[i], ids(c.Records)...), errors.Join(failed[i], err)
				}
			})
		}
		all.Wait()
		claimed := slices.Concat(got...)
		slices.Sort(claimed)
		if distinct := len(slices.Compact(slices.Clone(claimed))); distinct != len(claimed) || distinct != records {
			return errors.Join(fmt.Errorf("%d claims of %d records, want %d of each", len(claimed), distinct, records), errors.Join(failed...))
		}
		return errors.Join(failed...)
	}},
	{name: "a put moves the wake time", run: func(ctx context.Context, e *env) error {
		if err := e.put(ctx, waking("a", start.Add(-time.Hour)), waking("b", start.Add(time.Hour))); err != nil {
			return err
		}
		a, b := record("a"), waking("b", start.Add(-time.Minute))
		a.Version, b.Version = 1, 1
		if err := e.put(ctx, a, b); err != nil {
			return err
		}
		c, err := e.Claim(ctx, claim(10, kind))
		if got := ids(c.Records); err != nil || !slices.Equal(got, []string{"b"}) {
			return fmt.Errorf("claimed %v, %w; want b, which became due, and not a, which has no wake time any more", got, err)
		}
		return nil
	}},
}
