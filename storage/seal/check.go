package seal

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
)

// tryMasterKey opens one data key of the store, if there is any: the installation's, or the first tenant's.
func (s *Sealer) tryMasterKey(ctx context.Context) error {
	for rec, err := range s.rings(ctx, "") {
		if err != nil {
			return err
		}
		r, err := decodeRing(rec)
		if err != nil || r.Shredded {
			continue // a damaged ring tells nothing about the master key, and is reported to those who need it
		}
		k, _ := r.find(r.Active)
		raw, err := s.unwrap(ctx, rec.Tenant, k)
		clear(raw)
		return err
	}
	return nil
}

// rings visits the record of every ring in the store, in the order of the tenants, from one tenant on. An error is the
// last thing that it yields.
func (s *Sealer) rings(ctx context.Context, from string) func(yield func(storage.Record, error) bool) {
	return func(yield func(storage.Record, error) bool) {
		after := storage.Position{Tenant: from}
		for {
			page, err := s.store.List(ctx, storage.Query{Kind: Kind, AllTenants: true, After: after, Limit: ringPage})
			if err != nil {
				yield(storage.Record{}, fmt.Errorf("listing the data keys: %w", err))
				return
			}
			for _, rec := range page {
				after = rec.Position()
				if !yield(rec, nil) {
					return
				}
			}
			if len(page) < ringPage {
				return
			}
		}
	}
}

const ringPage = 100

// Empty reports whether nothing was ever sealed in the store: it has no data key, not even a shredded one, and no secret,
// whose data key somebody may have deleted.
func Empty(ctx context.Context, store storage.Store) (bool, error) {
	for _, kind := range []string{Kind, storage.KindSecret} {
		page, err := store.List(ctx, storage.Query{Kind: kind, AllTenants: true, Limit: 1})
		if err != nil || len(page) > 0 {
			return false, err
		}
	}
	return true, nil
}

// MasterKeys counts the store's data keys by the master key that wraps them. A master key that counts none, after a
// [Sealer.RewrapAll] without error, is no longer needed by this store, though it may be by a backup of it.
func (s *Sealer) MasterKeys(ctx context.Context) (map[string]int, error) {
	count := make(map[string]int)
	for rec, err := range s.rings(ctx, "") {
		if err != nil {
			return nil, err
		}
		r, err := decodeRing(rec)
		if err != nil {
			return nil, err
		}
		for _, k := range r.Keys {
			count[k.Master]++
		}
	}
	return count, nil
}
