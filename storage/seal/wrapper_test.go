package seal_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// errDenied stands for what a key management service's own client returns.
var errDenied = errors.New("AccessDeniedException: not authorized to perform kms:Decrypt")

func TestAKeyServiceThatFailsLeavesNothingHalfDone(t *testing.T) {
	for _, failing := range []string{"key ID", "wrap", "unwrap"} {
		t.Run(failing, func(t *testing.T) {
			ctx := context.Background()
			store, kms := newStore(), newKMS()
			s := newSealer(t, store, kms, seal.Options{})
			sealed := mustSeal(t, s, "acme", "secret")
			ring := ringOf(t, store, "acme")
			kms.before = func(_ context.Context, call string) error {
				if call == failing {
					return errDenied
				}
				return nil
			}

			_, err := s.Seal(ctx, "newcomer", place, []byte("secret"))
			require.ErrorIs(t, err, storage.ErrKeyUnavailable)
			require.ErrorIs(t, err, errDenied, "the host sees its service's own error")
			_, err = store.Get(ctx, storage.RecordKey{Kind: seal.Kind, Tenant: "newcomer", ID: "ring"})
			require.ErrorIs(t, err, storage.ErrNotFound, "no key is stored that was not proven to unwrap")

			require.ErrorIs(t, s.RotateDataKey(ctx, "acme"), storage.ErrKeyUnavailable)
			require.NoError(t, kms.Rotate())
			n, err := s.RewrapAll(ctx)
			require.ErrorIs(t, err, storage.ErrKeyUnavailable)
			assert.Zero(t, n)
			assert.Equal(t, ring, ringOf(t, store, "acme"))

			kms.before = nil
			requireOpens(t, s, "acme", "secret", sealed)
			mustSeal(t, s, "newcomer", "secret")
			require.NoError(t, s.RotateDataKey(ctx, "acme"))
		})
	}
}

func TestASlowKeyServiceIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kms := newKMS()
		s := newSealer(t, newStore(), kms, seal.Options{Timeout: 3 * time.Second})
		kms.before = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		start := time.Now()
		_, err := s.Seal(t.Context(), "acme", place, nil)
		require.ErrorIs(t, err, storage.ErrKeyUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

// A service may let its caller encrypt and not decrypt. Sealed with a key that only this process's memory holds,
// everything would be lost with the next restart.
func TestAKeyThatCannotBeUnwrappedIsNeverUsed(t *testing.T) {
	lies := map[string]func(call string, out []byte) []byte{
		"wraps something else": func(call string, out []byte) []byte {
			if call == "wrap" {
				out[len(out)-1] ^= 1
			}
			return out
		},
		"unwraps to another key": func(call string, out []byte) []byte {
			if call == "unwrap" {
				out[0] ^= 1
			}
			return out
		},
		"unwraps to a short key": func(call string, out []byte) []byte {
			if call == "unwrap" {
				return out[:16]
			}
			return out
		},
		"wraps to nothing": func(call string, out []byte) []byte {
			if call == "wrap" {
				return nil
			}
			return out
		},
		"wraps to a flood": func(call string, out []byte) []byte {
			if call == "wrap" {
				return make([]byte, 1<<20)
			}
			return out
		},
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			store, kms := newStore(), newKMS()
			kms.answer = lie
			s := newSealer(t, store, kms, seal.Options{})
			_, err := s.Seal(context.Background(), "acme", place, []byte("secret"))
			require.Error(t, err)
			require.Empty(t, store.records)
		})
	}
}

func TestAWrappedKeyOfAnotherTenantIsRefused(t *testing.T) {
	ctx := context.Background()
	store, keys := newStore(), seal.MemoryKeyring()
	s := newSealer(t, store, keys, seal.Options{})
	mustSeal(t, s, "acme", "secret")
	sealed := mustSeal(t, s, "evil", "secret")

	moved := ringOf(t, store, "acme")
	moved.Data = ringOf(t, store, "evil").Data
	require.NoError(t, store.Commit(ctx, storage.Write{Put: []storage.Record{moved}}))
	s.Forget()
	_, err := s.Open(ctx, "acme", place, sealed)
	require.ErrorIs(t, err, storage.ErrDamaged)
	_, err = s.Seal(ctx, "acme", place, nil)
	require.ErrorIs(t, err, storage.ErrDamaged, "nothing is sealed for acme with a key that evil can open")
}
