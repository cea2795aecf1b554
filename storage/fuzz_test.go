package storage_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

// FuzzSnapshot reads arbitrary bytes as a stored snapshot, with and without a signature that is believed: it is read
// or refused as damaged, never a panic; and what was read can be written and read again.
func FuzzSnapshot(f *testing.F) {
	ctx := context.Background()
	k := newKit(f)
	spec := serverSpec()
	spec.Schema, spec.Upgrade = 3, chain()
	strict := storage.NewRepo(k, k.sealer, spec)
	lenient := storage.NewRepo(k, openSealer{}, spec)
	good, err := strict.Encode(ctx, strict.New("acme", "1", server{Name: "one"}))
	require.NoError(f, err)
	f.Add(good.Data)
	f.Add([]byte(`{"schema":1,"mac":"","value":{"title":"x"}}`))
	f.Add([]byte(`{"schema":-9223372036854775808,"mac":"AA==","value":null}`))
	f.Add([]byte(`{"schema":3,"mac":"AQIBAQEBAQEBAQ==","value":{"due":"0000-00-00T00:00:00Z"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec := good
		rec.Data = data
		if item, err := strict.Decode(ctx, rec); err != nil {
			require.ErrorIs(t, err, storage.ErrDamaged)
		} else {
			require.Equal(t, server{Name: "one"}, item.Value)
		}
		item, err := lenient.Decode(ctx, rec)
		if err != nil {
			require.ErrorIs(t, err, storage.ErrDamaged)
			return
		}
		again, err := lenient.Encode(ctx, item)
		if err != nil {
			return // a time that JSON cannot say, for example
		}
		require.True(t, json.Valid(again.Data), "%s", again.Data)
		same, err := lenient.Decode(ctx, again)
		require.NoError(t, err)
		require.Equal(t, item.Value, same.Value)
	})
}

// FuzzSecretRecord does the same for a vault's record.
func FuzzSecretRecord(f *testing.F) {
	ctx := context.Background()
	k := newKit(f)
	good, err := k.vault.Seal(ctx, tokenRef, []byte("secret"))
	require.NoError(f, err)
	f.Add(good.Data)
	f.Add([]byte(`{"schema":1,"ref":{"tenant":"acme","owner":"srv_01","kind":"token","id":"tok","generation":2},"sealed":"AQE="}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec := good
		rec.Data = data
		got, err := storage.NewVault(only{k, rec}, k.sealer).Open(ctx, tokenRef)
		if err != nil {
			require.True(t, isNoticed(err), "%v", err)
			return
		}
		require.Equal(t, "secret", string(got))
		_, _, err = storage.Resealed(ctx, k.sealer, rec, false)
		require.NoError(t, err)
	})
}
