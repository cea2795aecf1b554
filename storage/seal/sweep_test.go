package seal_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

const aDay = 24 * time.Hour

// sweepAll calls Sweep until it is done, handing the cursor on as a host that stores it would.
func sweepAll(t testing.TB, s *seal.Sealer, o seal.SweepOptions) seal.Swept {
	t.Helper()
	var sum seal.Swept
	for range 1000 {
		got, err := s.Sweep(context.Background(), o)
		require.NoError(t, err)
		sum.Looked, sum.Resealed = sum.Looked+got.Looked, sum.Resealed+got.Resealed
		sum.Retired, sum.Kept = sum.Retired+got.Retired, sum.Kept+got.Kept
		sum.Errors = append(sum.Errors, got.Errors...)
		if got.Done {
			return sum
		}
		text, err := json.Marshal(got.Next)
		require.NoError(t, err)
		o.From = seal.Cursor{}
		require.NoError(t, json.Unmarshal(text, &o.From))
	}
	t.Fatal("a sweep that never ends")
	return sum
}

func TestASweepRenewsEverythingAndThenDestroysTheOldKeys(t *testing.T) {
	for _, limit := range []int{0, 1, 2, 3, 7, 1000} {
		ctx := context.Background()
		w := filledWorld(t)
		for _, tenant := range append(tenants, "") {
			require.NoError(t, w.sealer.RotateDataKey(ctx, tenant))
		}
		all := 3 * perKind * len(tenants)
		o := seal.SweepOptions{Kinds: allKinds, Limit: limit}

		first := sweepAll(t, w.sealer, o)
		assert.Equal(t, seal.Swept{Looked: all, Resealed: all}, first, "too early to destroy keys, limit %d", limit)
		w.requireAllReadable(t, "swept")

		w.store.advance(aDay)
		second := sweepAll(t, w.sealer, o)
		assert.Equal(t, seal.Swept{Looked: all, Retired: 3}, second, "limit %d", limit)
		w.requireAllReadable(t, "old keys destroyed")

		third := sweepAll(t, w.sealer, o)
		assert.Equal(t, seal.Swept{}, third, "without old keys it costs nothing")
	}
}

func TestARenewedRecordKeepsItsValueAndColumns(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	k := ref("acme", 0).Key()
	before, err := w.store.Get(ctx, k)
	require.NoError(t, err)
	before.Wake = storage.Instant(time.Now()) // some adapter's, or a claim's
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{before}}))
	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds})
	after, err := w.store.Get(ctx, k)
	require.NoError(t, err)
	assert.NotEqual(t, before.Data, after.Data)
	before.Version, before.Data, after.Data = before.Version+2, nil, nil
	assert.Equal(t, before, after)
}

// A process that knows only the old key may still seal with it, until its memory expires.
func TestAnOldKeyOutlivesEveryMemoryOfIt(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	late := openWorld(t, w.store, w.keys, nil)
	_, err := late.things.Get(ctx, "acme", "0") // now it has the key in memory
	require.NoError(t, err)

	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds})
	rec, err := late.things.Encode(ctx, late.things.New("acme", "late", thing{"late"}))
	require.NoError(t, err)
	requireStale(t, w.sealer, "acme", macOf(t, rec), true)

	w.store.advance(aDay - time.Microsecond)
	assert.Zero(t, sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds}).Retired)
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{rec}}))
	w.store.advance(time.Microsecond)
	swept := sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds})
	assert.Equal(t, 1, swept.Retired)
	assert.Equal(t, 1, swept.Resealed, "the late one")
	w.requireAllReadable(t, "")
	item, err := openWorld(t, w.store, w.keys, nil).things.Get(ctx, "acme", "late")
	require.NoError(t, err)
	assert.Equal(t, "late", item.Value.Name)
}

func TestAPassThatMeetsAnUnreadableRecordDestroysNothing(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	rec, err := w.store.Get(ctx, w.things.Key("acme", "1"))
	require.NoError(t, err)
	good := rec
	rec.Data = []byte(`{"schema":1,"mac":"","value":{}}`)
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{rec}}))
	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	w.store.advance(aDay)

	for _, limit := range []int{0, 1} {
		swept := sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds, Limit: limit})
		assert.Equal(t, 1, swept.Kept)
		assert.Zero(t, swept.Retired)
		require.Len(t, swept.Errors, 1)
		require.ErrorContains(t, swept.Errors[0], "thing acme/1", "the record is named")
	}
	good.Version = 2
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{good}}))
	swept := sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds})
	assert.Equal(t, 1, swept.Retired, "once it is repaired the next pass does it")
	w.requireAllReadable(t, "repaired from a backup under the old key, and swept")
}

func TestADamagedRingDoesNotStopTheSweep(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	require.NoError(t, w.sealer.RotateDataKey(ctx, "umbrella"))
	broken := ringOf(t, w.store, "acme")
	broken.Data = []byte("{")
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{broken}}))
	swept := sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds})
	assert.Equal(t, 1, swept.Kept)
	assert.Equal(t, 2*perKind, swept.Resealed)
}

func TestASweepStopsWhenKeysAreOutOfReachAndGoesOnLater(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	w.sealer.Forget()
	w.keys.before = func(context.Context, string) error { return errDenied }
	swept, err := w.sealer.Sweep(ctx, seal.SweepOptions{Kinds: allKinds})
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
	assert.Zero(t, swept.Kept)
	assert.False(t, swept.Done)
	w.keys.before = nil
	swept, err = w.sealer.Sweep(ctx, seal.SweepOptions{Kinds: allKinds, From: swept.Next})
	require.NoError(t, err)
	assert.Equal(t, 2*perKind, swept.Resealed)
}

func TestACursorOfOtherKindsBeginsThePassAgain(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	w.store.advance(aDay)
	// Stopped in the third kind, which is another one in the list of the next call.
	others := []seal.SweptKind{{Kind: "empty"}, allKinds[0]}
	some, err := w.sealer.Sweep(ctx, seal.SweepOptions{Kinds: others, Limit: perKind + 1})
	require.NoError(t, err)
	require.Equal(t, 2, some.Next.Kind)
	for _, from := range []seal.Cursor{some.Next, {Tenant: "acme", Kind: -1}, {Tenant: "acme", Kind: 1 << 40}} {
		sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds, From: from})
		w.requireAllReadable(t, "nothing that was not looked at lost its key")
	}
}

func TestARecordThatChangesMeanwhileIsReadAgain(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	touched := 0
	w.store.before = func(call string) error {
		if call != "commit" || touched == 2 {
			return nil
		}
		touched++
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		for k, r := range w.store.records {
			if k.Kind == storage.KindSecret && k.Tenant == "acme" { // a claim moves the version only
				r.Version++
				w.store.records[k] = r
			}
		}
		return nil
	}
	swept := sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds})
	assert.Zero(t, swept.Kept)
	assert.Equal(t, 2*perKind, swept.Resealed)
	w.store.before = nil
	w.requireAllReadable(t, "")
}

func TestARecordThatNeverRestsIsLeftForTheNextPass(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	require.NoError(t, w.sealer.RotateDataKey(ctx, "acme"))
	w.store.advance(aDay)
	w.store.before = func(call string) error {
		if call == "commit" {
			return &storage.ConflictError{}
		}
		return nil
	}
	swept := sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds})
	assert.Equal(t, 2*perKind, swept.Kept)
	assert.Zero(t, swept.Retired)
	for _, err := range swept.Errors {
		require.ErrorIs(t, err, storage.ErrConflict)
	}
}

func macOf(t testing.TB, rec storage.Record) []byte {
	t.Helper()
	var snapshot struct {
		MAC []byte `json:"mac"`
	}
	require.NoError(t, json.Unmarshal(rec.Data, &snapshot))
	return snapshot.MAC
}
