package seal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func TestSealedBytesOpenAgainForTheirTenantAndPlace(t *testing.T) {
	ctx := context.Background()
	s, err := seal.New(newStore(), seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, err)

	sealed, err := s.Seal(ctx, "acme", []byte("place"), []byte("secret"))
	require.NoError(t, err)
	require.Len(t, sealed, len("secret")+70)

	got, err := s.Open(ctx, "acme", []byte("place"), sealed)
	require.NoError(t, err)
	require.Equal(t, "secret", string(got))

	mac, err := s.Sign(ctx, "acme", []byte("message"))
	require.NoError(t, err)
	require.Len(t, mac, 42)
	require.NoError(t, s.Verify(ctx, "acme", []byte("message"), mac))
	require.ErrorIs(t, s.Verify(ctx, "acme", []byte("massage"), mac), storage.ErrSealed)
	require.ErrorIs(t, s.Verify(ctx, "acme", []byte("message"), sealed), storage.ErrSealed, "a sealed record is no signature")
	_, err = s.Open(ctx, "acme", []byte("place"), mac)
	require.ErrorIs(t, err, storage.ErrSealed, "a signature is no sealed record")
}
