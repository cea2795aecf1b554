package bolt

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// The buckets of a store file. Parts of a key are joined with NUL, which no part contains, so that keys sort by
// their parts. A key ends in "tenant NUL ID", the order of listings.
var (
	recordsBucket = []byte("records") // kind, tenant, ID -> record
	leasesBucket  = []byte("leases")  // kind, tenant, ID -> version and wake time, if a claim moved them since the record was put
	dueBucket     = []byte("due")     // kind, wake time, tenant, ID -> nothing
	statesBucket  = []byte("states")  // kind, state, tenant, ID -> nothing
	parentsBucket = []byte("parents") // kind, parent, tenant, ID -> state
	goneBucket    = []byte("gone")    // kind, tenant, ID -> last version, and time of the deletion
	pastBucket    = []byte("past")    // time of the deletion, kind, tenant, ID -> nothing
	formatBucket  = []byte("format")  // "layout" -> number of this layout

	buckets = [][]byte{recordsBucket, leasesBucket, dueBucket, statesBucket, parentsBucket, goneBucket, pastBucket, formatBucket}
)

var (
	layoutKey     = []byte("layout")
	currentLayout = []byte("1")
)

func joined(parts ...string) []byte {
	n := len(parts)
	for _, p := range parts {
		n += len(p)
	}
	key := make([]byte, 0, n)
	for i, p := range parts {
		if i > 0 {
			key = append(key, 0)
		}
		key = append(key, p...)
	}
	return key
}

func recordKey(k storage.RecordKey) []byte { return joined(k.Kind, k.Tenant, k.ID) }

func stateKey(r storage.Record) []byte { return joined(r.Kind, r.State, r.Tenant, r.ID) }

// parentKey is nil for a record without a parent, which nobody looks up by parent.
func parentKey(r storage.Record) []byte {
	if r.Parent == "" {
		return nil
	}
	return joined(r.Kind, r.Parent, r.Tenant, r.ID)
}

// dueKey is nil for a record that is never due.
func dueKey(r storage.Record) []byte {
	if r.Wake.IsZero() {
		return nil
	}
	key := append(joined(r.Kind, ""), instant(r.Wake)...)
	return append(key, joined(r.Tenant, r.ID)...)
}

// instant gives the bytes of a time, which sort as the times do.
func instant(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())^1<<63)
}

func fromInstant(b []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b) ^ 1<<63)).UTC()
}

// splitDue reads a key of the due index behind its prefix, the kind and NUL.
func splitDue(kind string, rest []byte) (time.Time, storage.RecordKey, bool) {
	if len(rest) < 8 {
		return time.Time{}, storage.RecordKey{}, false
	}
	tenant, id, ok := bytes.Cut(rest[8:], []byte{0})
	return fromInstant(rest[:8]), storage.RecordKey{Kind: kind, Tenant: string(tenant), ID: string(id)}, ok
}
