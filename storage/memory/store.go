package memory

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// Store keeps records in memory. It is safe for concurrent use.
type Store struct {
	now func() time.Time

	mu      sync.RWMutex
	records map[storage.RecordKey]storage.Record
	kinds   map[string]*index
	gone    map[storage.RecordKey]int64 // the last version of each deleted record
}

var _ storage.Store = (*Store)(nil)

// New returns an empty store. Its present, by which leases run and all that a runner over it does, comes from now; nil: the
// system's clock.
func New(now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{
		now:     now,
		records: make(map[storage.RecordKey]storage.Record),
		kinds:   make(map[string]*index),
		gone:    make(map[storage.RecordKey]int64),
	}
}

// Get implements [storage.Store].
func (s *Store) Get(ctx context.Context, k storage.RecordKey) (storage.Record, error) {
	if err := ctx.Err(); err != nil {
		return storage.Record{}, err
	}
	if err := k.Validate(); err != nil {
		return storage.Record{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[k]
	if !ok {
		return storage.Record{}, fmt.Errorf("%w: %v", storage.ErrNotFound, k)
	}
	return copied(r), nil
}

// GetMany implements [storage.Store].
func (s *Store) GetMany(ctx context.Context, keys []storage.RecordKey) (map[storage.RecordKey]storage.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := storage.ValidateKeys(keys); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := make(map[storage.RecordKey]storage.Record, len(keys))
	for _, k := range keys {
		if r, ok := s.records[k]; ok {
			found[k] = copied(r)
		}
	}
	return found, nil
}

// Commit implements [storage.Store].
func (s *Store) Commit(ctx context.Context, w storage.Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range w.Put {
		if err := s.check(r.Ref()); err != nil {
			return err
		}
	}
	for _, refs := range [][]storage.Ref{w.Hold, w.Delete} {
		for _, ref := range refs {
			if err := s.check(ref); err != nil {
				return err
			}
		}
	}
	for _, r := range w.Put {
		s.put(s.next(r))
	}
	for _, ref := range w.Delete {
		s.remove(ref.RecordKey)
		s.gone[ref.RecordKey] = ref.Version
	}
	return nil
}

func (s *Store) check(ref storage.Ref) error {
	if s.records[ref.RecordKey].Version != ref.Version {
		return &storage.ConflictError{Key: ref.RecordKey}
	}
	return nil
}

// next returns the record as it is stored in place of r.
func (s *Store) next(r storage.Record) storage.Record {
	r = copied(r)
	if r.Version == 0 {
		r.Version = s.gone[r.RecordKey] // goes on counting, so that an old reference never fits again
		delete(s.gone, r.RecordKey)
	}
	r.Version++
	r.Wake = storage.Instant(r.Wake)
	return r
}

func copied(r storage.Record) storage.Record {
	r.Data = bytes.Clone(r.Data)
	return r
}
