package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	{name: "a hold is checked", run: func(ctx context.Context, e *env) error {
		held := record("held")
		if err := e.put(ctx, held); err != nil {
			return err
		}
		held.Version = 1
		put := []storage.Record{record("a")}
		stale := held.Ref()
		stale.Version = 2
		absent := storage.Ref{RecordKey: key("absent")}
		return errors.Join(
			e.wantConflict(ctx, "a hold at another version", held.RecordKey, storage.Write{Put: put, Hold: []storage.Ref{stale}}),
			e.wantConflict(ctx, "a hold that demands absence", held.RecordKey,
				storage.Write{Put: put, Hold: []storage.Ref{{RecordKey: held.RecordKey}}}),
			e.wantConflict(ctx, "a hold of what is not there", absent.RecordKey,
				storage.Write{Put: put, Hold: []storage.Ref{{RecordKey: absent.RecordKey, Version: 1}}}),
			e.lacks(ctx, put[0].RecordKey),
			e.Commit(ctx, storage.Write{Put: put, Hold: []storage.Ref{held.Ref(), absent}}),
			e.holds(ctx, held), // a hold changes nothing
		)
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
		return e.holds(ctx, storage.Record{RecordKey: key("counter"), Version: 1 + writers*rounds, Data: []byte{writers * rounds}})
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
			return fmt.Errorf("after a change of what was given: %w", err)
		}
		got, err := e.Get(ctx, want.RecordKey)
		if err != nil {
			return err
		}
		got.Data[0] = 'X'
		page, err := e.List(ctx, storage.Query{Kind: kind, AllTenants: true, Limit: 1})
		if err != nil || len(page) != 1 {
			return fmt.Errorf("listing: %d records, %w", len(page), err)
		}
		page[0].Data[0] = 'Y'
		c, err := e.Claim(ctx, storage.Claim{Kinds: []string{kind}, Limit: 1, Lease: time.Minute})
		if err != nil || len(c.Records) != 1 {
			return fmt.Errorf("claiming: %d records, %w", len(c.Records), err)
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
		_, claimed := e.Claim(cancelled, storage.Claim{Kinds: []string{kind}, Limit: 1, Lease: time.Minute})
		_, listed := e.List(cancelled, storage.Query{Kind: kind, Limit: 1})
		_, counted := e.Count(cancelled, storage.Query{Kind: kind})
		return errors.Join(
			wantError("Get", got, context.Canceled),
			wantError("Commit", e.Commit(cancelled, storage.Write{Put: []storage.Record{record("new")}}), context.Canceled),
			wantError("Claim", claimed, context.Canceled),
			wantError("List", listed, context.Canceled),
			wantError("Count", counted, context.Canceled),
			e.lacks(ctx, key("new")), e.holds(ctx, due),
		)
	}},
	{name: "what can never succeed is refused", run: func(ctx context.Context, e *env) error {
		long, nul, big, fine := record(strings.Repeat("x", storage.MaxKeyPart+1)), record("a\x00b"), record("big"), record("fine")
		big.Data = make([]byte, storage.MaxData+1)
		fine.Wake = start // finer than a microsecond
		_, noKind := e.List(ctx, storage.Query{Limit: 1})
		_, noLimit := e.List(ctx, storage.Query{Kind: kind})
		_, noLease := e.Claim(ctx, storage.Claim{Kinds: []string{kind}, Limit: 1})
		refused := []error{
			wantError("a query without a kind", noKind, storage.ErrInvalid),
			wantError("a query without a limit", noLimit, storage.ErrInvalid),
			wantError("a claim without a lease", noLease, storage.ErrInvalid),
			wantError("a record twice", e.Commit(ctx, storage.Write{Put: []storage.Record{record("a"), record("a")}}), storage.ErrInvalid),
		}
		for _, r := range []storage.Record{long, nul, big, fine} {
			err := e.Commit(ctx, storage.Write{Put: []storage.Record{record("a"), r}})
			refused = append(refused, wantError(fmt.Sprintf("the record %.20q", r.ID), err, storage.ErrInvalid))
		}
		return errors.Join(append(refused, e.lacks(ctx, key("a")))...)
	}},
	{name: "a large write is taken at once", run: func(ctx context.Context, e *env) error {
		many := make([]storage.Record, 3000)
		for i := range many {
			many[i] = record(fmt.Sprintf("%04d", i))
		}
		if err := e.put(ctx, many...); err != nil {
			return err
		}
		counts, err := e.Count(ctx, storage.Query{Kind: kind, AllTenants: true})
		if err != nil || counts[""] != len(many) {
			return fmt.Errorf("counted %v, %w", counts, err)
		}
		return nil
	}},
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
