package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

const kind = "thing"

func key(id string) storage.RecordKey { return storage.RecordKey{Kind: kind, Tenant: "acme", ID: id} }

func record(id string) storage.Record {
	return storage.Record{RecordKey: key(id), Data: []byte("data of " + id)}
}

func waking(id string, at time.Time) storage.Record {
	r := record(id)
	r.Wake = storage.Instant(at)
	return r
}

// put creates records, each at version 0.
func (e *env) put(ctx context.Context, records ...storage.Record) error {
	if err := e.Commit(ctx, storage.Write{Put: records}); err != nil {
		return wrong(err, "creating %d records", len(records))
	}
	return nil
}

// wrong says what is wrong, and the error that came with it, if any.
func wrong(err error, format string, args ...any) error {
	if err == nil {
		return fmt.Errorf(format, args...)
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}

// holds checks that the store has exactly this record.
func (e *env) holds(ctx context.Context, want storage.Record) error {
	got, err := e.Get(ctx, want.RecordKey)
	if err != nil {
		return wrong(err, "reading %v", want.RecordKey)
	}
	return same(got, want)
}

func same(got, want storage.Record) error {
	wake := got.Wake.Equal(want.Wake) && got.Wake.IsZero() == want.Wake.IsZero()
	if got.RecordKey != want.RecordKey || got.Parent != want.Parent || got.State != want.State || !wake ||
		got.Version != want.Version || !bytes.Equal(got.Data, want.Data) {
		return fmt.Errorf("got  %v, want %v", shown(got), shown(want))
	}
	if !got.Wake.IsZero() && got.Wake.Location() != time.UTC {
		return fmt.Errorf("%v wakes in %v instead of UTC", got.RecordKey, got.Wake.Location())
	}
	return nil
}

func shown(r storage.Record) string {
	return fmt.Sprintf("%v parent=%q state=%q wake=%v version=%d data=%.40q",
		r.RecordKey, r.Parent, r.State, r.Wake.Format(time.RFC3339Nano), r.Version, r.Data)
}

// lacks checks that the store has no record of this key.
func (e *env) lacks(ctx context.Context, k storage.RecordKey) error {
	if got, err := e.Get(ctx, k); !errors.Is(err, storage.ErrNotFound) {
		return wrong(err, "reading %v, which is not there: %v", k, shown(got))
	}
	return nil
}

// wantError checks that what failed did so for the right reason.
func wantError(what string, err, target error) error {
	if !errors.Is(err, target) {
		return wrong(err, "%s: want the error %q", what, target)
	}
	return nil
}

// wantConflict checks that a commit is refused and that the error names the record.
func (e *env) wantConflict(ctx context.Context, what string, k storage.RecordKey, w storage.Write) error {
	err := e.Commit(ctx, w)
	if err := wantError(what, err, storage.ErrConflict); err != nil {
		return err
	}
	var conflict *storage.ConflictError
	if !errors.As(err, &conflict) || conflict.Key != k {
		return wrong(err, "%s: the conflict does not name %v", what, k)
	}
	return nil
}

func ids(records []storage.Record) (list []string) {
	for _, r := range records {
		list = append(list, r.ID)
	}
	return list
}
