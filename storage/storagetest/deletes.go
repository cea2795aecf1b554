package storagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

var deleteCases = []testCase{
	{name: "a deleted record is gone from everywhere", run: func(ctx context.Context, e *env) error {
		r := waking("a", start.Add(-time.Hour))
		r.Parent, r.State = "p", "s"
		if err := e.put(ctx, r); err != nil {
			return err
		}
		r.Version = 1
		stale := r.Ref()
		stale.Version = 2
		if err := e.wantConflict(ctx, "deleting at another version", r.RecordKey, storage.Write{Delete: []storage.Ref{stale}}); err != nil {
			return err
		}
		if err := e.Commit(ctx, storage.Write{Delete: []storage.Ref{r.Ref()}}); err != nil {
			return err
		}
		page, err1 := e.List(ctx, storage.Query{Kind: kind, AllTenants: true, Parent: "p", Limit: 10})
		counts, err2 := e.Count(ctx, storage.Query{Kind: kind, AllTenants: true})
		c, err3 := e.Claim(ctx, storage.Claim{Kinds: []string{kind}, Limit: 10, Lease: time.Minute})
		if err := errors.Join(err1, err2, err3, e.lacks(ctx, r.RecordKey)); err != nil {
			return err
		}
		if len(page)+len(counts)+len(c.Records) > 0 || !c.Next.IsZero() {
			return fmt.Errorf("still listed %v, counted %v, claimed %v, next %v", ids(page), counts, ids(c.Records), c.Next)
		}
		return e.wantConflict(ctx, "deleting it twice", r.RecordKey, storage.Write{Delete: []storage.Ref{r.Ref()}})
	}},
	{name: "a reference to a deleted record never fits again", run: func(ctx context.Context, e *env) error {
		if err := e.put(ctx, record("a")); err != nil {
			return err
		}
		old := record("a")
		old.Version = 1
		err := errors.Join(e.Commit(ctx, storage.Write{Delete: []storage.Ref{old.Ref()}}), e.put(ctx, record("a")))
		if err != nil {
			return wrong(err, "deleting and creating again")
		}
		again, err := e.Get(ctx, old.RecordKey)
		if err != nil {
			return err
		}
		if again.Version <= old.Version {
			return fmt.Errorf("created again at version %d, after it was deleted at %d", again.Version, old.Version)
		}
		return errors.Join(
			e.wantConflict(ctx, "a put from before", old.RecordKey, storage.Write{Put: []storage.Record{old}}),
			e.wantConflict(ctx, "a hold from before", old.RecordKey, storage.Write{Hold: []storage.Ref{old.Ref()}}),
			e.wantConflict(ctx, "a delete from before", old.RecordKey, storage.Write{Delete: []storage.Ref{old.Ref()}}),
			e.Commit(ctx, storage.Write{Hold: []storage.Ref{again.Ref()}}),
		)
	}},
}
