package seal_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// Who knows the storage package only, such as a runner, recognizes a foreign keyring by its sentinel.
func TestWrongKeyringIsWrongKeys(t *testing.T) {
	assert.ErrorIs(t, seal.ErrWrongKeyring, storage.ErrWrongKeys)
}

// storeThatFills is a store that another process begins to use at the very moment when this one looks at it.
type storeThatFills struct {
	storage.Store
	begin func()
}

func (s storeThatFills) Count(ctx context.Context, q storage.Query) (map[string]int, error) {
	s.begin()
	return s.Store.Count(ctx, q)
}

func (s storeThatFills) List(ctx context.Context, q storage.Query) ([]storage.Record, error) {
	s.begin()
	return s.Store.List(ctx, q)
}

func TestTwoFirstUsersAtOnce(t *testing.T) {
	path, store := filepath.Join(t.TempDir(), "keyring"), memory.New(nil)
	begin := sync.OnceFunc(func() {
		keys, err := seal.OpenKeyringFor(t.Context(), path, store)
		require.NoError(t, err)
		sealer, err := seal.New(store, keys, seal.Options{})
		require.NoError(t, err)
		_, err = sealer.Sign(t.Context(), "", []byte("first"))
		require.NoError(t, err)
	})
	keys, err := seal.OpenKeyringFor(t.Context(), path, storeThatFills{store, begin})
	require.NoError(t, err)
	_, err = seal.New(store, keys, seal.Options{})
	require.NoError(t, err, "it is the other one's keyring")
}

// A store file that was sealed with another keyring is refused before anything is written to it.
func TestAStoreFileOfAnotherKeyringIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	store := bolt.Shared(path, bolt.Options{})
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, err)
	secret, err := storage.NewVault(store, sealer).Seal(t.Context(), ref("acme", 1), []byte("secret"))
	require.NoError(t, err)
	require.NoError(t, store.Commit(t.Context(), storage.Write{Put: []storage.Record{secret}}))
	before, err := os.ReadFile(path)
	require.NoError(t, err)

	_, err = seal.New(bolt.Shared(path, bolt.Options{}), seal.MemoryKeyring(), seal.Options{})
	require.ErrorIs(t, err, storage.ErrWrongKeys)
	ring := filepath.Join(t.TempDir(), "keyring")
	_, err = seal.OpenKeyringFor(t.Context(), ring, bolt.Shared(path, bolt.Options{}))
	require.ErrorIs(t, err, storage.ErrWrongKeys)
	assert.NoFileExists(t, ring)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(before, after), "the file was written to")
}
