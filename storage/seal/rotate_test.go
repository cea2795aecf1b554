package seal_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func TestTwoProcessesThatRaceForTheFirstKeyGetOne(t *testing.T) {
	// Both have seen that there is no key, and have made one, before either stores its own.
	store, keys := newStore(), seal.MemoryKeyring()
	var both sync.WaitGroup
	both.Add(2)
	store.before = func(call string) error {
		if call == "commit" {
			both.Done()
			both.Wait()
		}
		return nil
	}
	processes := [2]*seal.Sealer{newSealer(t, store, keys, seal.Options{}), newSealer(t, store, keys, seal.Options{})}
	var sealed [2][]byte
	var all sync.WaitGroup
	for i, s := range processes {
		all.Go(func() {
			var err error
			sealed[i], err = s.Seal(context.Background(), "acme", place, []byte("secret"))
			assert.NoError(t, err)
		})
	}
	all.Wait()
	requireOpens(t, processes[0], "acme", "secret", sealed[1])
	requireOpens(t, processes[1], "acme", "secret", sealed[0])
	requireOpens(t, newSealer(t, store, keys, seal.Options{}), "acme", "secret", sealed[0])
	assert.EqualValues(t, 1, ringOf(t, store, "acme").Version)
}

func TestARotatedMasterKeyRewrapsDataKeysOnly(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	before := w.store.reopened()

	require.NoError(t, w.keys.Rotate())
	ids := w.keys.IDs()
	require.Len(t, ids, 2)
	count, err := w.sealer.MasterKeys(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]int{ids[1]: 4}, count, "installation, umbrella, and two of acme")

	n, err := w.sealer.RewrapAll(ctx)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	n, err = w.sealer.RewrapAll(ctx)
	require.NoError(t, err)
	require.Zero(t, n, "a second time there is nothing to do")

	for k, r := range before.records {
		if k.Kind != seal.Kind {
			require.Equal(t, r, w.store.records[k])
		}
	}
	count, err = w.sealer.MasterKeys(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]int{ids[0]: 4}, count)
	require.NoError(t, w.keys.Forget(ids[1]))
	w.requireAllReadable(t, "the previous master key is not needed any more")
}

func TestRewrappingGoesOnBehindADamagedRing(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	broken := ringOf(t, w.store, "acme")
	broken.Data = []byte("{")
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{broken}}))
	require.NoError(t, w.keys.Rotate())
	n, err := w.sealer.RewrapAll(ctx)
	require.ErrorIs(t, err, storage.ErrDamaged)
	require.Equal(t, 2, n)
}

func TestARotatedDataKeyIsUsedAtOnceAndTheOldOneStillOpens(t *testing.T) {
	ctx := context.Background()
	store, keys := newStore(), seal.MemoryKeyring()
	here, there := newSealer(t, store, keys, seal.Options{}), newSealer(t, store, keys, seal.Options{})
	old := mustSeal(t, here, "acme", "old")
	requireOpens(t, there, "acme", "old", old)

	require.NoError(t, here.RotateDataKey(ctx, "acme"))
	fresh := mustSeal(t, here, "acme", "fresh")
	requireOpens(t, here, "acme", "old", old)
	requireOpens(t, there, "acme", "fresh", fresh) // although its memory knows the old ring only
	requireStale(t, here, "acme", old, true)
	requireStale(t, here, "acme", fresh, false)
	requireStale(t, there, "acme", old, true)

	_, err := here.Seal(storage.CachedOnly(ctx), "acme", place, nil)
	require.NoError(t, err, "the new key is in memory already")
}

func requireStale(t *testing.T, s *seal.Sealer, tenant string, sealed []byte, want bool) {
	t.Helper()
	got, err := s.Stale(context.Background(), tenant, sealed)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestTwoRotationsAtOnceMakeOneKey(t *testing.T) {
	store, keys := newStore(), seal.MemoryKeyring()
	here, there := newSealer(t, store, keys, seal.Options{}), newSealer(t, store, keys, seal.Options{})
	mustSeal(t, here, "acme", "secret")
	var both sync.WaitGroup
	both.Add(2)
	store.before = func(call string) error {
		if call == "commit" {
			both.Done()
			both.Wait()
		}
		return nil
	}
	var all sync.WaitGroup
	for _, s := range []*seal.Sealer{here, there} {
		all.Go(func() { assert.NoError(t, s.RotateDataKey(context.Background(), "acme")) })
	}
	all.Wait()
	count, err := here.MasterKeys(context.Background())
	require.NoError(t, err)
	require.Equal(t, map[string]int{keys.IDs()[0]: 2}, count)
}

// The whole of a rotation, as a host's command does it: afterwards one master key and one data key for each tenant are
// needed, and everything can be read.
func TestACompleteRotation(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	mustSeal(t, w.sealer, "leaver", "secret")
	require.NoError(t, w.sealer.Shred(ctx, "leaver"))
	before := map[string]storage.Record{}
	for _, tenant := range append(tenants, "") {
		before[tenant] = ringOf(t, w.store, tenant)
	}

	require.NoError(t, w.keys.Rotate())
	n, err := w.sealer.RewrapAll(ctx)
	require.NoError(t, err)
	require.Equal(t, len(before), n)
	n, err = w.sealer.RotateDataKeys(ctx)
	require.NoError(t, err)
	require.Equal(t, len(before), n, "the shredded tenant gets none")
	swept := sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds})
	require.Zero(t, swept.Kept)
	w.store.advance(aDay)
	require.Equal(t, len(before), sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds}).Retired)

	require.NoError(t, w.keys.Forget(w.keys.IDs()[1]))
	w.requireAllReadable(t, "rotated")
	count, err := w.sealer.MasterKeys(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]int{w.keys.IDs()[0]: len(before)}, count)
	for tenant, old := range before {
		require.NotEqual(t, activeKey(t, old), activeKey(t, ringOf(t, w.store, tenant)), "tenant %q", tenant)
	}
}

func activeKey(t *testing.T, ring storage.Record) string {
	t.Helper()
	var r struct{ Active string }
	require.NoError(t, json.Unmarshal(ring.Data, &r))
	require.NotEmpty(t, r.Active)
	return r.Active
}

func TestRotatingAllGoesOnBehindADamagedRing(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	broken := ringOf(t, w.store, "acme")
	broken.Data = []byte("{")
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{broken}}))
	n, err := w.sealer.RotateDataKeys(ctx)
	require.ErrorIs(t, err, storage.ErrDamaged)
	require.ErrorContains(t, err, `"acme"`)
	require.Equal(t, 2, n)

	w.keys.before = func(context.Context, string) error { return errDenied }
	n, err = w.sealer.RotateDataKeys(ctx)
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
	require.Zero(t, n)
}

func TestRotationIsRefusedWhereItCannotBe(t *testing.T) {
	ctx := context.Background()
	s := newSealer(t, newStore(), seal.MemoryKeyring(), seal.Options{})
	require.ErrorIs(t, s.RotateDataKey(ctx, "acme"), storage.ErrNotFound)
	mustSeal(t, s, "acme", "secret")
	var err error
	rotations := 0
	for ; err == nil && rotations < 100; rotations++ {
		err = s.RotateDataKey(ctx, "acme")
	}
	require.ErrorIs(t, err, storage.ErrInvalid)
	require.ErrorContains(t, err, "sweep before you rotate again")
	require.Equal(t, 33, rotations)
}
