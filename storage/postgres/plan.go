package postgres

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// plan is a write, ordered for the database.
type plan struct {
	locks       []demand         // what must be there, or must not, in the order of the keys
	create, put []storage.Record // in the order of their keys
	remove      []storage.RecordKey
	tids        map[storage.RecordKey]string // where the locked rows are
	careful     bool                         // one of the new records has a row already
}

// bulk reports whether there are so many new records that COPY is worth its round trips.
func (p *plan) bulk() bool { return !p.careful && len(p.create) >= 500 }

// demand is a record that is compared, and whether it is then changed.
type demand struct {
	storage.Ref
	change bool
}

// row is what is stored of a locked record; the zero value: nothing.
type row struct {
	tid     string
	version int64
	gone    bool
}

func planned(w storage.Write) (*plan, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	p := &plan{tids: make(map[storage.RecordKey]string)}
	for _, r := range w.Put {
		if r.Wake.Year() < oldest || r.Wake.Year() > newest {
			return nil, fmt.Errorf("%w: wake time of %v is in the year %d", storage.ErrInvalid, r.RecordKey, r.Wake.Year())
		}
		if r.Version == 0 {
			p.create = append(p.create, r)
			continue
		}
		p.put = append(p.put, r)
		p.locks = append(p.locks, demand{r.Ref(), true})
	}
	for _, h := range w.Hold {
		p.locks = append(p.locks, demand{h, false})
	}
	for _, d := range w.Delete {
		p.remove = append(p.remove, d.RecordKey)
		p.locks = append(p.locks, demand{d, true})
	}
	byKey := func(a, b storage.Record) int { return compareKeys(a.RecordKey, b.RecordKey) }
	if !p.bulk() {
		// A new record may have a row, or get one from somebody else: its place is among the others, so that no two writes
		// wait for each other. Where thousands are made at once, this would cost too much.
		for _, r := range p.create {
			p.locks = append(p.locks, demand{r.Ref(), true})
		}
	}
	slices.SortFunc(p.create, byKey)
	slices.SortFunc(p.put, byKey)
	slices.SortFunc(p.locks, func(a, b demand) int { return compareKeys(a.RecordKey, b.RecordKey) })
	return p, nil
}

// What a timestamptz holds, and what programs print: years of four digits.
const oldest, newest = 1, 9999

// compare reports a conflict, if there is one, and the records whose absence is demanded and that have no row.
func (p *plan) compare(locks []demand, found []row) (absent []demand, err error) {
	for i, l := range locks {
		r := found[i]
		stored := r.version
		if r.gone {
			stored = 0
		}
		switch {
		case stored != l.Version:
			return nil, &storage.ConflictError{Key: l.RecordKey}
		case r.tid == "" && !l.change:
			absent = append(absent, l)
		default:
			p.tids[l.RecordKey] = r.tid
		}
	}
	return absent, nil
}

// chunkSize bounds the data in one statement: a server takes no message of a gigabyte.
const chunkSize = 16 << 20

// chunks cuts records into parts that one statement takes.
func chunks(records []storage.Record) iter.Seq[[]storage.Record] {
	return func(yield func([]storage.Record) bool) {
		from, size := 0, 0
		for i, r := range records {
			if size > 0 && size+len(r.Data) > chunkSize {
				if !yield(records[from:i]) {
					return
				}
				from, size = i, 0
			}
			size += len(r.Data) + 1
		}
		if from < len(records) {
			yield(records[from:])
		}
	}
}

// values are records as columns.
type values struct {
	parents, states []string
	wakes           []*time.Time
	data            [][]byte
}

func valuesOf(records []storage.Record) values {
	var v values
	for i := range records {
		r := &records[i]
		v.parents, v.states = append(v.parents, r.Parent), append(v.states, r.State)
		var wake *time.Time
		if !r.Wake.IsZero() {
			wake = &r.Wake
		}
		v.wakes = append(v.wakes, wake)
		if r.Data == nil {
			v.data = append(v.data, []byte{}) // an empty one, not none
		} else {
			v.data = append(v.data, r.Data)
		}
	}
	return v
}

func keysOf(records []storage.Record) []storage.RecordKey {
	keys := make([]storage.RecordKey, len(records))
	for i := range records {
		keys[i] = records[i].RecordKey
	}
	return keys
}

func columnsOf(keys []storage.RecordKey) (kinds, tenants, ids []string) {
	kinds, tenants, ids = make([]string, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		kinds[i], tenants[i], ids[i] = k.Kind, k.Tenant, k.ID
	}
	return kinds, tenants, ids
}

func columnsOfDemands(locks []demand) (kinds, tenants, ids []string, change []bool) {
	keys, change := make([]storage.RecordKey, len(locks)), make([]bool, len(locks))
	for i, l := range locks {
		keys[i], change[i] = l.RecordKey, l.change
	}
	kinds, tenants, ids = columnsOf(keys)
	return kinds, tenants, ids, change
}

// at returns where the rows of locked records are.
func (p *plan) at(keys []storage.RecordKey) []string {
	tids := make([]string, len(keys))
	for i, k := range keys {
		tids[i] = p.tids[k]
	}
	return tids
}
