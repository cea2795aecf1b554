package runner

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// tracked is an item that a change has read.
type tracked[T any] struct {
	storage.Item[T]
	found bool
	moved bool
	// leased: a worker has the record in hand, so that it is due no earlier than this; zero: it is due when its value says.
	leased time.Time
}

// keep writes the record for a worker whose lease ends at own: it is left alone until then, or given back if that is zero.
// What another worker has claimed since is the other's.
func (t *tracked[T]) keep(own, until time.Time) {
	t.moved = true
	if !t.leased.After(storage.Instant(own)) {
		t.leased = until
	}
}

// shelf is what a change has read of one kind of the tenant's records: all of it is held or changed by the write.
type shelf[T any] struct {
	repo *storage.Repo[T]
	wake func(T) time.Time
	what string // in the words of people
	// whole: the installation has such records, too, beside its tenants.
	whole bool
	seen  map[string]*tracked[T]
}

func newShelf[T any](repo *storage.Repo[T], what string, wake func(T) time.Time) shelf[T] {
	return shelf[T]{repo: repo, wake: wake, what: what, seen: map[string]*tracked[T]{}}
}

// never is when a record is due that no worker claims.
func never[T any](T) time.Time { return time.Time{} }

// get reads a record, which must exist.
func (s shelf[T]) get(ctx context.Context, c *change, id string) (*tracked[T], error) {
	if t, seen := s.seen[id]; seen {
		return t, nil
	}
	if c.tenant == nil && !s.whole { // a record that somebody put under no tenant
		return nil, missing(storage.ErrNotFound, s.what)
	}
	t, err := s.find(ctx, c, id)
	if err == nil && !t.found {
		err = storage.ErrNotFound
	}
	if err != nil {
		return nil, missing(err, s.what)
	}
	s.put(t)
	return t, nil
}

// find reads a record, or returns a new one, without making it part of the write.
func (s shelf[T]) find(ctx context.Context, c *change, id string) (*tracked[T], error) {
	rec, err := c.store.Get(ctx, s.repo.Key(c.owner(), id))
	if errors.Is(err, storage.ErrNotFound) {
		var none T
		return &tracked[T]{Item: s.repo.New(c.owner(), id, none)}, nil
	}
	if err != nil {
		return nil, err
	}
	item, err := s.repo.Decode(ctx, rec)
	if err != nil {
		return nil, err
	}
	return &tracked[T]{Item: item, found: true, leased: c.leaseOf(rec, s.wake(item.Value))}, nil
}

// ensure reads a record, or makes a new one, as part of the write.
func (s shelf[T]) ensure(ctx context.Context, c *change, id string) (*tracked[T], error) {
	if t, seen := s.seen[id]; seen {
		return t, nil
	}
	t, err := s.find(ctx, c, id)
	if err == nil {
		s.put(t)
	}
	return t, err
}

// take makes a record that a list has shown part of the write.
func (s shelf[T]) take(ctx context.Context, c *change, rec storage.Record) (*tracked[T], error) {
	item, err := s.repo.Decode(ctx, rec)
	if err != nil {
		return nil, err
	}
	return s.takeRead(c, rec, item.Value), nil
}

// takeRead is take of a record whose value was read from it.
func (s shelf[T]) takeRead(c *change, rec storage.Record, value T) *tracked[T] {
	if t, seen := s.seen[rec.ID]; seen {
		return t
	}
	item := storage.Item[T]{RecordKey: rec.RecordKey, Version: rec.Version, Value: value}
	t := &tracked[T]{Item: item, found: true, leased: c.leaseOf(rec, s.wake(value))}
	s.put(t)
	return t
}

// add makes a new record part of the write.
func (s shelf[T]) add(c *change, id string, value T) *tracked[T] {
	t := &tracked[T]{Item: s.repo.New(c.owner(), id, value)}
	s.put(t)
	return t
}

// put makes a record part of the write.
func (s shelf[T]) put(t *tracked[T]) { s.seen[t.ID] = t }

// prepare completes the write: what has moved is put, what was only read is held.
func (s shelf[T]) prepare(ctx context.Context, w *storage.Write) error {
	return addAll(ctx, w, s.repo, s.seen)
}

func addAll[T any](ctx context.Context, w *storage.Write, repo *storage.Repo[T], seen map[string]*tracked[T]) error {
	for _, id := range slices.Sorted(maps.Keys(seen)) { // stores put in order what is in order by less work
		if err := add(ctx, w, repo, seen[id]); err != nil {
			return err
		}
	}
	return nil
}

// leaseOf returns the end of the lease that a record is under, of which wake is due when its value says. A lease that is
// longer than any was made by a clock that has gone back since; it is none.
func (c *change) leaseOf(rec storage.Record, wake time.Time) time.Time {
	if wake.IsZero() || !rec.Wake.After(wake) || rec.Wake.After(c.now.Add(c.lease)) {
		return time.Time{}
	}
	return rec.Wake
}
