package bolt

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
)

// Store keeps records in a file that it holds open. It is safe for concurrent use.
type Store struct {
	path    string
	options Options
	writing chan struct{} // has room for the one writer

	mu     sync.RWMutex // held for reading during each call, so that Close waits for them
	file   *file
	broken error // set once the file was found damaged: nothing more is read or written
	lost   sync.Mutex
}

var _ storage.Store = (*Store)(nil)

// Open opens the store file at path, which is made if it does not exist, and holds it until Close. The error matches
// [storage.ErrLocked] if another process keeps the file for longer than o.Wait, [storage.ErrDamaged] if the file was
// cut short or changed, and [storage.ErrFull] if there is no room for a new one.
func Open(path string, o Options) (*Store, error) {
	return open(context.Background(), path, o.withDefaults(), state{})
}

func open(ctx context.Context, path string, o Options, known state) (*Store, error) {
	f, err := openFile(ctx, path, o, known)
	if err != nil {
		return nil, err
	}
	return &Store{path: path, options: o, writing: make(chan struct{}, 1), file: f}, nil
}

// Close waits for calls that are under way and releases the file. Calls after it fail with an error that matches
// [fs.ErrClosed].
func (s *Store) Close() error {
	_, err := s.leave()
	return err
}

// leave closes the store and tells at which state it left the file.
func (s *Store) leave() (state, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return state{}, nil
	}
	left, err := s.file.leave(s.path, s.damage() == nil)
	s.file = nil
	return left, err
}

func (s *Store) damage() error {
	s.lost.Lock()
	defer s.lost.Unlock()
	return s.broken
}

// view runs do in a transaction that only reads.
func (s *Store) view(ctx context.Context, do func(tx) error) error {
	return s.call(ctx, func(db *bbolt.DB) error {
		return db.View(func(t *bbolt.Tx) error { return do(begun(t)) })
	})
}

// update runs do in the one transaction that writes, and makes what it did durable.
func (s *Store) update(ctx context.Context, do func(tx) error) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.call(ctx, func(db *bbolt.DB) error {
		var id int
		var refused error
		err := db.Update(func(t *bbolt.Tx) error {
			id = t.ID()
			if refused = do(begun(t)); refused == nil {
				refused = ctx.Err() // the last moment to turn back
			}
			return refused
		})
		if err == nil || refused != nil {
			return err
		}
		return s.failed(db, id, err)
	})
}

// failed explains why transaction id could not be written. Where its meta page got as far as the operating system,
// nobody can tell what the disk has: the outcome is unknown.
func (s *Store) failed(db *bbolt.DB, id int, err error) error {
	written := true
	if seen := db.View(func(t *bbolt.Tx) error { written = t.ID() >= id; return nil }); seen == nil && !written && isFull(err) {
		return fmt.Errorf("%w: %s: make room, then try again (%w)", storage.ErrFull, s.path, err)
	}
	return fmt.Errorf("writing %s: %w", s.path, err)
}

func (s *Store) call(ctx context.Context, do func(*bbolt.DB) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.file == nil {
		return fmt.Errorf("store file %s: %w", s.path, fs.ErrClosed)
	}
	if err := s.damage(); err != nil {
		return err
	}
	var err error
	if fault := guarded(func() { err = do(s.file.db) }); fault != nil {
		// bbolt may hold its locks now, and whatever it has in memory is worthless.
		err = damaged(s.path, fmt.Sprint(fault))
		s.lost.Lock()
		s.broken = err
		s.lost.Unlock()
	}
	return err
}
