package bolt

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/storage"
)

// shared opens the file around each call.
type shared struct {
	path    string
	options Options
	turn    chan struct{} // calls of this process wait for each other here, in order, not at the file
	left    state         // the file as the last call left it; used by the one who has the turn
}

// Shared returns a store that opens the file at path for each call and releases it afterwards, so that several
// processes can use it in turn: the choice of a command line tool. A call waits up to o.Wait for the others. An opening
// examines the file if somebody else wrote to it meanwhile, so a process that serves many calls on a large store takes
// [Open].
//
// Nothing is opened before the first call, whose errors are therefore those of [Open], too.
func Shared(path string, o Options) storage.Store {
	return &shared{path: path, options: o.withDefaults(), turn: make(chan struct{}, 1)}
}

func (s *shared) with(ctx context.Context, do func(*Store) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	store, err := open(ctx, s.path, s.options, s.left)
	if err != nil {
		return err
	}
	err = do(store)
	left, closing := store.leave()
	s.left = left
	if closing != nil && err != nil {
		err = errors.Join(err, closing)
	}
	return err // what was committed stays committed, however the file was closed
}

func (s *shared) Get(ctx context.Context, k storage.RecordKey) (r storage.Record, err error) {
	err = s.with(ctx, func(store *Store) error { r, err = store.Get(ctx, k); return err })
	return r, err
}

func (s *shared) GetMany(ctx context.Context, keys []storage.RecordKey) (found map[storage.RecordKey]storage.Record, err error) {
	if err := storage.ValidateKeys(keys); err != nil {
		return nil, err
	}
	err = s.with(ctx, func(store *Store) error { found, err = store.GetMany(ctx, keys); return err })
	return found, err
}

func (s *shared) Commit(ctx context.Context, w storage.Write) error {
	if err := w.Validate(); err != nil {
		return err
	}
	return s.with(ctx, func(store *Store) error { return store.Commit(ctx, w) })
}

func (s *shared) Claim(ctx context.Context, c storage.Claim) (claimed storage.Claimed, err error) {
	err = s.with(ctx, func(store *Store) error { claimed, err = store.Claim(ctx, c); return err })
	return claimed, err
}

func (s *shared) List(ctx context.Context, q storage.Query) (page []storage.Record, err error) {
	err = s.with(ctx, func(store *Store) error { page, err = store.List(ctx, q); return err })
	return page, err
}

func (s *shared) Count(ctx context.Context, q storage.Query) (counts map[string]int, err error) {
	err = s.with(ctx, func(store *Store) error { counts, err = store.Count(ctx, q); return err })
	return counts, err
}
