package storage_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// mutate changes bytes as an accident, or somebody with access to the database, might.
func mutate(t *rapid.T, data, donor []byte) []byte {
	data = slices.Clone(data)
	for range rapid.IntRange(1, 3).Draw(t, "edits") {
		at := rapid.IntRange(0, len(data)).Draw(t, "at")
		to := rapid.IntRange(at, len(data)).Draw(t, "to")
		switch rapid.SampledFrom([]string{"flip", "cut", "insert", "truncate", "splice", "double"}).Draw(t, "edit") {
		case "flip":
			if at < len(data) {
				data[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		case "cut":
			data = slices.Delete(data, at, to)
		case "insert":
			data = slices.Insert(data, at, rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "bytes")...)
		case "truncate":
			data = data[:at]
		case "splice": // the end of another record of the same kind
			data = append(data[:at], donor[min(at, len(donor)):]...)
		case "double":
			data = slices.Insert(data, to, data[at:to]...)
		}
	}
	return data
}

// Random edits of what is stored are noticed, or change nothing that anybody reads.
func TestThreat19_EditedRowsAreNoticedOrHarmless(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	want := server{Name: "one", Site: "hq", State: "active", Count: 7}
	snapshot, err := k.repo.Encode(ctx, k.repo.New("acme", "1", want))
	k.put(t, snapshot, err)
	snapshot2, err := k.repo.Encode(ctx, k.repo.New("acme", "2", server{Name: "two", Site: "hq", State: "active", Count: 8}))
	k.put(t, snapshot2, err)
	secret, err := k.vault.Seal(ctx, tokenRef, []byte("secret"))
	k.put(t, secret, err)
	other := tokenRef
	other.ID = "toc"
	secret2, err := k.vault.Seal(ctx, other, []byte("other!"))
	k.put(t, secret2, err)
	ring, err := k.Get(ctx, storage.RecordKey{Kind: seal.Kind, Tenant: "acme", ID: "ring"})
	require.NoError(t, err)
	mac, err := k.sealer.Sign(ctx, "umbrella", nil)
	require.NoError(t, err)
	require.NotEmpty(t, mac)
	ring2, err := k.Get(ctx, storage.RecordKey{Kind: seal.Kind, Tenant: "umbrella", ID: "ring"})
	require.NoError(t, err)

	t.Run("snapshot", rapid.MakeCheck(func(t *rapid.T) {
		edited := snapshot
		edited.Data = mutate(t, snapshot.Data, snapshot2.Data)
		item, err := k.repo.Decode(ctx, edited)
		if err != nil {
			require.ErrorIs(t, err, storage.ErrDamaged)
			return
		}
		require.Empty(t, cmp.Diff(want, item.Value))
	}))
	t.Run("secret", rapid.MakeCheck(func(t *rapid.T) {
		edited := secret
		edited.Data = mutate(t, secret.Data, secret2.Data)
		got, err := storage.NewVault(only{k, edited}, k.sealer).Open(ctx, tokenRef)
		if err != nil {
			require.True(t, isNoticed(err), "%v", err)
			return
		}
		require.Equal(t, "secret", string(got))
	}))
	t.Run("data keys", rapid.MakeCheck(func(t *rapid.T) {
		edited := ring
		edited.Data = mutate(t, ring.Data, ring2.Data)
		k.sealer.Forget()
		sealer, err := seal.New(only{k, edited}, k.keys, seal.Options{})
		if err != nil {
			require.True(t, isNoticed(err), "%v", err)
			return
		}
		got, err := storage.NewVault(only{k, edited}, sealer).Open(ctx, tokenRef)
		if err != nil {
			require.True(t, isNoticed(err), "%v", err)
			return
		}
		require.Equal(t, "secret", string(got))
	}))
}

func isNoticed(err error) bool {
	return slices.ContainsFunc([]error{storage.ErrDamaged, storage.ErrSealed, storage.ErrShredded, seal.ErrWrongKeyring},
		func(target error) bool { return errors.Is(err, target) })
}

// only shows a store in which one record was edited.
type only struct {
	storage.Store
	edited storage.Record
}

func (o only) Get(ctx context.Context, key storage.RecordKey) (storage.Record, error) {
	if key == o.edited.RecordKey {
		return o.edited, nil
	}
	return o.Store.Get(ctx, key)
}

// Every byte of a snapshot, one after the other.
func TestThreat19_EveryByteOfASnapshotCounts(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	want := server{Name: "one", Site: "hq"}
	rec, err := k.repo.Encode(ctx, k.repo.New("acme", "1", want))
	require.NoError(t, err)
	from := bytes.Index(rec.Data, []byte(`"value"`))
	for bit := range 8 * len(rec.Data) {
		edited := rec
		edited.Data = slices.Clone(rec.Data)
		edited.Data[bit/8] ^= 1 << (bit % 8)
		item, err := k.repo.Decode(ctx, edited)
		if bit/8 > from+len(`"value":`) && bit/8 < len(rec.Data)-1 {
			require.ErrorIs(t, err, storage.ErrDamaged, "%s", edited.Data)
		}
		if err == nil { // the case of a name, or a space
			require.Equal(t, want, item.Value)
		}
	}
}

// A snapshot belongs to its kind, tenant and ID; a foreign tenant's key signs nothing here.
func TestThreat19_ASnapshotMovedElsewhereIsNoticed(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	rec, err := k.repo.Encode(ctx, k.repo.New("acme", "1", server{Name: "one"}))
	k.put(t, rec, err)
	_, err = k.sealer.Sign(ctx, "umbrella", nil)
	require.NoError(t, err)
	spec := serverSpec()
	spec.Kind = "site"
	sites := storage.NewRepo(k, k.sealer, spec)
	for _, key := range []storage.RecordKey{
		{Kind: "server", Tenant: "acme", ID: "2"}, {Kind: "server", Tenant: "umbrella", ID: "1"}, {Kind: "server", ID: "1"},
	} {
		moved := rec
		moved.RecordKey = key
		_, err = k.repo.Decode(ctx, moved)
		require.ErrorIs(t, err, storage.ErrDamaged)
	}
	moved := rec
	moved.Kind = "site"
	_, err = sites.Decode(ctx, moved)
	require.ErrorIs(t, err, storage.ErrDamaged)
}
