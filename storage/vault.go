package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// KindSecret is the kind of the records that a [Vault] makes.
const KindSecret = "secret"

// SecretRef names one secret. It is not secret itself: snapshots carry it in place of the secret.
type SecretRef struct {
	Tenant string `json:"tenant"`
	Owner  string `json:"owner"` // the server, push certificate, ... that the secret belongs to
	Kind   string `json:"kind"`  // "token", "key", ...
	ID     string `json:"id"`
	// Generation counts the secrets of one owner and kind, so that an older one put back in place of a newer
	// one does not open.
	Generation int64 `json:"generation"`
}

// Key returns the key of the record that holds the secret.
func (r SecretRef) Key() RecordKey {
	return RecordKey{Kind: KindSecret, Tenant: r.Tenant, ID: r.Owner + "/" + r.Kind + "/" + r.ID}
}

// validate refuses what would make two references share one key.
func (r SecretRef) validate() error {
	if r.Owner == "" || r.Kind == "" || r.ID == "" || strings.Contains(r.Owner+r.Kind, "/") {
		return fmt.Errorf("%w: %v names no secret: owner, kind and ID are needed, the first two without a slash",
			ErrInvalid, r.Key())
	}
	return r.Key().Validate()
}

// place is what the sealed bytes are bound to: moved anywhere else they do not open.
func (r SecretRef) place() []byte {
	return joined([]byte("secret/1"), []byte(r.Tenant), []byte(r.Owner), []byte(r.Kind), []byte(r.ID),
		strconv.AppendInt(nil, r.Generation, 10))
}

// Vault keeps secrets in a [Store], sealed before they get there.
type Vault struct {
	store  Store
	sealer Sealer
}

// NewVault returns a vault over a store.
func NewVault(store Store, sealer Sealer) *Vault { return &Vault{store: store, sealer: sealer} }

type sealedSecret struct {
	Schema int       `json:"schema"`
	Ref    SecretRef `json:"ref"` // lets a sweeper seal it anew; it is bound into Sealed, so it cannot be changed
	Sealed []byte    `json:"sealed"`
}

// Seal returns a new record that holds the secret, for a [Write]. The error matches [ErrInvalid] if ref cannot name a
// record.
func (v *Vault) Seal(ctx context.Context, ref SecretRef, secret []byte) (Record, error) {
	if err := ref.validate(); err != nil {
		return Record{}, err
	}
	sealed, err := v.sealer.Seal(ctx, ref.Tenant, ref.place(), secret)
	if err != nil {
		return Record{}, fmt.Errorf("sealing %v: %w", ref.Key(), err)
	}
	return secretRecord(ref, sealed)
}

// Open reads a secret. The error matches [ErrNotFound] if there is none, and [ErrSealed] if what is stored is
// not what was sealed for this very ref.
func (v *Vault) Open(ctx context.Context, ref SecretRef) ([]byte, error) {
	rec, err := v.store.Get(ctx, ref.Key())
	if err != nil {
		return nil, err
	}
	s, err := decodeSecret(rec)
	if err != nil {
		return nil, err
	}
	secret, err := v.sealer.Open(ctx, ref.Tenant, ref.place(), s.Sealed)
	if err != nil {
		return nil, fmt.Errorf("opening %v: %w", rec.RecordKey, err)
	}
	return secret, nil
}

func secretRecord(ref SecretRef, sealed []byte) (Record, error) {
	data, err := json.Marshal(sealedSecret{Schema: 1, Ref: ref, Sealed: sealed})
	if err != nil {
		return Record{}, err
	}
	return Record{RecordKey: ref.Key(), Parent: ref.Owner, State: ref.Kind, Data: data}, nil
}

func decodeSecret(rec Record) (sealedSecret, error) {
	var s sealedSecret
	if err := json.Unmarshal(rec.Data, &s); err != nil || s.Schema != 1 || s.Ref.Key() != rec.RecordKey {
		return sealedSecret{}, fmt.Errorf("%w: %v", ErrDamaged, rec.RecordKey)
	}
	return s, nil
}
