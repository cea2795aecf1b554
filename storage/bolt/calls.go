package bolt

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
)

// Get implements [storage.Store].
func (s *Store) Get(ctx context.Context, k storage.RecordKey) (r storage.Record, err error) {
	if err := k.Validate(); err != nil {
		return r, err
	}
	err = s.view(ctx, func(t tx) error {
		var found bool
		var err error
		if r, found, err = t.read(k); err == nil && !found {
			err = fmt.Errorf("%w: %v", storage.ErrNotFound, k)
		}
		return err
	})
	if err != nil {
		return storage.Record{}, err
	}
	return r, nil
}

// GetMany implements [storage.Store].
func (s *Store) GetMany(ctx context.Context, keys []storage.RecordKey) (found map[storage.RecordKey]storage.Record, err error) {
	if err := storage.ValidateKeys(keys); err != nil {
		return nil, err
	}
	err = s.view(ctx, func(t tx) error {
		found = make(map[storage.RecordKey]storage.Record, len(keys))
		for _, k := range keys {
			r, there, err := t.read(k)
			if err != nil {
				return err
			}
			if there {
				found[k] = r
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Commit implements [storage.Store].
func (s *Store) Commit(ctx context.Context, w storage.Write) error {
	if err := w.Validate(); err != nil {
		return err
	}
	now := storage.Instant(s.options.Now())
	return s.update(ctx, func(t tx) error {
		for _, hold := range w.Hold {
			if _, err := t.expect(hold); err != nil {
				return err
			}
		}
		for _, r := range w.Put {
			old, err := t.expect(r.Ref())
			if err != nil {
				return err
			}
			if r.Version == 0 {
				// Goes on counting, so that a reference to what was deleted never fits again.
				if r.Version, err = t.buried(r.RecordKey); err != nil {
					return err
				}
			}
			r.Version++
			r.Wake = storage.Instant(r.Wake)
			if err := t.replace(old, r); err != nil {
				return err
			}
		}
		for _, ref := range w.Delete {
			old, err := t.expect(ref)
			if err != nil {
				return err
			}
			if err := t.remove(old, now); err != nil {
				return err
			}
		}
		return t.forget(now, 2*len(w.Delete))
	})
}
