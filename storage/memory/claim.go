package memory

import (
	"context"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// Claim implements [storage.Store].
func (s *Store) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	if err := ctx.Err(); err != nil {
		return storage.Claimed{}, err
	}
	if err := c.Validate(); err != nil {
		return storage.Claimed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	claimed := storage.Claimed{Now: storage.Instant(s.now())}
	// One more than wanted tells whether there are more.
	for i, d := range s.earliest(c, c.Limit+1) {
		if d.wake.After(claimed.Now) {
			break
		}
		if i == c.Limit {
			claimed.More = true
			break
		}
		r := s.records[d.key]
		r.Wake = storage.Instant(claimed.Now.Add(c.Lease))
		r.Version++
		s.put(r)
		claimed.Records = append(claimed.Records, copied(r))
	}
	if !claimed.More {
		claimed.Next = s.firstWake(c)
	}
	return claimed, nil
}

// firstWake returns when the first record that c names is due.
func (s *Store) firstWake(c storage.Claim) time.Time {
	first := s.earliest(c, 1)
	if len(first) == 0 {
		return time.Time{}
	}
	return first[0].wake
}

// earliest returns the n records that c names and that wake first.
func (s *Store) earliest(c storage.Claim, n int) []due {
	var found []due
	if len(c.Keys) > 0 {
		for _, k := range c.Keys {
			if r, ok := s.records[k]; ok && !r.Wake.IsZero() {
				found = append(found, due{r.Wake, k})
			}
		}
	} else {
		for _, kind := range c.Kinds {
			found = append(found, s.kinds[kind].earliest(c.Shard, n)...)
		}
	}
	slices.SortFunc(found, compareDue)
	found = slices.CompactFunc(found, func(a, b due) bool { return a.key == b.key }) // named twice
	return found[:min(n, len(found))]
}

func (ix *index) earliest(shard storage.Shard, n int) []due {
	if ix == nil {
		return nil
	}
	var found []due
	for d := range ix.due.from(due{}) {
		if len(found) == n {
			break
		}
		if shard.Holds(d.key.Tenant) {
			found = append(found, d)
		}
	}
	return found
}
