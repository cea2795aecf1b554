package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

var commitCases = []testCase{
	{name: "a record comes back as it was given", run: func(ctx context.Context, e *env) error {
		full := storage.Record{
			RecordKey: storage.RecordKey{Kind: "k", Tenant: "täñ/ant", ID: "a/b c%"},
			Parent:    "parent", State: "state", Wake: start.Truncate(time.Second).Add(e.precision), Data: []byte{0, 255, 10},
		}
		bare := storage.Record{RecordKey: storage.RecordKey{Kind: "k", ID: "installation"}}
		old := storage.Record{RecordKey: key("old"), Wake: time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)}
		if err := e.put(ctx, full, bare, old); err != nil {
			return err
		}
		full.Version, bare.Version, old.Version = 1, 1, 1
		return errors.Join(e.holds(ctx, full), e.holds(ctx, bare), e.holds(ctx, old), e.lacks(ctx, key("none")))
	}},
	{name: "versions count up", run: func(ctx context.Context, e *env) error {
		r := record("a")
		for range 3 {
			if err := e.put(ctx, r); err != nil {
				return err
			}
			r.Version++
			if err := e.holds(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}},
	{name: "a stale version conflicts", run: func(ctx context.Context, e *env) error {
		r := record("a")
		if err := e.put(ctx, r); err != nil {
			return err
		}
		stale := r
		stale.Data = []byte("stale")
		ahead := stale
		ahead.Version = 2
		r.Version = 1
		return errors.Join(
			e.wantConflict(ctx, "creating it again", r.RecordKey, storage.Write{Put: []storage.Record{stale}}),
			e.wantConflict(ctx, "a version that is not there yet", r.RecordKey, storage.Write{Put: []storage.Record{ahead}}),
			e.holds(ctx, r),
		)
	}},
	{name: "a write happens whole or not at all", run: func(ctx context.Context, e *env) error {
		if err := e.put(ctx, record("z"), record("d")); err != nil {
			return err
		}
		fresh, bad, kept := record("a"), record("z"), record("d")
		kept.Version = 1
		w := storage.Write{Put: []storage.Record{fresh, bad}, Delete: []storage.Ref{kept.Ref()}}
		if err := e.wantConflict(ctx, "a write with one stale record", bad.RecordKey, w); err != nil {
			return err
		}
		return errors.Join(e.lacks(ctx, fresh.RecordKey), e.holds(ctx, kept))
	}},
	{name: "of many writers of one version one wins", run: func(ctx context.Context, e *env) error {
		const writers, rounds = 8, 25
		if err := e.put(ctx, storage.Record{RecordKey: key("counter"), Data: []byte{0}}); err != nil {
			return err
		}
		var all sync.WaitGroup
		failed := make([]error, writers)
		for i := range writers {
			all.Go(func() { failed[i] = e.increment(ctx, rounds) })
		}
		all.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
		count := storage.Record{RecordKey: key("counter"), Version: 1 + writers*rounds, Data: []byte{writers * rounds}}
		if err := e.holds(ctx, count); err != nil {
			return err
		}
		// The writers may have come one after the other; here all of them have read the same version.
		for i := range writers {
			all.Go(func() { failed[i] = e.Commit(ctx, storage.Write{Put: []storage.Record{count}}) })
		}
		all.Wait()
		won := 0
		for _, err := range failed {
			if err == nil {
				won++
			} else if !errors.Is(err, storage.ErrConflict) {
				return err
			}
		}
		if won != 1 {
			return fmt.Errorf("%d writers of one version won", won)
		}
		return nil
	}},
	{name: "a listing sees whole writes only", run: func(ctx context.Context, e *env) error {
		return e.halves(ctx, func() ([]storage.Record, error) {
			return e.List(ctx, storage.Query{Kind: kind, AllTenants: true, Limit: 2})
		})
	}},
	{name: "what is given and returned is copied", run: func(ctx context.Context, e *env) error {
		given := waking("a", start)
		want := given
		want.Data = []byte("data of a")
		want.Version = 1
		if err := e.put(ctx, given); err != nil {
			return err
		}
		given.Data[0] = 'X'
		if err := e.holds(ctx, want); err != nil {
			return wrong(err, "after a change of what was given")
		}
		got, err := e.Get(ctx, want.RecordKey)
		if err != nil {
			return err
		}
		got.Data[0] = 'X'
		page, err := e.List(ctx, storage.Query{Kind: kind, AllTenants: true, Limit: 1})
		if err != nil || len(page) != 1 {
			return wrong(err, "listing: %d records", len(page))
		}
		page[0].Data[0] = 'Y'
		many, err := e.GetMany(ctx, []storage.RecordKey{want.RecordKey})
		if err != nil || len(many) != 1 {
			return wrong(err, "reading many: %d records", len(many))
		}
		many[want.RecordKey].Data[0] = 'W'
		c, err := e.Claim(ctx, storage.Claim{Kinds: []string{kind}, Limit: 1, Lease: time.Minute})
		if err != nil || len(c.Records) != 1 {
			return wrong(err, "claiming: %d records", len(c.Records))
		}
		want = c.Records[0]
		want.Data = []byte("data of a")
		c.Records[0].Data[0] = 'Z'
		return e.holds(ctx, want)
	}},
	{name: "a cancelled context stops every call", run: func(ctx context.Context, e *env) error {
		due := waking("due", start.Add(-time.Hour))
		if err := e.put(ctx, due); err != nil {
			return err
		}
		due.Version = 1
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		_, got := e.Get(cancelled, due.RecordKey)
		_, many := e.GetMany(cancelled, []storage.RecordKey{due.RecordKey})
		_, claimed := e.Claim(cancelled, storage.Claim{Kinds: []string{kind}, Limit: 1, Lease: time.Minute})
		_, listed := e.List(cancelled, storage.Query{Kind: kind, Limit: 1})
		_, counted := e.Count(cancelled, storage.Query{Kind: kind})
		return errors.Join(
			wantError("Get", got, context.Canceled),
			wantError("GetMany", many, context.Canceled),
			wantError("Commit", e.Commit(cancelled, storage.Write{Put: []storage.Record{record("new")}}), context.Canceled),
			wantError("Claim", claimed, context.Canceled),
			wantError("List", listed, context.Canceled),
			wantError("Count", counted, context.Canceled),
			e.lacks(ctx, key("new")), e.holds(ctx, due),
		)
	}},
}

// halves looks at two records while they are written together, and says whether it saw one of them without the other.
func (e *env) halves(ctx context.Context, look func() ([]storage.Record, error)) error {
	pair := func(version int64, state string) []storage.Record {
		a, b := record("a"), record("b")
		a.Version, b.Version, a.State, b.State = version, version, state, state
		return []storage.Record{a, b}
	}
	if err := e.put(ctx, pair(0, "0")...); err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		for n := range 50 {
			if err := e.put(ctx, pair(int64(n+1), fmt.Sprint(n+1))...); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for {
		both, err := look()
		if err != nil || len(both) != 2 || both[0].State != both[1].State || both[0].Version != both[1].Version {
			return errors.Join(fmt.Errorf("saw the half of a write: %v", both), err, <-written)
		}
		select {
		case err := <-written:
			return err
		default:
		}
	}
}

// increment adds n to a counter, each time from the version that it read.
func (e *env) increment(ctx context.Context, n int) error {
	for n > 0 {
		r, err := e.Get(ctx, key("counter"))
		if err != nil {
			return err
		}
		r.Data[0]++
		switch err := e.Commit(ctx, storage.Write{Put: []storage.Record{r}}); {
		case err == nil:
			n--
		case !errors.Is(err, storage.ErrConflict):
			return err
		}
	}
	return nil
}
