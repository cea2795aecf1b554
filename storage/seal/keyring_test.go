package seal_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func keyringPath(t testing.TB) string { return filepath.Join(t.TempDir(), "keyring.json") }

func openKeyring(t testing.TB, path string, create bool) *seal.Keyring {
	t.Helper()
	k, err := seal.OpenKeyring(path, create)
	require.NoError(t, err)
	return k
}

func TestAKeyringFileIsMadeOnceAndReadAgain(t *testing.T) {
	path := keyringPath(t)
	_, err := seal.OpenKeyring(path, false)
	require.ErrorIs(t, err, fs.ErrNotExist)

	k := openKeyring(t, path, true)
	assert.Equal(t, k.IDs(), openKeyring(t, path, true).IDs(), "create does not replace a file")

	require.NoError(t, k.Rotate())
	assert.Equal(t, k.IDs(), openKeyring(t, path, false).IDs())
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, names, 2, "the keyring and its lock; no temporary file is left")
}

func TestADamagedKeyringFileIsRefusedAndNeverReplaced(t *testing.T) {
	path := keyringPath(t)
	openKeyring(t, path, true)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, damaged := range map[string]string{
		"empty":       "",
		"cut":         string(good[:len(good)/2]),
		"no keys":     `{"schema":1,"keys":[]}`,
		"newer":       strings.Replace(string(good), `"schema": 1`, `"schema": 2`, 1),
		"other key":   `{"schema":1,"keys":[{"id":"0011223344556677","key":"` + b64(make([]byte, 32)) + `"}]}`,
		"short key":   `{"schema":1,"keys":[{"id":"0011223344556677","key":"` + b64(make([]byte, 16)) + `"}]}`,
		"not base64":  `{"schema":1,"keys":[{"id":"0011223344556677","key":"*"}]}`,
		"another doc": `[]`,
		"a flood":     string(good) + strings.Repeat(" ", 64<<10),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(damaged), 0o600))
			_, err := seal.OpenKeyring(path, true)
			require.ErrorIs(t, err, storage.ErrDamaged)
			require.ErrorContains(t, err, "restore it from its backup")
			now, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, damaged, string(now))
		})
	}
}

func TestAKeyringThatIsNoFileIsRefused(t *testing.T) {
	_, err := seal.OpenKeyring(t.TempDir(), true)
	require.Error(t, err)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func TestAKeyringIsNeverMadeBesideAStoreThatHasRecords(t *testing.T) {
	ctx := context.Background()
	store, path := newStore(), keyringPath(t)
	k, err := seal.OpenKeyringFor(ctx, path, store)
	require.NoError(t, err, "the store is empty")
	s := newSealer(t, store, k, seal.Options{})
	sealed := mustSeal(t, s, "acme", "secret")

	moved := path + ".moved"
	require.NoError(t, os.Rename(path, moved))
	_, err = seal.OpenKeyringFor(ctx, path, store)
	require.ErrorIs(t, err, seal.ErrWrongKeyring)
	require.ErrorContains(t, err, path)
	require.NoFileExists(t, path)

	other := openKeyring(t, path, true)
	_, err = seal.New(store, other, seal.Options{})
	require.ErrorIs(t, err, seal.ErrWrongKeyring)

	require.NoError(t, os.Remove(path))
	orphaned := newStore() // somebody deleted the data keys, and a secret is left
	secret, err := storage.NewVault(store, s).Seal(ctx, ref("acme", 1), []byte("secret"))
	require.NoError(t, err)
	require.NoError(t, orphaned.Commit(ctx, storage.Write{Put: []storage.Record{secret}}))
	_, err = seal.OpenKeyringFor(ctx, path, orphaned)
	require.ErrorIs(t, err, seal.ErrWrongKeyring)
	require.NoFileExists(t, path)

	require.NoError(t, os.Rename(moved, path))
	k, err = seal.OpenKeyringFor(ctx, path, store)
	require.NoError(t, err)
	requireOpens(t, newSealer(t, store, k, seal.Options{}), "acme", "secret", sealed)

	require.NoError(t, os.Remove(path))
	store.before = func(string) error { return errCrash }
	_, err = seal.OpenKeyringFor(ctx, path, store)
	require.ErrorIs(t, err, errCrash, "a store that cannot be asked is not empty")
	require.NoFileExists(t, path)
}

func TestProcessesThatStartTogetherShareOneKeyring(t *testing.T) {
	path := keyringPath(t)
	ids := make([][]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			k, err := seal.OpenKeyring(path, true)
			if assert.NoError(t, err) {
				ids[i] = k.IDs()
			}
		})
	}
	all.Wait()
	for _, got := range ids {
		assert.Equal(t, ids[0], got)
	}
}

func TestRotationsAtOnceLoseNoMasterKey(t *testing.T) {
	path := keyringPath(t)
	openKeyring(t, path, true)
	var all sync.WaitGroup
	for range 8 {
		k := openKeyring(t, path, false)
		all.Go(func() { assert.NoError(t, k.Rotate()) })
	}
	all.Wait()
	assert.Len(t, openKeyring(t, path, false).IDs(), 9)
}

func TestOtherProcessesFindARotatedMasterKey(t *testing.T) {
	ctx := context.Background()
	store, path := newStore(), keyringPath(t)
	here := newSealer(t, store, openKeyring(t, path, true), seal.Options{})
	sealed := mustSeal(t, here, "acme", "secret")

	k := openKeyring(t, path, false)
	there := newSealer(t, store, k, seal.Options{})
	require.NoError(t, k.Rotate())
	_, err := there.RewrapAll(ctx)
	require.NoError(t, err)
	require.NoError(t, k.Forget(k.IDs()[1]))

	here.Forget()
	requireOpens(t, here, "acme", "secret", sealed)
	mustSeal(t, here, "umbrella", "secret")
	count, err := here.MasterKeys(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{k.IDs()[0]: 2}, count, "new data keys use it too")
}

func TestTheCurrentMasterKeyIsNeverForgotten(t *testing.T) {
	k := seal.MemoryKeyring()
	require.ErrorIs(t, k.Forget(k.IDs()[0]), storage.ErrInvalid)
	for range 99 {
		require.NoError(t, k.Rotate())
	}
	require.ErrorIs(t, k.Rotate(), storage.ErrInvalid, "a keyring is bounded")
}

func TestAnEnvironmentKeyring(t *testing.T) {
	one, two := b64(make([]byte, 32)), b64([]byte(strings.Repeat("k", 32)))
	store := newStore()
	before, err := seal.EnvKeyring(one + "\n")
	require.NoError(t, err)
	s := newSealer(t, store, before, seal.Options{})
	sealed := mustSeal(t, s, "acme", "secret")

	require.ErrorIs(t, before.Rotate(), errors.ErrUnsupported)
	require.ErrorIs(t, before.Forget("x"), errors.ErrUnsupported)

	after, err := seal.EnvKeyring(two + ", " + one)
	require.NoError(t, err)
	s = newSealer(t, store, after, seal.Options{})
	requireOpens(t, s, "acme", "secret", sealed)
	n, err := s.RewrapAll(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, n)

	alone, err := seal.EnvKeyring(two)
	require.NoError(t, err)
	requireOpens(t, newSealer(t, store, alone, seal.Options{}), "acme", "secret", sealed)
	_, err = seal.New(store, before, seal.Options{})
	require.ErrorIs(t, err, seal.ErrWrongKeyring)
}

func TestAnEnvironmentKeyringSaysHowToMakeOne(t *testing.T) {
	good := b64(make([]byte, 32))
	for _, bad := range []string{"", "  ", "hunter2", good[:20], good + ",", good + ";" + good, strings.Repeat(good+",", 200) + good} {
		_, err := seal.EnvKeyring(bad)
		require.ErrorIs(t, err, storage.ErrInvalid)
		if len(bad) < 100 {
			require.ErrorContains(t, err, "openssl rand -base64 32")
		}
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestAKeyringRefusesWhatItDidNotWrap(t *testing.T) {
	ctx := context.Background()
	k := seal.MemoryKeyring()
	id, err := k.KeyID(ctx)
	require.NoError(t, err)
	wrapped, err := k.Wrap(ctx, id, make([]byte, 32), []byte("aad"))
	require.NoError(t, err)
	_, err = k.Unwrap(ctx, id, wrapped, []byte("bad"))
	require.ErrorIs(t, err, storage.ErrDamaged)
	for n := range wrapped {
		_, err = k.Unwrap(ctx, id, wrapped[:n], []byte("aad"))
		require.ErrorIs(t, err, storage.ErrDamaged)
		changed := append([]byte(nil), wrapped...)
		changed[n] ^= 1
		_, err = k.Unwrap(ctx, id, changed, []byte("aad"))
		require.ErrorIs(t, err, storage.ErrDamaged)
	}
	_, err = k.Unwrap(ctx, "another", wrapped, []byte("aad"))
	require.ErrorIs(t, err, seal.ErrWrongKeyring)
	_, err = k.Wrap(ctx, "another", make([]byte, 32), nil)
	require.ErrorIs(t, err, seal.ErrWrongKeyring)
}
