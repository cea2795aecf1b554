package seal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// Kind is the kind of the records that hold a tenant's wrapped data keys.
const Kind = "data_key"

const (
	keySize  = 32
	ringID   = "ring" // one record for each tenant, so that every change of its keys is one compare-and-swap
	maxOld   = 32     // data keys that a sweep has not yet let go of
	ringLive = "live" // the record's state, for people who look into the database
	ringGone = "shredded"
)

// keyID names a data key. It is random, and never zero: zero stands for "the active one".
type keyID [8]byte

func (id keyID) String() string               { return hex.EncodeToString(id[:]) }
func (id keyID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

func (id *keyID) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(id)) {
		return fmt.Errorf("a data key ID of %d characters", len(text))
	}
	_, err := hex.Decode(id[:], text)
	return err
}

func newKeyID() keyID {
	var id keyID
	for id == (keyID{}) {
		_, _ = rand.Read(id[:]) // never fails, as documented
	}
	return id
}

// ring is the stored form of a tenant's data keys.
type ring struct {
	Schema   int       `json:"schema"`
	Active   keyID     `json:"active"`
	Keys     []ringKey `json:"keys,omitempty"`
	Shredded bool      `json:"shredded,omitempty"`
}

type ringKey struct {
	ID      keyID     `json:"id"`
	Master  string    `json:"master"`
	Wrapped []byte    `json:"wrapped"`
	Rotated time.Time `json:"rotated,omitzero"` // when it ceased to be the active one, by the store's clock
}

func (r ring) find(id keyID) (ringKey, bool) {
	for _, k := range r.Keys {
		if k.ID == id {
			return k, true
		}
	}
	return ringKey{}, false
}

func ringKeyOf(tenant string) storage.RecordKey {
	return storage.RecordKey{Kind: Kind, Tenant: tenant, ID: ringID}
}

func (r ring) record(tenant string, version int64) (storage.Record, error) {
	r.Schema = 1
	data, err := json.Marshal(r)
	if err != nil {
		return storage.Record{}, err
	}
	rec := storage.Record{RecordKey: ringKeyOf(tenant), State: ringLive, Version: version, Data: data}
	if r.Shredded {
		rec.State = ringGone
	}
	return rec, nil
}

func decodeRing(rec storage.Record) (ring, error) {
	var r ring
	if err := json.Unmarshal(rec.Data, &r); err != nil {
		return ring{}, fmt.Errorf("%w: %v: %w", storage.ErrDamaged, rec.RecordKey, err)
	}
	if r.Schema > 1 {
		return ring{}, fmt.Errorf("%w: %v has schema %d", storage.ErrNewer, rec.RecordKey, r.Schema)
	}
	_, active := r.find(r.Active)
	if rec.ID != ringID || r.Schema != 1 || active == r.Shredded || r.Shredded && len(r.Keys) > 0 {
		return ring{}, fmt.Errorf("%w: %v is no ring of data keys", storage.ErrDamaged, rec.RecordKey)
	}
	return r, nil
}

// readRing reads a tenant's ring and the version it is at. The error matches [storage.ErrNotFound] if there is none.
func (s *Sealer) readRing(ctx context.Context, tenant string) (ring, int64, error) {
	rec, err := s.store.Get(ctx, ringKeyOf(tenant))
	if err != nil {
		return ring{}, 0, fmt.Errorf("reading the data keys of tenant %q: %w", tenant, err)
	}
	r, err := decodeRing(rec)
	return r, rec.Version, err
}

// writeRing replaces the ring that was read at this version.
func (s *Sealer) writeRing(ctx context.Context, tenant string, r ring, version int64) error {
	rec, err := r.record(tenant, version)
	if err != nil {
		return err
	}
	if err := s.store.Commit(ctx, storage.Write{Put: []storage.Record{rec}}); err != nil {
		return fmt.Errorf("storing the data keys of tenant %q: %w", tenant, err)
	}
	return nil
}
