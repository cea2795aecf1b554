package seal_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func drawRef(t *rapid.T, label string) storage.SecretRef {
	name := rapid.StringMatching(`[a-c]{1,2}`) // few, so that they often differ in one coordinate only
	return storage.SecretRef{
		Tenant: name.Draw(t, label+" tenant"), Owner: name.Draw(t, label+" owner"), Kind: name.Draw(t, label+" kind"),
		ID: name.Draw(t, label+" id"), Generation: rapid.Int64Range(1, 3).Draw(t, label+" generation"),
	}
}

// Two rows are swapped in the database: neither opens.
func TestThreat04_ASecretOpensInItsOwnPlaceOnly(t *testing.T) {
	ctx := context.Background()
	store := newStore()
	s := newSealer(t, store, seal.MemoryKeyring(), seal.Options{})
	vault := storage.NewVault(store, s)
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRef(t, "a"), drawRef(t, "b")
		if a == b {
			t.Skip("the same place")
		}
		sealed, err := vault.Seal(ctx, a, []byte("secret of a"))
		require.NoError(t, err)
		// The thief also changes the columns and the name of the place that stands beside the sealed bytes.
		forged := sealed
		forged.RecordKey = b.Key()
		if rapid.Bool().Draw(t, "forge the name of the place") {
			own, err := vault.Seal(ctx, b, []byte("secret of b"))
			require.NoError(t, err)
			forged.Data = bytes.Replace(own.Data, sealedField(own.Data), sealedField(sealed.Data), 1)
		}
		fresh := newStore()
		fresh.records[forged.RecordKey] = forged
		got, err := storage.NewVault(fresh, s).Open(ctx, b)
		require.Error(t, err)
		require.Empty(t, got)
		if !bytes.Equal(forged.Data, sealed.Data) {
			require.ErrorIs(t, err, storage.ErrSealed)
		}
	})
}

func sealedField(data []byte) []byte {
	return data[bytes.LastIndex(data, []byte(`"sealed":`)):]
}

func TestThreat04_SealedBytesAreBoundToTenantAndPlace(t *testing.T) {
	ctx := context.Background()
	s := newSealer(t, newStore(), seal.MemoryKeyring(), seal.Options{})
	rapid.Check(t, func(t *rapid.T) {
		tenant := rapid.StringMatching(`[ab]{0,3}`)
		where := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 'b'}), 0, 4)
		t1, t2 := tenant.Draw(t, "tenant"), tenant.Draw(t, "other tenant")
		p1, p2 := where.Draw(t, "place"), where.Draw(t, "other place")
		secret := rapid.SliceOf(rapid.Byte()).Draw(t, "secret")
		sealed, err := s.Seal(ctx, t1, p1, secret)
		require.NoError(t, err)
		got, err := s.Open(ctx, t2, p2, sealed)
		if t1 == t2 && bytes.Equal(p1, p2) {
			require.NoError(t, err)
			require.True(t, bytes.Equal(secret, got))
			return
		}
		require.ErrorIs(t, err, storage.ErrSealed)
		require.Empty(t, got)
	})
}

// Every byte changed in every bit, every length cut or grown.
func TestThreat19_EveryChangeOfSealedBytesIsNoticed(t *testing.T) {
	ctx := context.Background()
	s := newSealer(t, newStore(), seal.MemoryKeyring(), seal.Options{})
	sealed := mustSeal(t, s, "acme", "secret")
	mac, err := s.Sign(ctx, "acme", []byte("message"))
	require.NoError(t, err)
	check := func(changedSeal, changedMAC []byte) {
		t.Helper()
		_, err := s.Open(ctx, "acme", place, changedSeal)
		require.ErrorIs(t, err, storage.ErrSealed)
		require.ErrorIs(t, s.Verify(ctx, "acme", []byte("message"), changedMAC), storage.ErrSealed)
	}
	for bit := range 8 * len(sealed) {
		a, b := slices.Clone(sealed), slices.Clone(mac)
		a[bit/8] ^= 1 << (bit % 8)
		b[bit/8%len(b)] ^= 1 << (bit % 8)
		check(a, b)
	}
	for n := range sealed {
		check(sealed[:n], mac[:min(n, len(mac)-1)])
	}
	check(append(slices.Clone(sealed), 0), append(slices.Clone(mac), 0))
	check(nil, nil)
}

// Whatever stands in the database, reading it does not panic.
func FuzzOpen(f *testing.F) {
	ctx := context.Background()
	s := newSealer(f, newStore(), seal.MemoryKeyring(), seal.Options{})
	sealed := mustSeal(f, s, "acme", "secret")
	mac, err := s.Sign(ctx, "acme", nil)
	require.NoError(f, err)
	f.Add(sealed)
	f.Add(mac)
	f.Add([]byte{1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := s.Open(ctx, "acme", place, b); err != nil && !bytes.Equal(b, sealed) {
			require.ErrorIs(t, err, storage.ErrSealed)
		}
		if err := s.Verify(ctx, "acme", nil, b); err != nil {
			require.ErrorIs(t, err, storage.ErrSealed)
		}
		if _, err := s.Stale(ctx, "acme", b); err != nil {
			require.ErrorIs(t, err, storage.ErrSealed)
		}
	})
}
