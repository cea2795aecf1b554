package storage

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Columns are the copies of a value that a store can search by.
type Columns struct {
	Parent string
	State  string
	Wake   time.Time
}

// Spec describes the records of one kind to a [Repo].
type Spec[T any] struct {
	Kind    string
	Columns func(T) Columns // nil: none

	// Read takes out of the JSON what of the value is wanted, by a quicker way than json.Unmarshal; nil: all of it. The JSON
	// was checked by its signature, and is not looked over first.
	Read func(*T, []byte) error

	// Schema is the number written with every value, from 1 on. Upgrade[n] turns the JSON of schema n into
	// that of n+1; every number below Schema has one, for ever.
	Schema  int
	Upgrade map[int]func(json.RawMessage) (json.RawMessage, error)

	// Installation signs with the installation's key instead of the tenant's, for records that outlive the
	// tenant's key.
	Installation bool
}

// Item is a value together with its record's key and the version at which it was read.
type Item[T any] struct {
	RecordKey
	Version int64
	Value   T
}

// Ref returns the reference to the item's record, for a Hold or a Delete.
func (i Item[T]) Ref() Ref { return Ref{RecordKey: i.RecordKey, Version: i.Version} }

// Repo keeps values of one type as records of one kind: plain JSON that can be read in the database, with a
// schema number and a signature, so that a change made past this library is noticed. A whole record put back as it once
// was is authentic, and no store can tell: that is what the audit's hash chain is for.
type Repo[T any] struct {
	store  Store
	sealer Sealer
	spec   Spec[T]
}

// NewRepo returns the repo that spec describes.
func NewRepo[T any](store Store, sealer Sealer, spec Spec[T]) *Repo[T] {
	return &Repo[T]{store: store, sealer: sealer, spec: spec}
}

// Key returns the key of the record with this tenant and ID.
func (r *Repo[T]) Key(tenant, id string) RecordKey {
	return RecordKey{Kind: r.spec.Kind, Tenant: tenant, ID: id}
}

// New returns a value that is not stored yet.
func (r *Repo[T]) New(tenant, id string, value T) Item[T] {
	return Item[T]{RecordKey: r.Key(tenant, id), Value: value}
}

// Get reads one value. The error matches [ErrNotFound] or [ErrDamaged] where that is the reason.
func (r *Repo[T]) Get(ctx context.Context, tenant, id string) (Item[T], error) {
	rec, err := r.store.Get(ctx, r.Key(tenant, id))
	if err != nil {
		return Item[T]{}, err
	}
	return r.Decode(ctx, rec)
}

// List reads the values that q selects; q.Kind is set by the repo. One record that cannot be read does not
// hide the others: the second result has an error for each such record.
func (r *Repo[T]) List(ctx context.Context, q Query) (items []Item[T], damaged []error, err error) {
	q.Kind = r.spec.Kind
	records, err := r.store.List(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	items = make([]Item[T], 0, len(records))
	for _, rec := range records {
		item, err := r.Decode(ctx, rec)
		if err != nil {
			damaged = append(damaged, err)
			continue
		}
		items = append(items, item)
	}
	return items, damaged, nil
}

// snapshot is the stored form.
type snapshot struct {
	Schema int             `json:"schema"`
	MAC    []byte          `json:"mac"`
	Value  json.RawMessage `json:"value"`
}

// Encode returns the record to Put for an item, at the version at which the item was read.
func (r *Repo[T]) Encode(ctx context.Context, item Item[T]) (Record, error) {
	value, err := json.Marshal(item.Value)
	if err != nil {
		return Record{}, fmt.Errorf("encoding %v: %w", item.RecordKey, err)
	}
	rec := Record{RecordKey: item.RecordKey, Version: item.Version}
	if r.spec.Columns != nil {
		c := r.spec.Columns(item.Value)
		rec.Parent, rec.State, rec.Wake = c.Parent, c.State, Instant(c.Wake)
	}
	rec.Data, err = sign(ctx, r.sealer, signer(item.RecordKey, r.spec.Installation), item.RecordKey, r.spec.Schema, value)
	if err != nil {
		return Record{}, err
	}
	return rec, nil
}

// Decode reads the value of a record that the store returned, verifies it and upgrades it. The error matches
// [ErrDamaged] if the record is not what this program wrote there, [ErrNewer] if a newer version of it did, and
// [ErrShredded] or [ErrKeyUnavailable] if its signature cannot be checked.
func (r *Repo[T]) Decode(ctx context.Context, rec Record) (Item[T], error) {
	fail := func(why string) (Item[T], error) {
		return Item[T]{}, fmt.Errorf("%w: %v: %s", ErrDamaged, rec.RecordKey, why)
	}
	if rec.Kind != r.spec.Kind {
		return fail("is no " + r.spec.Kind)
	}
	s, err := readSnapshot(rec.Data)
	if err != nil {
		return fail("is no snapshot")
	}
	if err := verify(ctx, r.sealer, signer(rec.RecordKey, r.spec.Installation), rec.RecordKey, s); err != nil {
		return Item[T]{}, err
	}
	if s.Schema > r.spec.Schema {
		return Item[T]{}, fmt.Errorf("%w: %v has schema %d", ErrNewer, rec.RecordKey, s.Schema)
	}
	for n := s.Schema; n < r.spec.Schema; n++ {
		upgrade := r.spec.Upgrade[n]
		if upgrade == nil {
			return fail(fmt.Sprintf("has the unknown schema %d", n))
		}
		if s.Value, err = upgrade(s.Value); err != nil {
			return fail(fmt.Sprintf("does not upgrade from schema %d: %v", n, err))
		}
	}
	item := Item[T]{RecordKey: rec.RecordKey, Version: rec.Version}
	if err := r.read(&item.Value, s.Value); err != nil {
		return fail("is not of its type: " + err.Error())
	}
	return item, nil
}

func (r *Repo[T]) read(value *T, data []byte) error {
	if r.spec.Read != nil {
		return r.spec.Read(value, data)
	}
	return json.Unmarshal(data, value)
}

func signer(k RecordKey, installation bool) string {
	if installation {
		return ""
	}
	return k.Tenant
}

// messages are buffers for what is signed: there is one for each record that is read or written, of its whole length.
var messages = sync.Pool{New: func() any { return new([]byte) }}

// signed appends the message that a snapshot's code covers: the value and the place it belongs to.
func signed(to []byte, k RecordKey, schema int, value []byte) []byte {
	return appendJoined(to, []byte("snapshot/1"), []byte(k.Kind), []byte(k.Tenant), []byte(k.ID),
		strconv.AppendInt(nil, int64(schema), 10), value)
}

func sign(ctx context.Context, sealer Sealer, as string, k RecordKey, schema int, value []byte) ([]byte, error) {
	message := messages.Get().(*[]byte)
	defer messages.Put(message)
	*message = signed((*message)[:0], k, schema, value)
	mac, err := sealer.Sign(ctx, as, *message)
	if err != nil {
		return nil, fmt.Errorf("signing %v: %w", k, err)
	}
	// Written by hand, because json.Marshal may format the value anew, and the code covers its very bytes.
	data := make([]byte, 0, len(value)+len(mac)*4/3+64)
	data = append(data, `{"schema":`...)
	data = strconv.AppendInt(data, int64(schema), 10)
	data = append(data, `,"mac":"`...)
	data = base64.StdEncoding.AppendEncode(data, mac)
	data = append(data, `","value":`...)
	data = append(data, value...)
	return append(data, '}'), nil
}

// readSnapshot reads what sign wrote. What stands there in the very form that sign gives it is not parsed twice.
func readSnapshot(data []byte) (s snapshot, err error) {
	rest, plain := bytes.CutPrefix(data, []byte(`{"schema":`))
	number, rest, more := bytes.Cut(rest, []byte(`,"mac":"`))
	mac, rest, ends := bytes.Cut(rest, []byte(`","value":`))
	value, closed := bytes.CutSuffix(rest, []byte(`}`))
	if plain && more && ends && closed {
		schema, err := strconv.Atoi(string(number))
		code, wrong := base64.StdEncoding.AppendDecode(nil, mac)
		if err == nil && wrong == nil {
			return snapshot{Schema: schema, MAC: code, Value: value}, nil
		}
	}
	err = json.Unmarshal(data, &s)
	return s, err
}

func verify(ctx context.Context, sealer Sealer, as string, k RecordKey, s snapshot) error {
	message := messages.Get().(*[]byte)
	defer messages.Put(message)
	*message = signed((*message)[:0], k, s.Schema, s.Value)
	err := sealer.Verify(ctx, as, *message, s.MAC)
	if errors.Is(err, ErrSealed) {
		return fmt.Errorf("%w: %v was changed past this program: its signature does not fit", ErrDamaged, k)
	}
	if err != nil {
		return fmt.Errorf("verifying %v: %w", k, err)
	}
	return nil
}
