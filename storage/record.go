package storage

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds that every store enforces with [ErrInvalid], so that a record which one adapter takes is taken by all.
const (
	MaxKeyPart   = 256     // bytes of a kind, tenant, ID, parent or state
	MaxData      = 1 << 20 // bytes of one record's data
	MaxWriteSize = 10_000  // records of one Write
)

// RecordKey names one record. Kind and ID are never empty; an empty Tenant is the installation itself.
type RecordKey struct {
	Kind   string
	Tenant string
	ID     string
}

// String gives the key for people: "renewal acme/rnw_01".
func (k RecordKey) String() string { return k.Kind + " " + k.Tenant + "/" + k.ID }

// Record is one stored thing.
//
// Parent, State and Wake are copies of what Data says, for queries. A store never interprets them, and
// nobody decides anything by them: decisions read Data.
type Record struct {
	RecordKey
	Parent  string    // the server of a renewal, the site of a server; may be empty
	State   string    // may be empty
	Wake    time.Time // when the record is due, in UTC and whole microseconds; zero: never
	Version int64     // 0: not stored yet. The store assigns 1, 2, 3, ...
	Data    []byte
}

// Ref names a record at one version.
type Ref struct {
	RecordKey
	Version int64
}

// Ref returns the reference to the record as it was read.
func (r Record) Ref() Ref { return Ref{RecordKey: r.RecordKey, Version: r.Version} }

// Validate reports, as an error that wraps [ErrInvalid], what no store may accept of r.
func (r Record) Validate() error {
	if err := r.RecordKey.Validate(); err != nil {
		return err
	}
	if err := validParts([]part{{"parent", r.Parent}, {"state", r.State}}); err != nil {
		return err
	}
	if len(r.Data) > MaxData {
		return fmt.Errorf("%w: data of %v has %d bytes, more than %d", ErrInvalid, r.RecordKey, len(r.Data), MaxData)
	}
	if !r.Wake.Equal(Instant(r.Wake)) {
		return fmt.Errorf("%w: wake time of %v is finer than a microsecond", ErrInvalid, r.RecordKey)
	}
	return nil
}

// Validate reports, as an error that wraps [ErrInvalid], why k cannot name a record.
func (k RecordKey) Validate() error {
	if k.Kind == "" || k.ID == "" {
		return fmt.Errorf("%w: a record needs a kind and an ID", ErrInvalid)
	}
	return validParts([]part{{"kind", k.Kind}, {"tenant", k.Tenant}, {"ID", k.ID}})
}

// Instant gives t as stores keep it: UTC, cut to the microsecond, without a monotonic reading.
func Instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

type part struct{ name, value string }

func validParts(parts []part) error {
	for _, p := range parts {
		if len(p.value) > MaxKeyPart {
			return fmt.Errorf("%w: %s has %d bytes, more than %d", ErrInvalid, p.name, len(p.value), MaxKeyPart)
		}
		// Adapters join the parts of a key with NUL to get an order.
		if strings.IndexByte(p.value, 0) >= 0 {
			return fmt.Errorf("%w: %s contains a NUL byte", ErrInvalid, p.name)
		}
		// Text columns and JSON take nothing else.
		if !utf8.ValidString(p.value) {
			return fmt.Errorf("%w: %s is not UTF-8", ErrInvalid, p.name)
		}
	}
	return nil
}
