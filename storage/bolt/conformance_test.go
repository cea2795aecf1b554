package bolt_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

func opened(t testing.TB, path string, now func() time.Time) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{Now: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// lasting is a store that knows its path, to be opened again.
type lasting struct {
	*bolt.Store
	path string
}

func TestConformance(t *testing.T) {
	storagetest.Run(t, storagetest.Factory{
		New: func(t testing.TB, now func() time.Time) storage.Store {
			path := filepath.Join(t.TempDir(), "test.db")
			return lasting{opened(t, path, now), path}
		},
		Reopen: func(t testing.TB, s storage.Store, now func() time.Time) storage.Store {
			old := s.(lasting)
			require.NoError(t, old.Close())
			return lasting{opened(t, old.path, now), old.path}
		},
	})
}

func TestConformanceShared(t *testing.T) {
	var path string
	storagetest.Run(t, storagetest.Factory{
		New: func(t testing.TB, now func() time.Time) storage.Store {
			path = filepath.Join(t.TempDir(), "test.db")
			return bolt.Shared(path, bolt.Options{Now: now})
		},
		Reopen: func(_ testing.TB, _ storage.Store, now func() time.Time) storage.Store {
			return bolt.Shared(path, bolt.Options{Now: now})
		},
	})
}
