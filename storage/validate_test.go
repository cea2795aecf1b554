package storage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

func rec(id string, version int64) storage.Record {
	return storage.Record{RecordKey: storage.RecordKey{Kind: "k", Tenant: "t", ID: id}, Version: version}
}

func TestWhatNoStoreTakes(t *testing.T) {
	long := strings.Repeat("x", storage.MaxKeyPart+1)
	with := func(change func(*storage.Record)) storage.Write {
		r := rec("1", 0)
		change(&r)
		return storage.Write{Put: []storage.Record{r}}
	}
	for name, w := range map[string]storage.Write{
		"no kind":           with(func(r *storage.Record) { r.Kind = "" }),
		"no ID":             with(func(r *storage.Record) { r.ID = "" }),
		"long kind":         with(func(r *storage.Record) { r.Kind = long }),
		"long tenant":       with(func(r *storage.Record) { r.Tenant = long }),
		"long ID":           with(func(r *storage.Record) { r.ID = long }),
		"long parent":       with(func(r *storage.Record) { r.Parent = long }),
		"long state":        with(func(r *storage.Record) { r.State = long }),
		"NUL in a tenant":   with(func(r *storage.Record) { r.Tenant = "a\x00b" }),
		"NUL in a state":    with(func(r *storage.Record) { r.State = "\x00" }),
		"no UTF-8 in an ID": with(func(r *storage.Record) { r.ID = "\xff" }),
		"no UTF-8, parent":  with(func(r *storage.Record) { r.Parent = "a\xc3" }),
		"too much data":     with(func(r *storage.Record) { r.Data = make([]byte, storage.MaxData+1) }),
		"nanoseconds":       with(func(r *storage.Record) { r.Wake = time.Unix(1, 1) }),
		"negative version":  with(func(r *storage.Record) { r.Version = -1 }),
		"put twice":         {Put: []storage.Record{rec("1", 1), rec("1", 2)}},
		"put and held":      {Put: []storage.Record{rec("1", 1)}, Hold: []storage.Ref{rec("1", 1).Ref()}},
		"held and deleted":  {Hold: []storage.Ref{rec("1", 1).Ref()}, Delete: []storage.Ref{rec("1", 1).Ref()}},
		"hold below zero":   {Hold: []storage.Ref{rec("1", -1).Ref()}},
		"delete of nothing": {Delete: []storage.Ref{rec("1", 0).Ref()}},
		"too many records":  {Hold: make([]storage.Ref, storage.MaxWriteSize+1)},
	} {
		assert.ErrorIs(t, w.Validate(), storage.ErrInvalid, name)
	}
}

func TestWhatEveryStoreTakes(t *testing.T) {
	full := strings.Repeat("x", storage.MaxKeyPart)
	r := storage.Record{
		RecordKey: storage.RecordKey{Kind: full, Tenant: full, ID: full}, Parent: full, State: full,
		Wake: storage.Instant(time.Now()), Data: make([]byte, storage.MaxData),
	}
	w := storage.Write{
		Put: []storage.Record{r, rec("ü/\x01", 7)}, Hold: []storage.Ref{rec("2", 0).Ref()}, Delete: []storage.Ref{rec("3", 1).Ref()},
	}
	require.NoError(t, w.Validate())
	require.NoError(t, storage.Write{}.Validate())
	installation := rec("1", 0)
	installation.Tenant = ""
	require.NoError(t, installation.Validate())
}

func TestClaimsAndQueriesAreBounded(t *testing.T) {
	for name, c := range map[string]storage.Claim{
		"negative":      {Kinds: []string{"k"}, Limit: -1, Lease: time.Second},
		"too many":      {Kinds: []string{"k"}, Limit: storage.MaxPage + 1, Lease: time.Second},
		"no lease":      {Kinds: []string{"k"}, Limit: 1},
		"no kinds":      {Limit: 1, Lease: time.Second},
		"too many keys": {Keys: make([]storage.RecordKey, storage.MaxWriteSize+1), Limit: 1, Lease: time.Second},
	} {
		require.ErrorIs(t, c.Validate(), storage.ErrInvalid, name)
	}
	assert.NoError(t, storage.Claim{}.Validate(), "a claim of nothing asks for the time")
	assert.NoError(t, storage.Claim{Kinds: []string{"k"}, Limit: storage.MaxPage, Lease: 1}.Validate())
	assert.NoError(t, storage.Claim{Keys: []storage.RecordKey{rec("1", 1).RecordKey}, Limit: 1, Lease: 1}.Validate())

	for name, q := range map[string]storage.Query{
		"no kind":  {Limit: 1},
		"no limit": {Kind: "k"},
		"negative": {Kind: "k", Limit: -1},
		"too many": {Kind: "k", Limit: storage.MaxPage + 1},
	} {
		require.ErrorIs(t, q.Validate(), storage.ErrInvalid, name)
	}
	assert.NoError(t, storage.Query{Kind: "k", Limit: storage.MaxPage}.Validate())
}

func TestInstantsAreUTCMicroseconds(t *testing.T) {
	at := time.Date(2026, 11, 24, 13, 0, 0, 123456789, time.FixedZone("CET", 3600))
	got := storage.Instant(at)
	assert.Equal(t, time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC), got)
	assert.Equal(t, got, storage.Instant(got))
	assert.True(t, storage.Instant(time.Time{}.In(time.FixedZone("CET", 3600))).IsZero())
}

func TestAConflictNamesItsRecord(t *testing.T) {
	var err error = &storage.ConflictError{Key: storage.RecordKey{Kind: "renewal", Tenant: "acme", ID: "rnw_01"}}
	require.ErrorIs(t, err, storage.ErrConflict)
	require.NotErrorIs(t, err, storage.ErrDamaged)
	require.ErrorContains(t, err, "renewal acme/rnw_01")
	assert.Equal(t, storage.Position{Tenant: "t", ID: "1"}, rec("1", 1).Position())
}
