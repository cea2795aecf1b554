package bolt

import (
	"bytes"
	"context"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
)

// fewRecords is how many a page holds before it has room for as many as were asked for: most lists are short.
const fewRecords = 64

// List implements [storage.Store].
func (s *Store) List(ctx context.Context, q storage.Query) (page []storage.Record, err error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err = s.view(ctx, func(t tx) error {
		page = nil
		return t.scan(q, func(k storage.RecordKey) (bool, error) {
			r, found, err := t.read(k)
			if err != nil {
				return false, err
			}
			if !found {
				return false, missing(k)
			}
			if len(page) == fewRecords {
				page = slices.Grow(page, q.Limit-fewRecords)
			}
			page = append(page, r)
			return len(page) < q.Limit, ctx.Err()
		})
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// Count implements [storage.Store].
func (s *Store) Count(ctx context.Context, q storage.Query) (counts map[string]int, err error) {
	q.Limit, q.After = storage.MaxPage, storage.Position{}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err = s.view(ctx, func(t tx) error {
		counts = make(map[string]int)
		if q.Parent != "" {
			return t.countOfParent(ctx, q, counts)
		}
		return t.countByState(ctx, q, counts)
	})
	if err != nil {
		return nil, err
	}
	return counts, nil
}

// scan calls visit with the key of each record that q selects, in order, until it returns false.
func (t tx) scan(q storage.Query, visit func(storage.RecordKey) (more bool, err error)) error {
	index, column := t.records, ""
	prefix := joined(q.Kind, "")
	switch {
	case q.Parent != "":
		index, column = t.parents, q.State
		prefix = joined(q.Kind, q.Parent, "")
	case q.State != "":
		index = t.states
		prefix = joined(q.Kind, q.State, "")
	}
	after := joined(q.After.Tenant, q.After.ID)
	within, start := prefix, append(bytes.Clone(prefix), after...)
	if !q.AllTenants {
		within = append(bytes.Clone(prefix), joined(q.Tenant, "")...)
	}
	if bytes.Compare(start, within) < 0 {
		start = within
	}
	return each(index, within, start, func(key, value []byte) (bool, error) {
		rest := key[len(prefix):]
		if bytes.Equal(rest, after) || column != "" && string(value) != column {
			return true, nil
		}
		tenant, id, _ := bytes.Cut(rest, []byte{0})
		return visit(storage.RecordKey{Kind: q.Kind, Tenant: string(tenant), ID: string(id)})
	})
}

// each visits the entries that begin with prefix, from start on.
func each(b *bbolt.Bucket, prefix, start []byte, visit func(key, value []byte) (bool, error)) error {
	c := b.Cursor()
	for key, value := c.Seek(start); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		if more, err := visit(key, value); err != nil || !more {
			return err
		}
	}
	return nil
}

func (t tx) countOfParent(ctx context.Context, q storage.Query, counts map[string]int) error {
	prefix := joined(q.Kind, q.Parent, "")
	if !q.AllTenants {
		prefix = joined(q.Kind, q.Parent, q.Tenant, "")
	}
	return each(t.parents, prefix, prefix, func(_, state []byte) (bool, error) {
		if q.State == "" || string(state) == q.State {
			counts[string(state)]++
		}
		return true, ctx.Err()
	})
}

// countByState goes from one state to the next in the index of states.
func (t tx) countByState(ctx context.Context, q storage.Query, counts map[string]int) error {
	kind := joined(q.Kind, "")
	c := t.states.Cursor()
	for key, _ := c.Seek(joined(q.Kind, q.State)); bytes.HasPrefix(key, kind); {
		state, _, _ := bytes.Cut(key[len(kind):], []byte{0})
		name := string(state)
		if q.State != "" && name != q.State {
			return nil
		}
		prefix := joined(q.Kind, name, "")
		if !q.AllTenants {
			prefix = joined(q.Kind, name, q.Tenant, "")
		}
		n := 0
		err := each(t.states, prefix, prefix, func(_, _ []byte) (bool, error) { n++; return true, ctx.Err() })
		if err != nil {
			return err
		}
		if n > 0 {
			counts[name] = n
		}
		key, _ = c.Seek(append(joined(q.Kind, name), 1)) // behind the NUL that ends this state
	}
	return nil
}
