package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotFound says that no record has this key.
	ErrNotFound = errors.New("storage: not found")
	// ErrConflict says that a record is not at the version that was expected: nothing was written. Read again
	// and decide again. The error is a [*ConflictError], which names the record.
	ErrConflict = errors.New("storage: changed by somebody else")
	// ErrInvalid says that the call itself can never succeed: a bound is broken or a key is named twice.
	ErrInvalid = errors.New("storage: invalid")
	// ErrLocked says that the store is in use elsewhere and was not released in time; nothing was done.
	ErrLocked = errors.New("storage: in use by another process")
	// ErrDamaged says that the stored bytes cannot be what was written: a truncated file, a broken page, a
	// snapshot whose signature does not fit.
	ErrDamaged = errors.New("storage: damaged")
	// ErrNewer says that a record was written by a newer version of this program, which has to be used to read it.
	// Such an error matches [ErrDamaged] too.
	ErrNewer = fmt.Errorf("%w: written by a newer version of this program; update this one", ErrDamaged)
	// ErrFull says that there is no room to write: nothing was changed.
	ErrFull = errors.New("storage: no room left on the disk of the store")
)

// ConflictError names the record that a Commit found changed. It matches [ErrConflict].
type ConflictError struct{ Key RecordKey }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("storage: %v was changed by somebody else", e.Key)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Write is one atomic change.
//
// Each Put replaces (or, at version 0, creates) a record whose stored version equals its Version; each Delete
// removes one; each Hold changes nothing but demands that its record is at that version, and stays there,
// until the whole write is committed. A Hold at version 0 demands that the record does not exist. No key may
// appear twice.
type Write struct {
	Put    []Record
	Hold   []Ref
	Delete []Ref
}

// Store keeps records. Implementations are safe for concurrent use, honour the context, copy what they are
// given and what they return, and make Commit durable before it returns nil.
//
// An error that is none of this package's sentinels means, for Commit, that the outcome is unknown: the write
// may have happened. The caller reads again; it never repeats the write blindly.
type Store interface {
	// Get returns one record, or an error that matches [ErrNotFound].
	Get(ctx context.Context, k RecordKey) (Record, error)

	// GetMany returns those of the named records that exist, as all of them are at one moment. Up to MaxWriteSize keys may
	// be named, in any order; one that is named twice counts once.
	GetMany(ctx context.Context, keys []RecordKey) (map[RecordKey]Record, error)

	// Commit applies w whole or not at all. On success the store has set the version of each Put record to
	// one more than given.
	Commit(ctx context.Context, w Write) error

	// Claim leases due records: of those that c names, with a wake time not after the store's present, the
	// ones that are due longest. Each has its Wake moved to the present plus c.Lease and its Version raised
	// by one, both durably and as returned. With a Limit of 0 it changes nothing and tells the time.
	Claim(ctx context.Context, c Claim) (Claimed, error)

	// List returns the records that match q, ordered by tenant and ID, at most q.Limit of them.
	List(ctx context.Context, q Query) ([]Record, error)

	// Count counts the records of q by state, without a look at their data. Limit and After are ignored.
	Count(ctx context.Context, q Query) (map[string]int, error)
}

// Claim says which due records a worker wants.
type Claim struct {
	Kinds []string      // any of these kinds; needed unless Keys are given
	Keys  []RecordKey   // only these records, if any are given; Kinds and Shard are then ignored
	Shard Shard         // only records of these tenants; More and Next may tell of others, too
	Limit int           // at most this many
	Lease time.Duration // how long other workers leave them alone
}

// Claimed is what a worker got.
type Claimed struct {
	Records []Record
	More    bool      // further records of these kinds are due now
	Now     time.Time // the store's present, the only clock that leases and budgets know
	Next    time.Time // when the next record of these kinds is due, if none of them is now; zero: never
}

// Query selects records of one kind. Empty Parent or State: any.
type Query struct {
	Kind       string
	Tenant     string
	AllTenants bool // Tenant is ignored
	Parent     string
	State      string
	After      Position // only records behind this one
	Limit      int      // 1 to MaxPage
}

// MaxPage is the largest Limit of a [Query].
const MaxPage = 1000

// Position is a place in the order of a [Store.List]: behind the record of this tenant and ID.
// The zero Position is the beginning.
type Position struct {
	Tenant string
	ID     string
}

// Position returns the place of r in a listing, to continue behind it.
func (r Record) Position() Position { return Position{Tenant: r.Tenant, ID: r.ID} }
