package bolt

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
)

// WithoutSync returns o for a store that never asks the operating system to write.
func WithoutSync(o Options) Options {
	o.noSync = true
	return o
}

// Agree checks that the indexes of a store and its records say the same.
func Agree(s *Store) error {
	return s.view(context.Background(), func(t tx) error {
		want := map[*bbolt.Bucket]map[string]string{t.due: {}, t.states: {}, t.parents: {}}
		leases := 0
		err := t.records.ForEach(func(key, value []byte) error {
			parts := bytes.SplitN(key, []byte{0}, 3)
			k := storage.RecordKey{Kind: string(parts[0]), Tenant: string(parts[1]), ID: string(parts[2])}
			put, err := decode(k, key, value)
			if err != nil {
				return err
			}
			r, _, err := t.read(k)
			if err != nil {
				return err
			}
			if t.leases.Get(key) != nil {
				leases++
				if put.Version >= r.Version || !r.Wake.After(put.Wake) {
					return fmt.Errorf("the lease of %v is older than the record", k)
				}
			}
			want[t.states][string(stateKey(r))] = ""
			if due := dueKey(r); due != nil {
				want[t.due][string(due)] = ""
			}
			if parent := parentKey(r); parent != nil {
				want[t.parents][string(parent)] = r.State
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n := t.leases.Stats().KeyN; n != leases {
			return fmt.Errorf("%d leases of %d records", n, leases)
		}
		for index, entries := range want {
			err := index.ForEach(func(key, value []byte) error {
				if state, ok := entries[string(key)]; !ok || state != string(value) {
					return fmt.Errorf("an index has %q = %q, and no record says so", key, value)
				}
				delete(entries, string(key))
				return nil
			})
			if err != nil {
				return err
			}
			for key := range entries {
				return fmt.Errorf("an index lacks %q", key)
			}
		}
		return t.agreeOnGraves()
	})
}

// agreeOnGraves checks that each deletion is known by key and by time.
func (t tx) agreeOnGraves() error {
	graves := 0
	err := t.gone.ForEach(func(key, value []byte) error {
		graves++
		if len(value) != 16 || t.past.Get(append(bytes.Clone(value[8:]), key...)) == nil {
			return fmt.Errorf("the deletion of %q is not known by time", key)
		}
		if t.records.Get(key) != nil {
			return fmt.Errorf("%q is there and deleted", key)
		}
		return nil
	})
	if dates := t.past.Stats().KeyN; err == nil && dates != graves {
		return fmt.Errorf("%d deletions by key, %d by time", graves, dates)
	}
	return err
}
