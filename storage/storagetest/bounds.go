package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

var boundCases = []testCase{
	{name: "what can never succeed is refused", run: func(ctx context.Context, e *env) error {
		long, nul, big, fine := record(strings.Repeat("x", storage.MaxKeyPart+1)), record("a\x00b"), record("big"), record("fine")
		big.Data = make([]byte, storage.MaxData+1)
		fine.Wake = start // finer than a microsecond
		twice := storage.Ref{RecordKey: key("a"), Version: 1}
		many := make([]storage.Ref, storage.MaxWriteSize+1)
		for i := range many {
			many[i].RecordKey = key(fmt.Sprint(i))
		}
		_, noKind := e.List(ctx, storage.Query{Limit: 1})
		_, noLimit := e.List(ctx, storage.Query{Kind: kind})
		_, noLease := e.Claim(ctx, storage.Claim{Kinds: []string{kind}, Limit: 1})
		refused := []error{
			wantError("a query without a kind", noKind, storage.ErrInvalid),
			wantError("a query without a limit", noLimit, storage.ErrInvalid),
			wantError("a claim without a lease", noLease, storage.ErrInvalid),
			wantError("a record twice", e.Commit(ctx, storage.Write{Put: []storage.Record{record("a"), record("a")}}), storage.ErrInvalid),
			wantError("a record put and held", e.Commit(ctx, storage.Write{Put: []storage.Record{record("a")}, Hold: []storage.Ref{twice}}), storage.ErrInvalid),
			wantError("a record put and deleted", e.Commit(ctx, storage.Write{Put: []storage.Record{record("a")}, Delete: []storage.Ref{twice}}), storage.ErrInvalid),
			wantError("too many records", e.Commit(ctx, storage.Write{Put: []storage.Record{record("a")}, Hold: many}), storage.ErrInvalid),
		}
		for _, r := range []storage.Record{long, nul, big, fine} {
			err := e.Commit(ctx, storage.Write{Put: []storage.Record{record("a"), r}})
			refused = append(refused, wantError(fmt.Sprintf("the record %.20q", r.ID), err, storage.ErrInvalid))
		}
		return errors.Join(append(refused, e.lacks(ctx, key("a")))...)
	}},
	{name: "the largest record is taken", run: func(ctx context.Context, e *env) error {
		long := strings.Repeat("x", storage.MaxKeyPart)
		r := storage.Record{
			RecordKey: storage.RecordKey{Kind: long, Tenant: long, ID: long}, Parent: long, State: long,
			Wake: start.Truncate(time.Second), Data: bytes.Repeat([]byte{0, 0xFF}, storage.MaxData/2),
		}
		if err := e.put(ctx, r); err != nil {
			return err
		}
		r.Version = 1
		page, err := e.List(ctx, storage.Query{Kind: long, Tenant: long, Parent: long, State: long, Limit: 1})
		return errors.Join(e.holds(ctx, r), err, equal(page, []storage.Record{r}))
	}},
	{name: "the largest write is taken at once", run: func(ctx context.Context, e *env) error {
		const third = storage.MaxWriteSize / 3
		first, second := storage.Write{}, storage.Write{}
		for i := range 3 * third {
			r := record(fmt.Sprintf("%05d", i))
			first.Put = append(first.Put, r)
			r.Version, r.State = 1, "again"
			switch i / third {
			case 0:
				second.Put = append(second.Put, r)
			case 1:
				second.Hold = append(second.Hold, r.Ref())
			case 2:
				second.Delete = append(second.Delete, r.Ref())
			}
		}
		if err := errors.Join(e.Commit(ctx, first), e.Commit(ctx, second)); err != nil {
			return err
		}
		counts, err := e.Count(ctx, storage.Query{Kind: kind, AllTenants: true})
		if err != nil || counts["again"] != third || counts[""] != third || len(counts) != 2 {
			return wrong(err, "counted %v; want %d that were put and %d that were held", counts, third, third)
		}
		return nil
	}},
}
