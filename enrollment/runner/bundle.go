package runner

import (
	"errors"

	"github.com/abmrenew/abmrenew/storage"
)

// The most that is written at once for many records.
const (
	maxBundled     = 5_000    // records of one write
	maxBundledData = 16 << 20 // bytes of their data
)

// bundle puts the writes of several changes into one. Each of them could be committed by itself, and none touches what another
// one of them touches: they share only what they hold.
type bundle struct {
	storage.Write
	held  map[storage.RecordKey]int64 // versions
	moved map[storage.RecordKey]bool
	parts []part
	data  int
}

// part is what one errand has in a bundle.
type part struct {
	*errand
	*change
}

func newBundle() *bundle {
	return &bundle{held: map[storage.RecordKey]int64{}, moved: map[storage.RecordKey]bool{}}
}

// full reports whether the write of another change might be too much.
func (b *bundle) full(w storage.Write) bool {
	n, data := len(w.Put)+len(w.Hold)+len(w.Delete), b.data
	for _, rec := range w.Put {
		data += len(rec.Data)
	}
	return len(b.parts) > 0 && (len(b.Put)+len(b.Hold)+len(b.Delete)+n > maxBundled || data > maxBundledData)
}

// add takes in the write of a change, unless it touches what is there.
func (b *bundle) add(p part) bool {
	w := p.write
	for _, rec := range w.Put {
		if b.touches(rec.RecordKey) {
			return false
		}
	}
	for _, ref := range w.Delete {
		if b.touches(ref.RecordKey) {
			return false
		}
	}
	for _, ref := range w.Hold {
		if version, held := b.held[ref.RecordKey]; b.moved[ref.RecordKey] || held && version != ref.Version {
			return false
		}
	}
	for _, rec := range w.Put {
		b.moved[rec.RecordKey] = true
		b.data += len(rec.Data)
	}
	for _, ref := range w.Delete {
		b.moved[ref.RecordKey] = true
	}
	for _, ref := range w.Hold {
		if _, held := b.held[ref.RecordKey]; !held {
			b.held[ref.RecordKey] = ref.Version
			b.Hold = append(b.Hold, ref)
		}
	}
	b.Put, b.Delete = append(b.Put, w.Put...), append(b.Delete, w.Delete...)
	b.parts = append(b.parts, p)
	return true
}

func (b *bundle) touches(k storage.RecordKey) bool {
	_, held := b.held[k]
	return held || b.moved[k]
}

// without takes a bundle apart: those whose write touches the record that a conflict names, and a bundle of the others. Where
// the conflict names none, they are all.
func (b *bundle) without(err error) (those []part, rest *bundle) {
	rest = newBundle()
	conflict, named := errors.AsType[*storage.ConflictError](err)
	for _, p := range b.parts {
		if !named || touchesIn(p.write, conflict.Key) || !rest.add(p) {
			those = append(those, p)
		}
	}
	if len(those) == 0 { // it names what nobody touches
		return b.parts, newBundle()
	}
	return those, rest
}

func touchesIn(w storage.Write, k storage.RecordKey) bool {
	for _, rec := range w.Put {
		if rec.RecordKey == k {
			return true
		}
	}
	for _, refs := range [][]storage.Ref{w.Hold, w.Delete} {
		for _, ref := range refs {
			if ref.RecordKey == k {
				return true
			}
		}
	}
	return false
}
