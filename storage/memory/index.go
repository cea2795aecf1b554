package memory

import (
	"cmp"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// due is an entry of the index of wake times of one kind.
type due struct {
	wake time.Time
	key  storage.RecordKey
}

func compareDue(a, b due) int {
	return cmp.Or(a.wake.Compare(b.wake), compareKeys(a.key, b.key))
}

// compareKeys orders the keys of one kind as listings do.
func compareKeys(a, b storage.RecordKey) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind))
}

// index finds the records of one kind.
type index struct {
	listed ordered[storage.RecordKey]
	due    ordered[due]
}

// put stores a record and keeps the indexes in step.
func (s *Store) put(r storage.Record) {
	s.remove(r.RecordKey)
	ix := s.kinds[r.Kind]
	if ix == nil {
		ix = &index{listed: ordered[storage.RecordKey]{compare: compareKeys}, due: ordered[due]{compare: compareDue}}
		s.kinds[r.Kind] = ix
	}
	s.records[r.RecordKey] = r
	ix.listed.add(r.RecordKey)
	if !r.Wake.IsZero() {
		ix.due.add(due{r.Wake, r.RecordKey})
	}
}

func (s *Store) remove(k storage.RecordKey) {
	old, ok := s.records[k]
	if !ok {
		return
	}
	ix := s.kinds[k.Kind]
	ix.listed.remove(k)
	if !old.Wake.IsZero() {
		ix.due.remove(due{old.Wake, k})
	}
	delete(s.records, k)
}
