package seal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage/seal"
)

// BenchmarkSealOpen seals and opens a record of 2 KB with its key in memory.
func BenchmarkSealOpen(b *testing.B) {
	ctx := context.Background()
	s := newSealer(b, newStore(), seal.MemoryKeyring(), seal.Options{})
	secret := make([]byte, 2<<10)
	b.SetBytes(int64(len(secret)))
	b.ReportAllocs()
	for b.Loop() {
		sealed, err := s.Seal(ctx, "acme", place, secret)
		require.NoError(b, err)
		_, err = s.Open(ctx, "acme", place, sealed)
		require.NoError(b, err)
	}
}

// BenchmarkSignVerify signs and verifies a snapshot of 2 KB with its key in memory.
func BenchmarkSignVerify(b *testing.B) {
	ctx := context.Background()
	s := newSealer(b, newStore(), seal.MemoryKeyring(), seal.Options{})
	message := make([]byte, 2<<10)
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		mac, err := s.Sign(ctx, "acme", message)
		require.NoError(b, err)
		require.NoError(b, s.Verify(ctx, "acme", message, mac))
	}
}

// BenchmarkColdOpen opens a record whose data key has to be fetched and unwrapped first.
func BenchmarkColdOpen(b *testing.B) {
	ctx := context.Background()
	s := newSealer(b, newStore(), seal.MemoryKeyring(), seal.Options{})
	sealed := mustSeal(b, s, "acme", string(make([]byte, 2<<10)))
	b.ReportAllocs()
	for b.Loop() {
		s.Forget()
		_, err := s.Open(ctx, "acme", place, sealed)
		require.NoError(b, err)
	}
}
