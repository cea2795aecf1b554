package bolt

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
)

// tx is one transaction over the buckets.
type tx struct {
	records, leases, due, states, parents, gone, past *bbolt.Bucket
}

func begun(t *bbolt.Tx) tx {
	return tx{
		records: t.Bucket(recordsBucket), leases: t.Bucket(leasesBucket), due: t.Bucket(dueBucket), states: t.Bucket(statesBucket),
		parents: t.Bucket(parentsBucket), gone: t.Bucket(goneBucket), past: t.Bucket(pastBucket),
	}
}

// read returns the record at k, and whether there is one.
func (t tx) read(k storage.RecordKey) (storage.Record, bool, error) {
	key := recordKey(k)
	value := t.records.Get(key)
	if value == nil {
		return storage.Record{}, false, nil
	}
	r, err := decode(k, key, value)
	if err == nil {
		err = t.current(key, &r)
	}
	return r, true, err
}

// columns is read without a copy of the data.
func (t tx) columns(k storage.RecordKey) (storage.Record, bool, error) {
	key := recordKey(k)
	value := t.records.Get(key)
	if value == nil {
		return storage.Record{RecordKey: k}, false, nil
	}
	r, _, err := decodeColumns(k, key, value)
	if err == nil {
		err = t.current(key, &r)
	}
	return r, true, err
}

// expect returns the columns of the record that ref names, if it is at that version.
func (t tx) expect(ref storage.Ref) (storage.Record, error) {
	r, _, err := t.columns(ref.RecordKey)
	if err == nil && r.Version != ref.Version {
		err = &storage.ConflictError{Key: ref.RecordKey}
	}
	return r, err
}

// replace stores r, with its new version, in place of old; the zero Version of old says that there is none.
func (t tx) replace(old, r storage.Record) error {
	key := recordKey(r.RecordKey)
	var oldState []byte
	if old.Version > 0 {
		oldState = stateKey(old)
		if err := t.leases.Delete(key); err != nil {
			return err
		}
	}
	if err := move(t.due, dueKey(old), dueKey(r), nil); err != nil {
		return err
	}
	if err := move(t.states, oldState, stateKey(r), nil); err != nil {
		return err
	}
	if err := t.adopt(old, r); err != nil {
		return err
	}
	return t.records.Put(key, encode(key, r))
}

// adopt keeps the index of parents, whose entries tell the state, too.
func (t tx) adopt(old, r storage.Record) error {
	from, to := parentKey(old), parentKey(r)
	if old.State != r.State && bytes.Equal(from, to) && to != nil {
		return t.parents.Put(to, []byte(r.State))
	}
	return move(t.parents, from, to, []byte(r.State))
}

// move replaces an index entry; nil keys stand for none. One that stays where it is is not written anew.
func move(b *bbolt.Bucket, from, to, value []byte) error {
	if bytes.Equal(from, to) {
		return nil
	}
	if from != nil {
		if err := b.Delete(from); err != nil {
			return err
		}
	}
	if to == nil {
		return nil
	}
	return b.Put(to, value)
}

// remove deletes old and remembers its version.
func (t tx) remove(old storage.Record, now time.Time) error {
	key := recordKey(old.RecordKey)
	for _, entry := range []struct {
		in  *bbolt.Bucket
		key []byte
	}{{t.records, key}, {t.leases, key}, {t.due, dueKey(old)}, {t.states, stateKey(old)}, {t.parents, parentKey(old)}} {
		if entry.key == nil {
			continue
		}
		if err := entry.in.Delete(entry.key); err != nil {
			return err
		}
	}
	if err := t.gone.Put(key, stamp(key, old.Version, now)); err != nil {
		return err
	}
	return t.past.Put(append(instant(now), key...), nil)
}

// buried returns the version that a record had when it was deleted, and forgets it; 0 if it never existed.
func (t tx) buried(k storage.RecordKey) (int64, error) {
	key := recordKey(k)
	value := t.gone.Get(key)
	if value == nil {
		return 0, nil
	}
	version, at, ok := readStamp(key, value)
	if !ok {
		return 0, fmt.Errorf("%w: what is known of the deletion of %v has changed: restore the store file from a backup", storage.ErrDamaged, k)
	}
	if err := t.gone.Delete(key); err != nil {
		return 0, err
	}
	return version, t.past.Delete(append(instant(at), key...))
}

// memory is how long the version of a deleted record is remembered. No caller keeps a reference that long.
const memory = 7 * 24 * time.Hour

// forget drops up to n deletions that are older than memory.
func (t tx) forget(now time.Time, n int) error {
	before := instant(now.Add(-memory))
	var old [][]byte
	c := t.past.Cursor()
	for key, _ := c.First(); len(key) > 8 && len(old) < n && bytes.Compare(key[:8], before) < 0; key, _ = c.Next() {
		old = append(old, bytes.Clone(key))
	}
	for _, key := range old {
		if err := t.gone.Delete(key[8:]); err != nil {
			return err
		}
		if err := t.past.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// missing says that an index names a record that is not there.
func missing(k storage.RecordKey) error {
	return fmt.Errorf("%w: an index names %v, which is not there: restore the store file from a backup", storage.ErrDamaged, k)
}
