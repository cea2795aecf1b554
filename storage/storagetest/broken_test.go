package storagetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
)

// broken is a store that breaks a promise in one of its methods; the others are those of a sound one.
type broken struct {
	storage.Store
	get    func(storage.RecordKey) (storage.Record, error)
	many   func([]storage.RecordKey) (map[storage.RecordKey]storage.Record, error)
	commit func(storage.Write) error
	claim  func(storage.Claim) (storage.Claimed, error)
	list   func(storage.Query) ([]storage.Record, error)
	count  func(storage.Query) (map[string]int, error)
}

func (b *broken) Get(ctx context.Context, k storage.RecordKey) (storage.Record, error) {
	if b.get != nil && ctx.Err() == nil {
		return b.get(k)
	}
	return b.Store.Get(ctx, k)
}

func (b *broken) GetMany(ctx context.Context, keys []storage.RecordKey) (map[storage.RecordKey]storage.Record, error) {
	if b.many != nil && ctx.Err() == nil {
		return b.many(keys)
	}
	return b.Store.GetMany(ctx, keys)
}

func (b *broken) Commit(ctx context.Context, w storage.Write) error {
	if b.commit != nil && ctx.Err() == nil {
		return b.commit(w)
	}
	return b.Store.Commit(ctx, w)
}

func (b *broken) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	if b.claim != nil && ctx.Err() == nil {
		return b.claim(c)
	}
	return b.Store.Claim(ctx, c)
}

func (b *broken) List(ctx context.Context, q storage.Query) ([]storage.Record, error) {
	if b.list != nil && ctx.Err() == nil {
		return b.list(q)
	}
	return b.Store.List(ctx, q)
}

func (b *broken) Count(ctx context.Context, q storage.Query) (map[string]int, error) {
	if b.count != nil && ctx.Err() == nil {
		return b.count(q)
	}
	return b.Store.Count(ctx, q)
}

var ctx = context.Background()

// fault is one way to break a sound store.
type fault func(sound storage.Store, b *broken)

// puts changes what is put.
func puts(change func(sound storage.Store, r *storage.Record)) fault {
	return func(sound storage.Store, b *broken) {
		b.commit = func(w storage.Write) error {
			w.Put = slices.Clone(w.Put)
			for i := range w.Put {
				change(sound, &w.Put[i])
			}
			return sound.Commit(ctx, w)
		}
	}
}

// gives changes what each method returns of a record.
func gives(change func(r *storage.Record)) fault {
	each := func(all []storage.Record) []storage.Record {
		for i := range all {
			change(&all[i])
		}
		return all
	}
	return func(sound storage.Store, b *broken) {
		b.get = func(k storage.RecordKey) (storage.Record, error) {
			r, err := sound.Get(ctx, k)
			if err == nil {
				change(&r)
			}
			return r, err
		}
		b.list = func(q storage.Query) ([]storage.Record, error) {
			page, err := sound.List(ctx, q)
			return each(page), err
		}
		b.claim = func(c storage.Claim) (storage.Claimed, error) {
			got, err := sound.Claim(ctx, c)
			got.Records = each(got.Records)
			return got, err
		}
	}
}

// writes changes a whole write before it happens, or what comes of it.
func writes(commit func(sound storage.Store, w storage.Write) error) fault {
	return func(sound storage.Store, b *broken) {
		b.commit = func(w storage.Write) error { return commit(sound, w) }
	}
}

func claims(claim func(sound storage.Store, c storage.Claim) (storage.Claimed, error)) fault {
	return func(sound storage.Store, b *broken) {
		b.claim = func(c storage.Claim) (storage.Claimed, error) { return claim(sound, c) }
	}
}

func lists(list func(sound storage.Store, q storage.Query) ([]storage.Record, error)) fault {
	return func(sound storage.Store, b *broken) {
		b.list = func(q storage.Query) ([]storage.Record, error) { return list(sound, q) }
	}
}

func counts(count func(sound storage.Store, q storage.Query) (map[string]int, error)) fault {
	return func(sound storage.Store, b *broken) {
		b.count = func(q storage.Query) (map[string]int, error) { return count(sound, q) }
	}
}

// clocked breaks a store's clock.
type clocked func(now func() time.Time) func() time.Time

// forced writes w at whatever versions are there, as a store does that does not compare.
func forced(sound storage.Store, w storage.Write) error {
	for range 1000 {
		again := storage.Write{Hold: slices.Clone(w.Hold)}
		for _, r := range w.Put {
			old, _ := sound.Get(ctx, r.RecordKey)
			r.Version = old.Version
			again.Put = append(again.Put, r)
		}
		for _, d := range w.Delete {
			if old, err := sound.Get(ctx, d.RecordKey); err == nil {
				again.Delete = append(again.Delete, old.Ref())
			}
		}
		if err := sound.Commit(ctx, again); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return errors.New("never settled")
}

// compared tells whether all records of w are at the versions that it names, at some moment before it is written.
func compared(sound storage.Store, w storage.Write) error {
	refs := slices.Concat(w.Hold, w.Delete)
	for _, r := range w.Put {
		refs = append(refs, r.Ref())
	}
	for _, ref := range refs {
		if old, _ := sound.Get(ctx, ref.RecordKey); old.Version != ref.Version {
			return &storage.ConflictError{Key: ref.RecordKey}
		}
	}
	return nil
}

// moment lets others go on in between: where a store forgets to lock.
func moment() { <-time.After(time.Millisecond) }

// reborn is a store that forgets what it deleted: a record that comes again begins anew at version 1.
func reborn(sound storage.Store, b *broken) {
	var mu sync.Mutex
	lives := map[storage.RecordKey]int{}
	inside := func(k storage.RecordKey) storage.RecordKey {
		k.ID += strings.Repeat("~", lives[k])
		return k
	}
	b.get = func(k storage.RecordKey) (storage.Record, error) {
		mu.Lock()
		defer mu.Unlock()
		r, err := sound.Get(ctx, inside(k))
		r.RecordKey = k
		return r, err
	}
	b.commit = func(w storage.Write) error {
		mu.Lock()
		defer mu.Unlock()
		mapped := storage.Write{}
		for _, r := range w.Put {
			r.RecordKey = inside(r.RecordKey)
			mapped.Put = append(mapped.Put, r)
		}
		for _, h := range w.Hold {
			h.RecordKey = inside(h.RecordKey)
			mapped.Hold = append(mapped.Hold, h)
		}
		for _, d := range w.Delete {
			d.RecordKey = inside(d.RecordKey)
			mapped.Delete = append(mapped.Delete, d)
		}
		err := sound.Commit(ctx, mapped)
		var conflict *storage.ConflictError
		if errors.As(err, &conflict) {
			return &storage.ConflictError{Key: storage.RecordKey{
				Kind: conflict.Key.Kind, Tenant: conflict.Key.Tenant, ID: strings.TrimRight(conflict.Key.ID, "~"),
			}}
		}
		if err == nil {
			for _, d := range w.Delete {
				lives[d.RecordKey]++
			}
		}
		return err
	}
}

func soundFactory() Factory {
	return Factory{
		New:    func(_ testing.TB, now func() time.Time) storage.Store { return memory.New(now) },
		Reopen: func(_ testing.TB, s storage.Store, _ func() time.Time) storage.Store { return s },
	}
}

func (f fault) factory() Factory {
	factory := soundFactory()
	factory.New = func(_ testing.TB, now func() time.Time) storage.Store {
		sound := memory.New(now)
		b := &broken{Store: sound}
		f(sound, b)
		return b
	}
	return factory
}

func (c clocked) factory() Factory {
	factory := soundFactory()
	factory.New = func(_ testing.TB, now func() time.Time) storage.Store { return memory.New(c(now)) }
	return factory
}
