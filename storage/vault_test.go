package storage_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

var tokenRef = storage.SecretRef{Tenant: "acme", Owner: "srv_01", Kind: "token", ID: "tok", Generation: 2}

func TestASecretIsARecordOfItsOwn(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	_, err := k.vault.Open(ctx, tokenRef)
	require.ErrorIs(t, err, storage.ErrNotFound)
	rec, err := k.vault.Seal(ctx, tokenRef, []byte("secret"))
	k.put(t, rec, err)
	assert.Equal(t, storage.RecordKey{Kind: storage.KindSecret, Tenant: "acme", ID: "srv_01/token/tok"}, rec.RecordKey)
	assert.Equal(t, "srv_01", rec.Parent, "a server's secrets can be listed")
	assert.Equal(t, "token", rec.State)
	assert.True(t, rec.Wake.IsZero())
	got, err := k.vault.Open(ctx, tokenRef)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(got))
}

// The row of an older secret is put back in place of the newer one.
func TestThreat19_ARolledBackSecretDoesNotOpen(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	older := tokenRef
	older.Generation--
	rec, err := k.vault.Seal(ctx, older, []byte("old secret"))
	k.put(t, rec, err)
	backup, err := k.Get(ctx, rec.RecordKey)
	require.NoError(t, err)
	fresh, err := k.vault.Seal(ctx, tokenRef, []byte("new secret"))
	fresh.Version = 1
	k.put(t, fresh, err)
	_, err = k.vault.Open(ctx, tokenRef)
	require.NoError(t, err)

	k.edit(t, rec.RecordKey, func(r *storage.Record) { r.Data = backup.Data })
	_, err = k.vault.Open(ctx, tokenRef)
	require.ErrorIs(t, err, storage.ErrSealed)
	k.edit(t, rec.RecordKey, replace(t, `"generation":1`, `"generation":2`))
	_, err = k.vault.Open(ctx, tokenRef)
	require.ErrorIs(t, err, storage.ErrSealed)
}

// Two rows are exchanged, between servers and between tenants.
func TestThreat04_ExchangedSecretsDoNotOpen(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(*storage.SecretRef){
		"tenant": func(r *storage.SecretRef) { r.Tenant = "umbrella" },
		"owner":  func(r *storage.SecretRef) { r.Owner = "srv_02" },
		"kind":   func(r *storage.SecretRef) { r.Kind = "key" },
		"id":     func(r *storage.SecretRef) { r.ID = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			other := tokenRef
			change(&other)
			a, err := k.vault.Seal(ctx, tokenRef, []byte("a"))
			k.put(t, a, err)
			b, err := k.vault.Seal(ctx, other, []byte("b"))
			k.put(t, b, err)
			k.edit(t, a.RecordKey, func(r *storage.Record) { r.Data = b.Data })
			k.edit(t, b.RecordKey, func(r *storage.Record) { r.Data = a.Data })
			for _, ref := range []storage.SecretRef{tokenRef, other} {
				_, err = k.vault.Open(ctx, ref)
				require.ErrorIs(t, err, storage.ErrDamaged, "the row says itself that it belongs elsewhere")
			}
			// The same with the reference beside the sealed bytes forged too.
			k.edit(t, a.RecordKey, func(r *storage.Record) {
				r.Data = []byte(strings.Replace(string(a.Data), sealedPart(a), sealedPart(b), 1))
			})
			_, err = k.vault.Open(ctx, tokenRef)
			require.ErrorIs(t, err, storage.ErrSealed)
		})
	}
}

func sealedPart(r storage.Record) string {
	return string(r.Data[strings.Index(string(r.Data), `"sealed":`):])
}

func TestReferencesThatCouldShareAKeyAreRefused(t *testing.T) {
	k := newKit(t)
	for name, ref := range map[string]storage.SecretRef{
		"no owner":          {Tenant: "acme", Kind: "token", ID: "1"},
		"no kind":           {Tenant: "acme", Owner: "srv", ID: "1"},
		"no ID":             {Tenant: "acme", Owner: "srv", Kind: "token"},
		"slash in an owner": {Tenant: "acme", Owner: "srv/token", Kind: "x", ID: "1"},
		"slash in a kind":   {Tenant: "acme", Owner: "srv", Kind: "token/x", ID: "1"},
		"no text":           {Tenant: "acme\xff", Owner: "srv", Kind: "token", ID: "1"},
		"too long":          {Tenant: "acme", Owner: strings.Repeat("s", 256), Kind: "token", ID: "1"},
	} {
		_, err := k.vault.Seal(context.Background(), ref, nil)
		require.ErrorIs(t, err, storage.ErrInvalid, name)
	}
}

func TestADamagedSecretIsNamed(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	rec, err := k.vault.Seal(ctx, tokenRef, []byte("secret"))
	k.put(t, rec, err)
	for _, data := range []string{"", "{", "[]", `{"schema":2}`, strings.Replace(string(rec.Data), `"schema":1`, `"schema":2`, 1)} {
		k.edit(t, rec.RecordKey, func(r *storage.Record) { r.Data = []byte(data) })
		_, err = k.vault.Open(ctx, tokenRef)
		require.ErrorIs(t, err, storage.ErrDamaged)
		require.ErrorContains(t, err, "secret acme/srv_01/token/tok")
	}
}

func TestAVaultWithoutItsKeysSaysSo(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	rec, err := k.vault.Seal(ctx, tokenRef, []byte("secret"))
	k.put(t, rec, err)
	vault := storage.NewVault(k, brokenSealer{})
	_, err = vault.Open(ctx, tokenRef)
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
	_, err = vault.Seal(ctx, tokenRef, nil)
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
}
