package memory

import (
	"context"
	"iter"

	"github.com/abmrenew/abmrenew/storage"
)

// List implements [storage.Store].
func (s *Store) List(ctx context.Context, q storage.Query) ([]storage.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var page []storage.Record
	for r := range s.matching(q) {
		page = append(page, copied(r))
		if len(page) == q.Limit {
			break
		}
	}
	return page, nil
}

// Count implements [storage.Store].
func (s *Store) Count(ctx context.Context, q storage.Query) (map[string]int, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.Limit, q.After = storage.MaxPage, storage.Position{}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	counts := make(map[string]int)
	for r := range s.matching(q) {
		counts[r.State]++
	}
	return counts, nil
}

// matching yields the records that q selects, in order.
func (s *Store) matching(q storage.Query) iter.Seq[storage.Record] {
	return func(yield func(storage.Record) bool) {
		ix := s.kinds[q.Kind]
		if ix == nil {
			return
		}
		start := storage.RecordKey{Kind: q.Kind, Tenant: q.After.Tenant, ID: q.After.ID}
		if !q.AllTenants && start.Tenant < q.Tenant {
			start.Tenant, start.ID = q.Tenant, ""
		}
		for k := range ix.listed.from(start) {
			if !q.AllTenants && k.Tenant != q.Tenant {
				return
			}
			r := s.records[k]
			if k.Tenant == q.After.Tenant && k.ID == q.After.ID ||
				q.Parent != "" && r.Parent != q.Parent || q.State != "" && r.State != q.State {
				continue
			}
			if !yield(r) {
				return
			}
		}
	}
}
