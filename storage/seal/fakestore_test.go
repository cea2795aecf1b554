package seal_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// fakeStore is a store in a map, with a clock that the test moves and a hook before (and after) each call.
type fakeStore struct {
	mu      sync.Mutex
	records map[storage.RecordKey]storage.Record
	now     time.Time

	before func(call string) error // called unlocked; an error fails the call
	after  func(call string) error // an error is returned although the call was done
}

var _ storage.Store = (*fakeStore)(nil)

func newStore() *fakeStore {
	return &fakeStore{
		records: make(map[storage.RecordKey]storage.Record),
		now:     time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
	}
}

// snapshot returns another store with the same content, as after a restart.
func (f *fakeStore) reopened() *fakeStore {
	f.mu.Lock()
	defer f.mu.Unlock()
	other := newStore()
	other.now = f.now
	for k, r := range f.records {
		other.records[k] = copied(r)
	}
	return other
}

func (f *fakeStore) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fakeStore) Get(ctx context.Context, k storage.RecordKey) (rec storage.Record, err error) {
	err = f.call(ctx, "get", func() error {
		r, ok := f.records[k]
		if !ok {
			return storage.ErrNotFound
		}
		rec = copied(r)
		return nil
	})
	return rec, err
}

func (f *fakeStore) GetMany(context.Context, []storage.RecordKey) (map[storage.RecordKey]storage.Record, error) {
	panic("no sealer reads many")
}

func (f *fakeStore) Commit(ctx context.Context, w storage.Write) error {
	if err := w.Validate(); err != nil {
		return err
	}
	return f.call(ctx, "commit", func() error {
		for _, r := range w.Put {
			if f.records[r.RecordKey].Version != r.Version {
				return &storage.ConflictError{Key: r.RecordKey}
			}
		}
		for _, r := range append(slices.Clone(w.Hold), w.Delete...) {
			if f.records[r.RecordKey].Version != r.Version {
				return &storage.ConflictError{Key: r.RecordKey}
			}
		}
		for _, r := range w.Put {
			r = copied(r)
			r.Version++
			f.records[r.RecordKey] = r
		}
		for _, r := range w.Delete {
			delete(f.records, r.RecordKey)
		}
		return nil
	})
}

// Claim tells the time, which is all that a sealer wants of it.
func (f *fakeStore) Claim(ctx context.Context, _ storage.Claim) (c storage.Claimed, err error) {
	err = f.call(ctx, "claim", func() error {
		c.Now = f.now
		return nil
	})
	return c, err
}

func (f *fakeStore) List(ctx context.Context, q storage.Query) (page []storage.Record, err error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err = f.call(ctx, "list", func() error {
		for _, r := range f.records {
			behind := cmp.Or(cmp.Compare(r.Tenant, q.After.Tenant), cmp.Compare(r.ID, q.After.ID)) > 0
			if r.Kind == q.Kind && (q.AllTenants || r.Tenant == q.Tenant) && behind {
				page = append(page, copied(r))
			}
		}
		slices.SortFunc(page, func(a, b storage.Record) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
		})
		page = page[:min(len(page), q.Limit)]
		return nil
	})
	return page, err
}

func (f *fakeStore) Count(context.Context, storage.Query) (map[string]int, error) {
	panic("no sealer counts")
}

func (f *fakeStore) call(ctx context.Context, name string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.before != nil {
		if err := f.before(name); err != nil {
			return err
		}
	}
	f.mu.Lock()
	err := do()
	f.mu.Unlock()
	if err == nil && f.after != nil {
		err = f.after(name)
	}
	return err
}

func copied(r storage.Record) storage.Record {
	r.Data = slices.Clone(r.Data)
	return r
}
