package storage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// server is what the tests keep.
type server struct {
	Name  string    `json:"name"`
	Site  string    `json:"site,omitempty"`
	State string    `json:"state,omitempty"`
	Due   time.Time `json:"due,omitzero"`
	Count int       `json:"count,omitempty"`
}

func serverSpec() storage.Spec[server] {
	return storage.Spec[server]{
		Kind: "server", Schema: 1,
		Columns: func(s server) storage.Columns {
			return storage.Columns{Parent: s.Site, State: s.State, Wake: s.Due}
		},
	}
}

type kit struct {
	storage.Store
	keys   *seal.Keyring
	sealer *seal.Sealer
	vault  *storage.Vault
	repo   *storage.Repo[server]
}

func newKit(t testing.TB) kit {
	t.Helper()
	store := memory.New(nil)
	keys := seal.MemoryKeyring()
	sealer, err := seal.New(store, keys, seal.Options{})
	require.NoError(t, err)
	return kit{store, keys, sealer, storage.NewVault(store, sealer), storage.NewRepo(store, sealer, serverSpec())}
}

func (k kit) put(t testing.TB, rec storage.Record, err error) {
	t.Helper()
	require.NoError(t, err)
	require.NoError(t, k.Commit(context.Background(), storage.Write{Put: []storage.Record{rec}}))
}

// edit changes a stored record as somebody with access to the database could.
func (k kit) edit(t testing.TB, key storage.RecordKey, change func(*storage.Record)) {
	t.Helper()
	rec, err := k.Get(context.Background(), key)
	require.NoError(t, err)
	change(&rec)
	k.put(t, rec, nil)
}

func replace(t testing.TB, old, by string) func(*storage.Record) {
	return func(r *storage.Record) {
		t.Helper()
		require.Contains(t, string(r.Data), old)
		r.Data = bytes.Replace(r.Data, []byte(old), []byte(by), 1)
	}
}

var errNoKMS = errors.New("no answer")

// openSealer believes every signature, so that a test gets behind the check; it seals nothing.
type openSealer struct{ storage.Sealer }

func (openSealer) Sign(context.Context, string, []byte) ([]byte, error) { return []byte("signed"), nil }
func (openSealer) Verify(context.Context, string, []byte, []byte) error { return nil }

// brokenSealer reaches no key.
type brokenSealer struct{}

func (brokenSealer) fail() error { return fmt.Errorf("%w: %w", storage.ErrKeyUnavailable, errNoKMS) }
func (b brokenSealer) Seal(context.Context, string, []byte, []byte) ([]byte, error) {
	return nil, b.fail()
}
func (b brokenSealer) Open(context.Context, string, []byte, []byte) ([]byte, error) {
	return nil, b.fail()
}
func (b brokenSealer) Sign(context.Context, string, []byte) ([]byte, error) { return nil, b.fail() }
func (b brokenSealer) Verify(context.Context, string, []byte, []byte) error { return b.fail() }
func (b brokenSealer) Stale(context.Context, string, []byte) (bool, error)  { return false, b.fail() }

// snapshotOf gives a record's data in a form that can be looked at.
func snapshotOf(t testing.TB, rec storage.Record) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(rec.Data, &m))
	return m
}
