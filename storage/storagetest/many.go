package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/abmrenew/abmrenew/storage"
)

var manyCases = []testCase{
	{name: "many records are read at once", run: func(ctx context.Context, e *env) error {
		all, gone, claimed, err := e.history(ctx)
		if err != nil {
			return err
		}
		want := append(all, claimed)
		keys := []storage.RecordKey{gone.RecordKey, key("never"), {Kind: "other", Tenant: "a", ID: "1"}, want[0].RecordKey}
		for _, r := range want {
			keys = append(keys, r.RecordKey)
		}
		got, err := e.GetMany(ctx, keys)
		if err != nil || len(got) != len(want) {
			return wrong(err, "read %d of %d records", len(got), len(want))
		}
		for _, r := range want {
			if err := same(got[r.RecordKey], r); err != nil {
				return err
			}
		}
		none, err := e.GetMany(ctx, nil)
		if err != nil || len(none) > 0 {
			return wrong(err, "read %d records that nobody named", len(none))
		}
		return nil
	}},
	{name: "what is read at once is of one moment", run: func(ctx context.Context, e *env) error {
		keys := []storage.RecordKey{key("a"), key("b")}
		return e.halves(ctx, func() ([]storage.Record, error) {
			got, err := e.GetMany(ctx, keys)
			return []storage.Record{got[keys[0]], got[keys[1]]}, err
		})
	}},
	{name: "as many are read at once as are written", run: func(ctx context.Context, e *env) error {
		var w storage.Write
		var keys []storage.RecordKey
		for i := range storage.MaxWriteSize {
			r := record(fmt.Sprint(i))
			w.Put, keys = append(w.Put, r), append(keys, r.RecordKey)
		}
		if err := e.Commit(ctx, w); err != nil {
			return err
		}
		got, err := e.GetMany(ctx, keys)
		if err != nil || len(got) != len(keys) {
			return wrong(err, "read %d of %d records", len(got), len(keys))
		}
		_, more := e.GetMany(ctx, append(keys, key("x")))
		_, long := e.GetMany(ctx, []storage.RecordKey{key("a"), key(strings.Repeat("x", storage.MaxKeyPart+1))})
		return errors.Join(wantError("too many keys", more, storage.ErrInvalid), wantError("a key that is too long", long, storage.ErrInvalid))
	}},
}
