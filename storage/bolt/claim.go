package bolt

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// dueRecord is an entry of the due index.
type dueRecord struct {
	wake time.Time
	key  storage.RecordKey
}

func compareDue(a, b dueRecord) int {
	return cmp.Or(a.wake.Compare(b.wake),
		cmp.Compare(a.key.Tenant, b.key.Tenant), cmp.Compare(a.key.ID, b.key.ID), cmp.Compare(a.key.Kind, b.key.Kind))
}

// Claim implements [storage.Store].
func (s *Store) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	if err := c.Validate(); err != nil {
		return storage.Claimed{}, err
	}
	// A look first: most claims of an idle worker find nothing, and a look costs no write.
	var claimed storage.Claimed
	var idle bool
	err := s.view(ctx, func(t tx) error {
		claimed = storage.Claimed{Now: storage.Instant(s.options.Now())}
		first, err := t.earliest(c, 1)
		if err != nil {
			return err
		}
		nothing := len(first) == 0 || first[0].wake.After(claimed.Now)
		if nothing && len(first) > 0 {
			claimed.Next = first[0].wake
		}
		claimed.More = !nothing
		idle = nothing || c.Limit == 0
		return nil
	})
	if err != nil || idle {
		return claimed, err
	}
	err = s.update(ctx, func(t tx) error {
		claimed = storage.Claimed{Now: storage.Instant(s.options.Now())}
		return t.claim(c, &claimed)
	})
	if err != nil {
		return storage.Claimed{}, err
	}
	return claimed, nil
}

func (t tx) claim(c storage.Claim, claimed *storage.Claimed) error {
	first, err := t.earliest(c, c.Limit+1) // one more tells whether there are more
	if err != nil {
		return err
	}
	for i, d := range first {
		if d.wake.After(claimed.Now) {
			break
		}
		if i == c.Limit {
			claimed.More = true
			return nil
		}
		old, found, err := t.read(d.key)
		if err != nil {
			return err
		}
		if !found {
			return missing(d.key)
		}
		r := old
		r.Wake = storage.Instant(claimed.Now.Add(c.Lease))
		r.Version++
		if err := t.leased(old, r); err != nil {
			return err
		}
		claimed.Records = append(claimed.Records, r)
	}
	if first, err = t.earliest(c, 1); err == nil && len(first) > 0 {
		claimed.Next = first[0].wake
	}
	return err
}

// earliest returns the n records that c names and that wake first.
func (t tx) earliest(c storage.Claim, n int) ([]dueRecord, error) {
	var found []dueRecord
	if len(c.Keys) > 0 {
		for _, k := range c.Keys {
			r, _, err := t.columns(k)
			if err != nil {
				return nil, err
			}
			if !r.Wake.IsZero() {
				found = append(found, dueRecord{r.Wake, k})
			}
		}
	} else {
		for _, kind := range c.Kinds {
			found = append(found, t.earliestOf(kind, c.Shard, n)...)
		}
	}
	slices.SortFunc(found, compareDue)
	found = slices.CompactFunc(found, func(a, b dueRecord) bool { return a.key == b.key }) // named twice
	return found[:min(n, len(found))], nil
}

func (t tx) earliestOf(kind string, shard storage.Shard, n int) []dueRecord {
	var found []dueRecord
	prefix := joined(kind, "")
	c := t.due.Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix) && len(found) < n; key, _ = c.Next() {
		if wake, k, ok := splitDue(kind, key[len(prefix):]); ok && shard.Holds(k.Tenant) {
			found = append(found, dueRecord{wake, k})
		}
	}
	return found
}
