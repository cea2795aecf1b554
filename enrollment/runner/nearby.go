package runner

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/abmrenew/abmrenew/storage"
)

// nearby is a store some records of which were read a moment ago, many in one round trip. What is decided by them is held or
// replaced at the version that was read, so that a decision on what is old does not become true. Nothing is released, and no
// call that cannot be repeated is made, by what is nearby.
type nearby struct {
	storage.Store

	mu    sync.Mutex
	known map[storage.RecordKey]storage.Record // of version 0: there is none
}

func newNearby(store storage.Store) *nearby {
	return &nearby{Store: store, known: map[storage.RecordKey]storage.Record{}}
}

// Get implements [storage.Store]. Nobody changes the bytes that it returns.
func (n *nearby) Get(ctx context.Context, k storage.RecordKey) (storage.Record, error) {
	n.mu.Lock()
	rec, known := n.known[k]
	n.mu.Unlock()
	switch {
	case !known:
		return n.Store.Get(ctx, k)
	case rec.Version == 0:
		return storage.Record{}, fmt.Errorf("%w: %v", storage.ErrNotFound, k)
	}
	return rec, nil
}

// fetch reads records that the change will ask for one by one, in one round trip. They become part of the write when they are
// asked for.
func (c *change) fetch(ctx context.Context, keys []storage.RecordKey) error {
	near, is := c.store.(*nearby)
	if !is {
		near = newNearby(c.store)
		c.store = near
	}
	return near.fetch(ctx, keys)
}

// learn takes records that were just read or written.
func (n *nearby) learn(records ...storage.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, rec := range records {
		n.known[rec.RecordKey] = rec
	}
}

// forget has records read anew by whoever asks for them next.
func (n *nearby) forget(keys ...storage.RecordKey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, k := range keys {
		delete(n.known, k)
	}
}

// fetch reads records that are not nearby yet.
func (n *nearby) fetch(ctx context.Context, keys []storage.RecordKey) error {
	n.mu.Lock()
	missing := slices.DeleteFunc(slices.Clone(keys), func(k storage.RecordKey) bool { _, known := n.known[k]; return known })
	n.mu.Unlock()
	for chunk := range slices.Chunk(missing, storage.MaxPage) {
		found, err := n.GetMany(ctx, chunk)
		if err != nil {
			return err
		}
		n.mu.Lock()
		for _, k := range chunk {
			n.known[k] = found[k] // the zero Record: there is none
		}
		n.mu.Unlock()
	}
	return nil
}

// wrote takes what a write has changed of what is nearby.
func (n *nearby) wrote(w storage.Write) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, rec := range w.Put {
		if _, known := n.known[rec.RecordKey]; known && rec.Version > 0 {
			rec.Version++
			n.known[rec.RecordKey] = rec
		} else {
			delete(n.known, rec.RecordKey) // a record that comes again may have any version
		}
	}
	for _, ref := range w.Delete {
		delete(n.known, ref.RecordKey)
	}
}
