package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"

	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
)

// errDisagree is the damage that the structure of a file does not show: an index that does not say what the records say.
// A renewal that the due index has lost would never be woken.
var errDisagree = errors.New("its indexes do not agree with its records")

// sums adds up the hashes of the entries of each index, in whatever order they come.
type sums struct {
	hash maphash.Hash
	of   map[*bbolt.Bucket]uint64
}

func (s *sums) add(index *bbolt.Bucket, key, value []byte) {
	if key == nil {
		return
	}
	s.hash.Reset()
	_, _ = s.hash.Write(key)
	_ = s.hash.WriteByte(0)
	_, _ = s.hash.Write(value)
	s.of[index] += s.hash.Sum64()
}

// agree compares the indexes with what the records ask for. If a record is damaged, its entries cannot be told: that one
// answers with an error when it is read, and the others can be used if what they ask for is there.
func (t tx) agree() error {
	asked, found := sums{of: map[*bbolt.Bucket]uint64{}}, sums{of: map[*bbolt.Bucket]uint64{}}
	found.hash.SetSeed(asked.hash.Seed())
	leases, damaged := 0, false
	err := t.records.ForEach(func(key, value []byte) error {
		asked.add(t.records, key, nil)
		parts := bytes.SplitN(key, []byte{0}, 3)
		if len(parts) < 3 {
			return errDisagree
		}
		k := storage.RecordKey{Kind: string(parts[0]), Tenant: string(parts[1]), ID: string(parts[2])}
		r, _, err := decodeColumns(k, key, value)
		put := r.Version
		if err == nil {
			err = t.current(key, &r)
		}
		if err != nil {
			damaged = true
			return nil
		}
		if r.Version != put {
			leases++
		}
		asked.add(t.due, dueKey(r), nil)
		asked.add(t.states, stateKey(r), nil)
		asked.add(t.parents, parentKey(r), []byte(r.State))
		return nil
	})
	if err != nil {
		return err
	}
	for _, index := range []*bbolt.Bucket{t.due, t.states, t.parents} {
		err := index.ForEach(func(key, value []byte) error {
			found.add(index, key, value)
			if index == t.states {
				found.add(t.records, ofState(key), nil)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if asked.of[index] != found.of[index] && !damaged {
			return errDisagree
		}
	}
	if asked.of[t.records] != found.of[t.records] {
		return errDisagree
	}
	if damaged {
		return t.agreeBesideDamage()
	}
	return t.agreeOnTheRest(leases, asked, found)
}

// agreeBesideDamage looks up what each sound record asks for, where sums cannot tell because another one is damaged.
func (t tx) agreeBesideDamage() error {
	return t.records.ForEach(func(key, _ []byte) error {
		parts := bytes.SplitN(key, []byte{0}, 3)
		r, _, err := t.columns(storage.RecordKey{Kind: string(parts[0]), Tenant: string(parts[1]), ID: string(parts[2])})
		if err != nil {
			return nil // the damaged one
		}
		if due := dueKey(r); due != nil && t.due.Get(due) == nil {
			return errDisagree
		}
		if parent := parentKey(r); parent != nil && string(t.parents.Get(parent)) != r.State {
			return errDisagree
		}
		if t.states.Get(stateKey(r)) == nil {
			return errDisagree
		}
		return nil
	})
}

// ofState returns the key of the record that an entry of the index of states belongs to; each has one.
func ofState(key []byte) []byte {
	parts := bytes.SplitN(key, []byte{0}, 3)
	if len(parts) < 3 {
		return []byte{}
	}
	return bytes.Join([][]byte{parts[0], parts[2]}, []byte{0})
}

// agreeOnTheRest compares the leases with the records that have one, and deletions by key with those by time.
func (t tx) agreeOnTheRest(leases int, asked, found sums) error {
	err := t.leases.ForEach(func(_, _ []byte) error { leases--; return nil })
	if err == nil && leases != 0 {
		err = fmt.Errorf("%w: a lease has no record", errDisagree)
	}
	if err == nil {
		err = t.gone.ForEach(func(key, value []byte) error {
			_, at, ok := readStamp(key, value)
			if !ok {
				return errDisagree
			}
			asked.add(t.past, append(instant(at), key...), nil)
			return nil
		})
	}
	if err == nil {
		err = t.past.ForEach(func(key, _ []byte) error { found.add(t.past, key, nil); return nil })
	}
	if err == nil && asked.of[t.past] != found.of[t.past] {
		err = fmt.Errorf("%w: the deletions differ", errDisagree)
	}
	return err
}
