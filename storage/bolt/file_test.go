package bolt_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

func TestAStoreFileBelongsToOneUser(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // its permissions are inherited from the folder
	}
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
	for _, open := range []fs.FileMode{0o640, 0o604, 0o660, 0o601, 0o644} {
		require.NoError(t, os.Chmod(path, open))
		_, err := bolt.Open(path, bolt.Options{})
		require.ErrorIs(t, err, fs.ErrPermission)
		require.ErrorContains(t, err, "run chmod 600 "+path)
	}
	require.NoError(t, os.Chmod(path, 0o600))
	s, err = bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestAFolderThatIsNotThereIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	_, err := bolt.Open(filepath.Join(dir, "test.db"), bolt.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "make the folder "+dir+" first")
}

func TestAFolderThatMayNotBeWrittenIsNamed(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	_, err := bolt.Open(filepath.Join(dir, "test.db"), bolt.Options{})
	if err == nil { // root may do everything, and Windows has other permissions
		return
	}
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "may not make files in the folder "+dir)
}

// Making a store leaves one file, whole, and nothing beside it.
func TestANewStoreIsOneFile(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, filepath.Join(dir, "test.db"), nil)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "test.db", entries[0].Name())
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice is harmless")
	_, err = s.Get(t.Context(), storage.RecordKey{Kind: "server", ID: "1"})
	require.ErrorIs(t, err, fs.ErrClosed)
}

// Somebody cuts or overwrites the file while it is open: the call that meets it fails, and all after it, instead of the
// whole program.
func TestAFileThatIsCutWhileItIsOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // a mapped file cannot be cut there
	}
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	k := storage.RecordKey{Kind: "server", Tenant: "acme", ID: "1"}
	r := storage.Record{RecordKey: k, Parent: "hq", Wake: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Data: make([]byte, 100_000)}
	require.NoError(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{r}}))
	require.NoError(t, os.Truncate(path, 0))

	_, err = s.Get(t.Context(), k)
	require.ErrorIs(t, err, storage.ErrDamaged)
	require.ErrorContains(t, err, path)
	_, err = s.Claim(t.Context(), storage.Claim{})
	require.ErrorIs(t, err, storage.ErrDamaged)
	_, err = s.List(t.Context(), storage.Query{Kind: "server", Limit: 1})
	require.ErrorIs(t, err, storage.ErrDamaged)
	_, err = s.Count(t.Context(), storage.Query{Kind: "server"})
	require.ErrorIs(t, err, storage.ErrDamaged)
	require.ErrorIs(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{{RecordKey: k, Version: 1}}}), storage.ErrDamaged)
	require.NoError(t, s.Close())
}
