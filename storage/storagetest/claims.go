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
			return wrong(err, "then claimed %v, more=%v; want a1 and no more", got, second.More)
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
			return wrong(err, "claimed %v; want the one that is due at this very time, and not the one after", got)
		}
		return nil
	}},
	{name: "a claim moves the lease and the version", run: func(ctx context.Context, e *env) error {
		want := waking("a", start.Add(-time.Hour))
		want.Parent, want.State = "p", "s"
		if err := e.put(ctx, want); err != nil {
			return err
		}
		c, err := e.Claim(ctx, claim(10, kind))
		if err != nil || len(c.Records) != 1 {
			return wrong(err, "claimed %d", len(c.Records))
		}
		want.Wake, want.Version = storage.Instant(start.Add(time.Minute)), 2
		if err := errors.Join(same(c.Records[0], want), e.holds(ctx, want)); err != nil {
			return err
		}
		page, err := e.List(ctx, storage.Query{Kind: kind, Tenant: "acme", Parent: "p", State: "s", Limit: 9})
		if err := errors.Join(err, equal(page, []storage.Record{want})); err != nil {
			return wrong(err, "listed")
		}
		before := want
		before.Version = 1
		err = errors.Join(
			e.wantConflict(ctx, "a put from before the claim", want.RecordKey, storage.Write{Put: []storage.Record{before}}),
			e.wantConflict(ctx, "a hold from before the claim", want.RecordKey, storage.Write{Hold: []storage.Ref{before.Ref()}}),
			e.wantConflict(ctx, "a delete from before the claim", want.RecordKey, storage.Write{Delete: []storage.Ref{before.Ref()}}),
		)
		if err != nil {
			return err
		}
		if !c.Next.Equal(want.Wake) {
			return fmt.Errorf("next is due at %v, want the end of the lease %v", c.Next, want.Wake)
		}
		if c, err = e.Claim(ctx, claim(10, kind)); err != nil || len(c.Records) > 0 {
			return wrong(err, "claimed again within the lease: %v", ids(c.Records))
		}
		e.clock.advance(time.Minute)
		if c, err = e.Claim(ctx, claim(10, kind)); err != nil || len(c.Records) != 1 {
			return wrong(err, "not claimed after the lease: %v", ids(c.Records))
		}
		return nil
	}},
	{name: "what was claimed is put and deleted as any other", run: func(ctx context.Context, e *env) error {
		if err := e.put(ctx, waking("a", start.Add(-time.Hour)), waking("b", start.Add(-time.Hour))); err != nil {
			return err
		}
		for range 2 { // the second time over an earlier lease
			c, err := e.Claim(ctx, claim(10, kind))
			if err != nil || len(c.Records) != 2 {
				return wrong(err, "claimed %v", ids(c.Records))
			}
			e.clock.advance(time.Hour)
		}
		a, b := record("a"), record("b")
		a.Version, b.Version = 3, 3
		if err := e.Commit(ctx, storage.Write{Put: []storage.Record{a}, Delete: []storage.Ref{b.Ref()}}); err != nil {
			return err
		}
		a.Version = 4
		if err := errors.Join(e.holds(ctx, a), e.lacks(ctx, b.RecordKey)); err != nil {
			return err
		}
		b.Version = 0
		if err := e.put(ctx, b); err != nil {
			return err
		}
		if again, err := e.Get(ctx, b.RecordKey); err != nil || again.Version <= 3 || !again.Wake.IsZero() {
			return wrong(err, "created again: %v; want a version above 3, and no wake time", shown(again))
		}
		c, err := e.Claim(ctx, claim(10, kind))
		if err != nil || len(c.Records) > 0 || !c.Next.IsZero() {
			return wrong(err, "claimed %v, next %v; want none", ids(c.Records), c.Next)
		}
		return nil
	}},
	{name: "a claim takes up to a thousand", run: func(ctx context.Context, e *env) error {
		many := make([]storage.Record, storage.MaxPage+1)
		for i := range many {
			many[i] = waking(fmt.Sprintf("%05d", i), start.Add(-time.Hour).Add(time.Duration(i)*time.Second))
		}
		if err := e.put(ctx, many...); err != nil {
			return err
		}
		c, err := e.Claim(ctx, claim(storage.MaxPage, kind))
		if err != nil || len(c.Records) != storage.MaxPage || !c.More || c.Records[0].ID != many[0].ID {
			return wrong(err, "claimed %d, more=%v; want %d and more", len(c.Records), c.More, storage.MaxPage)
		}
		c, err = e.Claim(ctx, claim(storage.MaxPage, kind))
		if got := ids(c.Records); err != nil || !slices.Equal(got, []string{many[storage.MaxPage].ID}) || c.More {
			return wrong(err, "then claimed %v, more=%v", got, c.More)
		}
		return nil
	}},
	{name: "a clock that goes back ends no lease and loses nothing", run: func(ctx context.Context, e *env) error {
		if err := e.put(ctx, waking("a", start.Add(-time.Hour)), waking("b", start.Add(-5*time.Minute))); err != nil {
			return err
		}
		first, err := e.Claim(ctx, claim(1, kind))
		if err != nil || !slices.Equal(ids(first.Records), []string{"a"}) {
			return wrong(err, "claimed %v", ids(first.Records))
		}
		e.clock.advance(-10 * time.Minute)
		c, err := e.Claim(ctx, claim(10, kind))
		if err != nil || len(c.Records) > 0 || !c.Now.Equal(storage.Instant(start.Add(-10*time.Minute))) || !c.Next.Equal(storage.Instant(start.Add(-5*time.Minute))) {
			return wrong(err, "ten minutes earlier: claimed %v at %v, next %v; want none, and b next", ids(c.Records), c.Now, c.Next)
		}
		e.clock.advance(11 * time.Minute)
		c, err = e.Claim(ctx, claim(10, kind))
		if got := ids(c.Records); err != nil || !slices.Equal(got, []string{"b", "a"}) {
			return wrong(err, "when the time had come again: claimed %v; want b and a", got)
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
			return wrong(err, "claimed %v, more=%v; want b alone", got, c.More)
		}
		return nil
	}},
	{name: "a claim tells the time and what is next", run: func(ctx context.Context, e *env) error {
		c, err := e.Claim(ctx, storage.Claim{})
		if err != nil || !c.Now.Equal(storage.Instant(start)) || c.Now.Location() != time.UTC || !c.Next.IsZero() {
			return wrong(err, "an empty store at %v: %+v", start, c)
		}
		next := start.Truncate(time.Second).Add(time.Hour)
		if err := e.put(ctx, waking("b", next.Add(time.Hour)), waking("a", next)); err != nil {
			return err
		}
		if c, err = e.Claim(ctx, claim(1, kind)); err != nil || !c.Next.Equal(next) || c.More {
			return wrong(err, "next is due at %v, more=%v; want %v", c.Next, c.More, next)
		}
		e.clock.advance(2 * time.Hour)
		if c, err = e.Claim(ctx, storage.Claim{Kinds: []string{kind}}); err != nil || len(c.Records) > 0 || !c.More {
			return wrong(err, "a claim of none: %v, more=%v", ids(c.Records), c.More)
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
			return wrong(err, "claimed %v; want b, which became due, and not a, which has no wake time any more", got)
		}
		return nil
	}},
}
