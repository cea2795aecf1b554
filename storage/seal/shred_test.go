package seal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func requireShredded(t *testing.T, s *seal.Sealer, tenant string, sealed, mac []byte) {
	t.Helper()
	ctx := context.Background()
	_, err := s.Open(ctx, tenant, place, sealed)
	require.ErrorIs(t, err, storage.ErrShredded)
	require.ErrorIs(t, s.Verify(ctx, tenant, nil, mac), storage.ErrShredded)
	_, err = s.Seal(ctx, tenant, place, []byte("secret"))
	require.ErrorIs(t, err, storage.ErrShredded)
	_, err = s.Sign(ctx, tenant, nil)
	require.ErrorIs(t, err, storage.ErrShredded)
	_, err = s.Stale(ctx, tenant, mac)
	require.ErrorIs(t, err, storage.ErrShredded)
	assert.ErrorIs(t, s.RotateDataKey(ctx, tenant), storage.ErrShredded)
}

func TestAShreddedTenantIsGoneForEver(t *testing.T) {
	ctx := context.Background()
	now := time.Now()
	store, keys := newStore(), newKMS()
	here := newSealer(t, store, keys, seal.Options{})
	there := newSealer(t, store, keys, seal.Options{Now: func() time.Time { return now }})
	sealed := mustSeal(t, here, "acme", "secret")
	mac, err := here.Sign(ctx, "acme", nil)
	require.NoError(t, err)
	neighbour := mustSeal(t, here, "umbrella", "secret")
	requireOpens(t, there, "acme", "secret", sealed)
	require.NoError(t, here.RotateDataKey(ctx, "acme"))

	require.NoError(t, here.Shred(ctx, "acme"))
	require.NoError(t, here.Shred(ctx, "acme"), "a repetition is no error")
	rec := ringOf(t, store, "acme")
	assert.Equal(t, "shredded", rec.State)
	assert.NotContains(t, string(rec.Data), "wrapped")

	requireShredded(t, here, "acme", sealed, mac)
	_, err = here.Seal(storage.CachedOnly(ctx), "acme", place, nil)
	require.ErrorIs(t, err, storage.ErrShredded, "which is remembered like a key")
	requireShredded(t, newSealer(t, store, keys, seal.Options{}), "acme", sealed, mac)
	now = now.Add(10 * time.Minute)
	requireShredded(t, there, "acme", sealed, mac)
	requireOpens(t, here, "umbrella", "secret", neighbour)

	n, err := here.RewrapAll(ctx)
	require.NoError(t, err)
	assert.Zero(t, n)
	swept, err := here.Sweep(ctx, seal.SweepOptions{})
	require.NoError(t, err)
	assert.True(t, swept.Done)
}

func TestShreddingWhatHasNoKeyKeepsItFromGettingOne(t *testing.T) {
	s := newSealer(t, newStore(), seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, s.Shred(context.Background(), "acme"))
	_, err := s.Seal(context.Background(), "acme", place, nil)
	require.ErrorIs(t, err, storage.ErrShredded)
}

func TestADamagedRingCanStillBeShredded(t *testing.T) {
	ctx := context.Background()
	store := newStore()
	s := newSealer(t, store, seal.MemoryKeyring(), seal.Options{})
	mustSeal(t, s, "acme", "secret")
	broken := ringOf(t, store, "acme")
	broken.Data = []byte("{")
	require.NoError(t, store.Commit(ctx, storage.Write{Put: []storage.Record{broken}}))
	require.NoError(t, s.Shred(ctx, "acme"))
	assert.Equal(t, "shredded", ringOf(t, store, "acme").State)
}

func TestTheInstallationIsNeverShredded(t *testing.T) {
	s := newSealer(t, newStore(), seal.MemoryKeyring(), seal.Options{})
	sealed := mustSeal(t, s, "", "secret")
	require.ErrorIs(t, s.Shred(context.Background(), ""), storage.ErrInvalid)
	requireOpens(t, s, "", "secret", sealed)
}
