package storagetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

var key = storage.RecordKey{Kind: "server", Tenant: "acme", ID: "srv_1"}

func write() storage.Write { return storage.Write{Put: []storage.Record{{RecordKey: key}}} }

// every makes one call of each method and returns their errors.
func every(s storage.Store) []error {
	ctx := context.Background()
	_, err1 := s.Get(ctx, storage.RecordKey{Kind: "server", ID: "other"})
	if errors.Is(err1, storage.ErrNotFound) {
		err1 = nil
	}
	err2 := s.Commit(ctx, write())
	_, err3 := s.Claim(ctx, storage.Claim{})
	_, err4 := s.List(ctx, storage.Query{Kind: "server", Limit: 1})
	_, err5 := s.Count(ctx, storage.Query{Kind: "server"})
	return []error{err1, err2, err3, err4, err5}
}

func TestFailNthFailsThatCallOnly(t *testing.T) {
	for n := 1; n <= 6; n++ {
		below := memory.New(nil)
		s := storagetest.FailNth(below, n)
		for i, err := range every(s) {
			if i+1 == n {
				assert.Equal(t, storagetest.ErrInjected, err)
			} else {
				require.NoError(t, err)
			}
		}
		assert.Equal(t, 5, s.Calls())
		_, err := below.Get(t.Context(), key)
		assert.Equal(t, n == 2, errors.Is(err, storage.ErrNotFound), "a failed commit does nothing, n=%d", n)
	}
}

func TestFailNthAfterHasDoneTheCall(t *testing.T) {
	due := storage.Record{RecordKey: storage.RecordKey{Kind: "due", ID: "1"}, Wake: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for n := 1; n <= 4; n++ {
		below := memory.New(nil)
		s := storagetest.FailNthAfter(below, n)
		errs := []error{
			s.Commit(t.Context(), storage.Write{Put: []storage.Record{due}}),
			s.Commit(t.Context(), write()),
		}
		_, err := s.Claim(t.Context(), storage.Claim{Kinds: []string{"due"}, Limit: 1, Lease: time.Minute})
		errs = append(errs, err)
		for i, err := range errs {
			assert.Equal(t, i+1 == n, errors.Is(err, storagetest.ErrInjected), "call %d of n=%d: %v", i+1, n, err)
		}
		_, err = below.Get(t.Context(), key)
		require.NoError(t, err)
		r, err := below.Get(t.Context(), due.RecordKey)
		require.NoError(t, err)
		assert.EqualValues(t, 2, r.Version, "it was claimed, whoever knows")
	}
}

func TestFailAfterCommitHasCommitted(t *testing.T) {
	below := memory.New(nil)
	s := storagetest.FailAfterCommit(below, func(n int) bool { return n == 1 })
	require.ErrorIs(t, s.Commit(t.Context(), write()), storagetest.ErrInjected)
	_, err := below.Get(t.Context(), key)
	require.NoError(t, err)
	require.ErrorIs(t, s.Commit(t.Context(), write()), storage.ErrConflict, "the store's own error comes through")
}

func TestHooksSeeAndReplaceEachCall(t *testing.T) {
	var seen []string
	s := storagetest.Intercept(memory.New(nil), storagetest.Hooks{
		Before: func(c storagetest.Call) error {
			seen = append(seen, fmt.Sprintf("%d %s %v", c.N, c.Method, c.Write != nil))
			return nil
		},
		After: func(c storagetest.Call, err error) error {
			return fmt.Errorf("%s: %w", c.Method, storagetest.ErrInjected)
		},
	})
	for _, err := range every(s) {
		require.ErrorIs(t, err, storagetest.ErrInjected)
	}
	assert.Equal(t, []string{"1 Get false", "2 Commit true", "3 Claim false", "4 List false", "5 Count false"}, seen)
}

func TestSeededChoosesItsShare(t *testing.T) {
	hits := 0
	choose, again := storagetest.Seeded(7, 0.3), storagetest.Seeded(7, 0.3)
	for n := range 10_000 {
		require.Equal(t, choose(n), again(n))
		if choose(n) {
			hits++
		}
	}
	assert.InDelta(t, 3000, hits, 200)
}

// An answer that is lost after the commit: the caller reads again instead of writing again.
func Example() {
	ctx := context.Background()
	store := storagetest.FailAfterCommit(memory.New(nil), func(commit int) bool { return commit == 1 })

	err := store.Commit(ctx, write())
	fmt.Println(err)
	r, err := store.Get(ctx, key)
	fmt.Println(r.Version, err)
	// Output:
	// storagetest: injected failure
	// 1 <nil>
}
