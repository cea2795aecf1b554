package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

const canary = "canary-4f1c2e9a-secret-of-the-customer"

// forms are the ways in which bytes may stand in a text or a file.
func forms(secret []byte) []string {
	out := []string{string(secret), hex.EncodeToString(secret), fmt.Sprint(secret), fmt.Sprintf("%#v", secret)}
	for shift := range 3 { // base64 of something that contains the secret, at every alignment
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		out = append(out, text[4:len(text)-4])
	}
	return out
}

func requireNowhere(t *testing.T, haystack string, secrets ...[]byte) {
	t.Helper()
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			if strings.Contains(haystack, form) { // NotContains would print it
				require.FailNow(t, "a secret shows", "as %q...", form[:6])
			}
		}
	}
}

// spyKMS remembers every data key that passes through it.
func spyKMS(keys *[][]byte) *fakeKMS {
	var mu sync.Mutex
	kms := newKMS()
	kms.answer = func(call string, out []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		if call == "unwrap" {
			*keys = append(*keys, slices.Clone(out))
		}
		return out
	}
	return kms
}

func TestThreat17_NoSecretIsPrinted(t *testing.T) {
	ctx := context.Background()
	var dataKeys [][]byte
	kms := spyKMS(&dataKeys)
	store, path := newStore(), keyringPath(t)
	s := newSealer(t, store, kms, seal.Options{})
	vault := storage.NewVault(store, s)
	rec, err := vault.Seal(ctx, ref("acme", 1), []byte(canary))
	require.NoError(t, err)
	file := openKeyring(t, path, true)
	env, err := seal.EnvKeyring(b64([]byte(canary[:32])))
	require.NoError(t, err)

	var out bytes.Buffer
	for _, v := range []any{s, *vault, vault, kms.Keyring, file, env, rec, struct{ seal.KeyWrapper }{env}, struct{ hidden *seal.Sealer }{s}} {
		fmt.Fprintf(&out, "%v %+v %#v %s %q\n", v, v, v, v, v)
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("here", "v", v, slog.Group("g", "v", v))
		}
	}
	// Every error that the package makes with a secret at hand.
	note := func(_ any, err error) {
		require.Error(t, err)
		fmt.Fprintf(&out, "%v %+v %#v\n", err, err, err)
	}
	_, err = vault.Open(ctx, ref("acme", 2))
	note(nil, err)
	note(s.Open(ctx, "acme", []byte("elsewhere"), rec.Data))
	note(seal.EnvKeyring(canary))
	note(seal.EnvKeyring(b64([]byte(canary))))
	note(nil, s.Verify(ctx, "acme", []byte(canary), rec.Data))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte(`"key"`), []byte(`"key":1,"k"`), 1), 0o600))
	note(seal.OpenKeyring(path, false))
	kms.before = func(context.Context, string) error { return errDenied }
	note(nil, s.RotateDataKey(ctx, "acme"))
	note(s.Seal(ctx, "newcomer", place, []byte(canary)))
	note(vault.Seal(ctx, storage.SecretRef{}, []byte(canary)))

	require.NotEmpty(t, dataKeys)
	requireNowhere(t, out.String(), append(dataKeys, []byte(canary), []byte(canary[:32]))...)
	assert.NotContains(t, out.String(), between(string(text), `"key": "`, `"`), "the file's master key")
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// Whoever steals the database, or a backup of it, has nothing without the master key.
func TestThreat18_AStolenStoreShowsNoSecret(t *testing.T) {
	ctx := context.Background()
	var dataKeys [][]byte
	w := openWorld(t, newStore(), spyKMS(&dataKeys), nil)
	rec, err := w.vault.Seal(ctx, ref("acme", 1), []byte(canary))
	require.NoError(t, err)
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{rec}}))
	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	require.Equal(t, 1, sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds}).Resealed)

	var dump strings.Builder
	for _, r := range w.store.records {
		fmt.Fprintf(&dump, "%v %s %s %s\n", r.RecordKey, r.Parent, r.State, r.Data)
	}
	require.GreaterOrEqual(t, len(dataKeys), 2)
	requireNowhere(t, dump.String(), append(dataKeys, []byte(canary))...)

	_, err = seal.New(w.store, seal.MemoryKeyring(), seal.Options{})
	require.ErrorIs(t, err, seal.ErrWrongKeyring)
}

// The same for the very bytes of a store file: pages that were let go of keep what they had.
func TestThreat18_AStolenStoreFileShowsNoSecret(t *testing.T) {
	ctx := context.Background()
	var dataKeys [][]byte
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	sealer, err := seal.New(store, spyKMS(&dataKeys), seal.Options{})
	require.NoError(t, err)
	vault := storage.NewVault(store, sealer)
	for n := range 5 {
		if n > 0 {
			require.NoError(t, sealer.RotateDataKey(ctx, "acme"))
		}
		rec, err := vault.Seal(ctx, ref("acme", 1), []byte(canary))
		require.NoError(t, err)
		old, err := store.Get(ctx, rec.RecordKey)
		if n > 0 {
			require.NoError(t, err)
		}
		rec.Version = old.Version
		require.NoError(t, store.Commit(ctx, storage.Write{Put: []storage.Record{rec}}))
	}
	require.NoError(t, sealer.Shred(ctx, "acme"))
	require.NoError(t, store.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(file), "srv/token/1", "the record is there")
	require.GreaterOrEqual(t, len(dataKeys), 5)
	requireNowhere(t, string(file), append(dataKeys, []byte(canary))...)
}
