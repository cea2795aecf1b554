package storage_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

// resealed renews a stored record and stores it.
func (k kit) resealed(t testing.TB, key storage.RecordKey) (before, after storage.Record) {
	t.Helper()
	ctx := context.Background()
	before, err := k.Get(ctx, key)
	require.NoError(t, err)
	fresh, stale, err := storage.Resealed(ctx, k.sealer, before, false)
	require.NoError(t, err)
	require.True(t, stale)
	k.put(t, fresh, nil)
	after, err = k.Get(ctx, key)
	require.NoError(t, err)
	return before, after
}

func TestResealingChangesTheKeyAndNothingElse(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	secret, err := k.vault.Seal(ctx, tokenRef, []byte("secret"))
	k.put(t, secret, err)
	snapshot, err := k.repo.Encode(ctx, k.repo.New("acme", "1", server{Name: "one", Site: "hq", State: "active"}))
	k.put(t, snapshot, err)

	for _, key := range []storage.RecordKey{secret.RecordKey, snapshot.RecordKey} {
		rec, err := k.Get(ctx, key)
		require.NoError(t, err)
		none, stale, err := storage.Resealed(ctx, k.sealer, rec, false)
		require.NoError(t, err)
		assert.False(t, stale)
		assert.Zero(t, none)
	}
	require.NoError(t, k.sealer.RotateDataKey(ctx, "acme"))
	for _, key := range []storage.RecordKey{secret.RecordKey, snapshot.RecordKey} {
		before, after := k.resealed(t, key)
		assert.NotEqual(t, before.Data, after.Data)
		before.Data, after.Data, before.Version = nil, nil, before.Version+1
		assert.Equal(t, before, after)
	}
	got, err := k.vault.Open(ctx, tokenRef)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(got))
	item, err := k.repo.Get(ctx, "acme", "1")
	require.NoError(t, err)
	assert.Equal(t, server{Name: "one", Site: "hq", State: "active"}, item.Value)
}

// A database may have stored the JSON in another form than json.Marshal's; its signature covers the form that it has.
func TestResigningKeepsTheVeryBytesOfAValue(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	spaced := storage.NewRepo(k, verbatim{k.sealer}, serverSpec())
	rec, err := spaced.Encode(ctx, spaced.New("acme", "1", server{Name: "one"}))
	k.put(t, rec, err)
	k.edit(t, rec.RecordKey, replace(t, `{"name":"one"}`, spacedValue))
	_, err = k.repo.Get(ctx, "acme", "1")
	require.NoError(t, err)

	require.NoError(t, k.sealer.RotateDataKey(ctx, "acme"))
	_, after := k.resealed(t, rec.RecordKey)
	assert.Contains(t, string(after.Data), spacedValue)
	item, err := k.repo.Get(ctx, "acme", "1")
	require.NoError(t, err)
	assert.Equal(t, "one", item.Value.Name)
}

const spacedValue = `{ "name" : "one", "site":"<hq>" }`

// verbatim signs the spaced form of the value in place of the compact one.
type verbatim struct{ storage.Sealer }

func (v verbatim) Sign(ctx context.Context, tenant string, message []byte) ([]byte, error) {
	compact := `{"name":"one"}`
	head := message[:len(message)-len(compact)-1] // the value comes last, behind one byte with its length
	return v.Sealer.Sign(ctx, tenant, append(append(append([]byte{}, head...), byte(len(spacedValue))), spacedValue...))
}

func TestWhatCannotBeReadIsNotResealed(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	secret, err := k.vault.Seal(ctx, tokenRef, []byte("secret"))
	k.put(t, secret, err)
	snapshot, err := k.repo.Encode(ctx, k.repo.New("acme", "1", server{Name: "one"}))
	k.put(t, snapshot, err)
	require.NoError(t, k.sealer.RotateDataKey(ctx, "acme"))

	refuse := func(rec storage.Record, sealer storage.Sealer, want error) {
		t.Helper()
		got, stale, err := storage.Resealed(ctx, sealer, rec, false)
		require.ErrorIs(t, err, want)
		require.ErrorContains(t, err, rec.RecordKey.String())
		require.False(t, stale)
		require.Zero(t, got)
	}
	changed := func(rec storage.Record, old, by string) storage.Record {
		replace(t, old, by)(&rec)
		return rec
	}
	for _, rec := range []storage.Record{secret, snapshot} {
		refuse(rec, brokenSealer{}, storage.ErrKeyUnavailable)
		garbage := rec
		garbage.Data = []byte("{")
		refuse(garbage, k.sealer, storage.ErrDamaged)
	}
	refuse(changed(snapshot, `"one"`, `"two"`), k.sealer, storage.ErrDamaged)
	refuse(changed(secret, `"generation":2`, `"generation":3`), k.sealer, storage.ErrSealed)
	refuse(changed(secret, sealedPart(secret), `"sealed":"AQEB"}`), k.sealer, storage.ErrSealed)
	require.NoError(t, k.sealer.Shred(ctx, "acme"))
	refuse(secret, k.sealer, storage.ErrShredded)
	refuse(snapshot, k.sealer, storage.ErrShredded)
}
