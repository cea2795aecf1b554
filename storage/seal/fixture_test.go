package seal_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// testdata holds one directory for each format that was ever released: a keyring and the records of a store.
// Nothing there is ever changed or made anew: it stands for what lies in the databases of others. Its keys protect
// nothing else.
func TestOldFormatsOpenForEver(t *testing.T) {
	ctx := context.Background()
	dirs, err := filepath.Glob("testdata/v*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		t.Run(dir, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "keyring.json"))
			require.NoError(t, err)
			path := keyringPath(t)
			require.NoError(t, os.WriteFile(path, text, 0o600))
			text, err = os.ReadFile(filepath.Join(dir, "records.json"))
			require.NoError(t, err)
			var records []storage.Record
			require.NoError(t, json.Unmarshal(text, &records))
			store := newStore()
			for _, r := range records {
				store.records[r.RecordKey] = r
			}

			keys := newKMS()
			keys.Keyring = openKeyring(t, path, false)
			w := openWorld(t, store, keys, nil)
			w.requireAllReadable(t, "as it was stored")
			_, err = w.sealer.Seal(ctx, "leaver", place, nil)
			require.ErrorIs(t, err, storage.ErrShredded)

			require.NoError(t, w.turnover(), "and all of it can be renewed")
			w.requireAllReadable(t, "renewed")
			count, err := w.sealer.MasterKeys(ctx)
			require.NoError(t, err)
			assert.Equal(t, map[string]int{keys.IDs()[0]: 3}, count)
		})
	}
}

func TestARingOfANewerVersionIsRefused(t *testing.T) {
	ctx := context.Background()
	store := newStore()
	s := newSealer(t, store, seal.MemoryKeyring(), seal.Options{})
	sealed := mustSeal(t, s, "acme", "secret")
	newer := ringOf(t, store, "acme")
	newer.Data = []byte(`{"schema":2,"active":"0011223344556677"}`)
	require.NoError(t, store.Commit(ctx, storage.Write{Put: []storage.Record{newer}}))
	s.Forget()
	_, err := s.Open(ctx, "acme", place, sealed)
	require.ErrorIs(t, err, storage.ErrNewer)
}
