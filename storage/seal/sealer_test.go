package seal_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

var place = []byte("place")

func newSealer(t testing.TB, store storage.Store, keys seal.KeyWrapper, o seal.Options) *seal.Sealer {
	t.Helper()
	s, err := seal.New(store, keys, o)
	require.NoError(t, err)
	return s
}

func mustSeal(t testing.TB, s *seal.Sealer, tenant, secret string) []byte {
	t.Helper()
	sealed, err := s.Seal(context.Background(), tenant, place, []byte(secret))
	require.NoError(t, err)
	return sealed
}

func requireOpens(t testing.TB, s *seal.Sealer, tenant, secret string, sealed []byte) {
	t.Helper()
	got, err := s.Open(context.Background(), tenant, place, sealed)
	require.NoError(t, err)
	require.Equal(t, secret, string(got))
}

// ringOf returns the record with a tenant's data keys.
func ringOf(t testing.TB, store *fakeStore, tenant string) storage.Record {
	t.Helper()
	rec, err := store.Get(context.Background(), storage.RecordKey{Kind: seal.Kind, Tenant: tenant, ID: "ring"})
	require.NoError(t, err)
	return rec
}

func TestSealedBytesOpenAgainForTheirTenantAndPlace(t *testing.T) {
	ctx := context.Background()
	s := newSealer(t, newStore(), seal.MemoryKeyring(), seal.Options{})

	sealed := mustSeal(t, s, "acme", "secret")
	assert.Len(t, sealed, len("secret")+70)
	requireOpens(t, s, "acme", "secret", sealed)
	requireOpens(t, s, "acme", "", mustSeal(t, s, "acme", ""))
	requireOpens(t, s, "", "installation", mustSeal(t, s, "", "installation"))

	mac, err := s.Sign(ctx, "acme", []byte("message"))
	require.NoError(t, err)
	assert.Len(t, mac, 42)
	require.NoError(t, s.Verify(ctx, "acme", []byte("message"), mac))
	require.ErrorIs(t, s.Verify(ctx, "acme", []byte("massage"), mac), storage.ErrSealed)
	require.ErrorIs(t, s.Verify(ctx, "other", []byte("message"), mac), storage.ErrSealed)
	require.ErrorIs(t, s.Verify(ctx, "acme", []byte("message"), sealed), storage.ErrSealed, "sealed bytes are no signature")
	_, err = s.Open(ctx, "acme", place, mac)
	assert.ErrorIs(t, err, storage.ErrSealed, "a signature is no sealed record")
}

func TestSealingTheSameTwiceGivesDifferentBytes(t *testing.T) {
	s := newSealer(t, newStore(), seal.MemoryKeyring(), seal.Options{})
	first, second := mustSeal(t, s, "acme", "secret"), mustSeal(t, s, "acme", "secret")
	assert.NotEqual(t, first, second)
}

func TestReadingNeverMakesADataKey(t *testing.T) {
	ctx := context.Background()
	store := newStore()
	s := newSealer(t, store, seal.MemoryKeyring(), seal.Options{})
	sealed := mustSeal(t, s, "acme", "secret")
	mac, err := s.Sign(ctx, "acme", nil)
	require.NoError(t, err)

	_, err = s.Open(ctx, "newcomer", place, sealed)
	require.ErrorIs(t, err, storage.ErrSealed)
	require.ErrorIs(t, s.Verify(ctx, "newcomer", nil, mac), storage.ErrSealed)
	_, err = s.Stale(ctx, "newcomer", mac)
	require.ErrorIs(t, err, storage.ErrSealed)
	assert.Len(t, store.records, 1, "only acme has data keys")
}

func TestCachedOnlyNeverFetches(t *testing.T) {
	store, kms := newStore(), newKMS()
	s := newSealer(t, store, kms, seal.Options{})
	sealed := mustSeal(t, s, "acme", "secret")
	mac, err := s.Sign(context.Background(), "acme", nil)
	require.NoError(t, err)

	store.before = func(call string) error { t.Errorf("store call %s", call); return nil }
	kms.before = func(_ context.Context, call string) error { t.Errorf("key wrapper call %s", call); return nil }
	ctx := storage.CachedOnly(context.Background())

	_, err = s.Open(ctx, "acme", place, sealed)
	require.NoError(t, err, "the key is in memory")
	_, err = s.Stale(ctx, "acme", mac)
	require.NoError(t, err)

	_, err = s.Seal(ctx, "newcomer", place, nil)
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
	_, err = s.Stale(ctx, "newcomer", mac)
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
	s.Forget()
	_, err = s.Open(ctx, "acme", place, sealed)
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
	require.ErrorIs(t, s.Verify(ctx, "acme", nil, mac), storage.ErrKeyUnavailable)
}

func TestOpenKeysAreHeldForTheTTL(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	kms := newKMS()
	s := newSealer(t, newStore(), kms, seal.Options{TTL: time.Minute, Now: func() time.Time { return now }})
	sealed := mustSeal(t, s, "acme", "secret")
	before := kms.unwraps.Load()

	now = now.Add(time.Minute - 1)
	requireOpens(t, s, "acme", "secret", sealed)
	assert.Equal(t, before, kms.unwraps.Load(), "still in memory")
	now = now.Add(1)
	requireOpens(t, s, "acme", "secret", sealed)
	assert.Equal(t, before+1, kms.unwraps.Load(), "fetched again, although it was in use all the time")
}

func TestOpenKeysAreHeldForABoundedNumberOfTenants(t *testing.T) {
	kms := newKMS()
	s := newSealer(t, newStore(), kms, seal.Options{Tenants: 2})
	sealed := map[string][]byte{}
	for _, tenant := range []string{"a", "b", "c"} {
		sealed[tenant] = mustSeal(t, s, tenant, "secret")
	}
	before := kms.unwraps.Load()
	requireOpens(t, s, "b", "secret", sealed["b"])
	requireOpens(t, s, "c", "secret", sealed["c"])
	assert.Equal(t, before, kms.unwraps.Load())
	requireOpens(t, s, "a", "secret", sealed["a"])
	assert.Equal(t, before+1, kms.unwraps.Load(), "the tenant that was loaded first had to leave")
}

func TestManyCallersShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kms := newKMS()
		s := newSealer(t, newStore(), kms, seal.Options{})
		sealed := mustSeal(t, s, "acme", "secret")
		s.Forget()
		before := kms.unwraps.Load()
		answer := make(chan struct{})
		kms.before = func(context.Context, string) error { <-answer; return nil }

		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				got, err := s.Open(t.Context(), "acme", place, sealed)
				if err != nil || string(got) != "secret" {
					t.Errorf("opened %q, %v", got, err)
				}
			})
		}
		synctest.Wait()
		close(answer)
		all.Wait()
		assert.Equal(t, before+1, kms.unwraps.Load())
	})
}

func TestACallerThatGivesUpDoesNotFailTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kms := newKMS()
		s := newSealer(t, newStore(), kms, seal.Options{})
		sealed := mustSeal(t, s, "acme", "secret")
		s.Forget()
		slow := true
		kms.before = func(ctx context.Context, _ string) error {
			if !slow {
				return nil
			}
			slow = false
			<-ctx.Done()
			return ctx.Err()
		}
		impatient, giveUp := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := s.Open(impatient, "acme", place, sealed)
			failed <- err
		}()
		synctest.Wait()
		patient := make(chan error, 1)
		go func() {
			_, err := s.Open(t.Context(), "acme", place, sealed)
			patient <- err
		}()
		synctest.Wait()
		giveUp()
		err := <-failed
		require.ErrorIs(t, err, storage.ErrKeyUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		assert.NoError(t, <-patient)
	})
}

func TestAWaitingCallerHonoursItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kms := newKMS()
		s := newSealer(t, newStore(), kms, seal.Options{})
		sealed := mustSeal(t, s, "acme", "secret")
		s.Forget()
		answer := make(chan struct{})
		kms.before = func(context.Context, string) error { <-answer; return nil }
		first := make(chan error, 1)
		go func() {
			_, err := s.Open(t.Context(), "acme", place, sealed)
			first <- err
		}()
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Open(hurried, "acme", place, sealed)
		require.ErrorIs(t, err, storage.ErrKeyUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(answer)
		assert.NoError(t, <-first)
	})
}

func TestAPanickingKeyWrapperBlocksNobody(t *testing.T) {
	kms := newKMS()
	s := newSealer(t, newStore(), kms, seal.Options{})
	kms.before = func(context.Context, string) error { panic("broken driver") }
	assert.Panics(t, func() { _, _ = s.Seal(context.Background(), "acme", place, nil) })
	kms.before = nil
	mustSeal(t, s, "acme", "secret")
}

func TestNewNeedsItsParts(t *testing.T) {
	_, err := seal.New(nil, seal.MemoryKeyring(), seal.Options{})
	require.Error(t, err)
	_, err = seal.New(newStore(), nil, seal.Options{})
	require.Error(t, err)
}

func TestNewTriesTheMasterKey(t *testing.T) {
	store := newStore()
	right := newKMS()
	s := newSealer(t, store, right, seal.Options{})
	mustSeal(t, s, "acme", "secret")
	mustSeal(t, s, "zeta", "secret")
	require.NoError(t, s.Shred(context.Background(), "acme"), "a shredded ring tells nothing; the next one is tried")

	got, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	require.ErrorIs(t, err, seal.ErrWrongKeyring)
	assert.Nil(t, got)

	right.before = func(context.Context, string) error { return errors.New("503") }
	_, err = seal.New(store, right, seal.Options{})
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)

	right.before = nil
	newSealer(t, store, right, seal.Options{})
}
