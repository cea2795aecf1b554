package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/abmrenew/abmrenew/storage"
)

var holdCases = []testCase{
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
	{name: "a write that holds alone changes nothing", run: func(ctx context.Context, e *env) error {
		held := record("held")
		if err := e.put(ctx, held); err != nil {
			return err
		}
		held.Version = 1
		stale := held.Ref()
		stale.Version = 2
		return errors.Join(
			e.Commit(ctx, storage.Write{}),
			e.Commit(ctx, storage.Write{Hold: []storage.Ref{held.Ref()}}),
			e.wantConflict(ctx, "a hold alone", held.RecordKey, storage.Write{Hold: []storage.Ref{stale}}),
			e.holds(ctx, held),
		)
	}},
	{name: "nothing gets past a switch that is held", run: func(ctx context.Context, e *env) error {
		const workers, each = 4, 10
		gate := record("gate")
		if err := e.put(ctx, gate); err != nil {
			return err
		}
		gate.Version = 1
		var all sync.WaitGroup
		started, failed := make(chan struct{}, workers*each), make([]error, workers)
		for i := range workers {
			all.Go(func() {
				for n := range each {
					release := record(fmt.Sprintf("release %d %d", i, n))
					release.State = "out"
					err := e.Commit(ctx, storage.Write{Put: []storage.Record{release}, Hold: []storage.Ref{gate.Ref()}})
					started <- struct{}{}
					if err != nil && !errors.Is(err, storage.ErrConflict) {
						failed[i] = err
						return
					}
				}
			})
		}
		<-started // they are at work
		err := e.put(ctx, gate)
		before, err2 := e.Count(ctx, storage.Query{Kind: kind, Tenant: "acme", State: "out"})
		all.Wait()
		after, err3 := e.Count(ctx, storage.Query{Kind: kind, Tenant: "acme", State: "out"})
		if err := errors.Join(err, err2, err3, errors.Join(failed...)); err != nil {
			return err
		}
		if before["out"] != after["out"] {
			return fmt.Errorf("%d records were written by commits that held the switch, after it had changed", after["out"]-before["out"])
		}
		return nil
	}},
	{name: "of two that hold each other's record one wins", run: func(ctx context.Context, e *env) error {
		for round := range 10 {
			a, b := record(fmt.Sprint("a", round)), record(fmt.Sprint("b", round))
			if err := e.put(ctx, a, b); err != nil {
				return err
			}
			a.Version, b.Version = 1, 1
			var both sync.WaitGroup
			var first, second error
			both.Go(func() { first = e.Commit(ctx, storage.Write{Put: []storage.Record{a}, Hold: []storage.Ref{b.Ref()}}) })
			both.Go(func() { second = e.Commit(ctx, storage.Write{Put: []storage.Record{b}, Hold: []storage.Ref{a.Ref()}}) })
			both.Wait()
			if (first == nil) == (second == nil) {
				return wrong(errors.Join(first, second), "round %d: both or neither", round)
			}
			if err := wantError("the loser", errors.Join(first, second), storage.ErrConflict); err != nil {
				return err
			}
		}
		return nil
	}},
}
