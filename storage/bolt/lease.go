package bolt

import (
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
)

// A claim changes nothing of a record but its version and wake time. Both are kept beside the record, until it is put
// the next time: a claim then rewrites the few pages of this small bucket and of the due index, and not one page for
// each record, however many records there are.

// leased writes the version and wake time of r, which a claim has moved from those of old.
func (t tx) leased(old, r storage.Record) error {
	if err := move(t.due, dueKey(old), dueKey(r), nil); err != nil {
		return err
	}
	key := recordKey(r.RecordKey)
	return t.leases.Put(key, stamp(key, r.Version, r.Wake))
}

// current brings a record, as it was put, to the version and wake time of the last claim since then.
func (t tx) current(key []byte, r *storage.Record) error {
	value := t.leases.Get(key)
	if value == nil {
		return nil
	}
	version, wake, ok := readStamp(key, value)
	if !ok {
		return fmt.Errorf("%w: the lease of %v has changed: restore the store file from a backup", storage.ErrDamaged, r.RecordKey)
	}
	r.Version, r.Wake = version, wake
	return nil
}
