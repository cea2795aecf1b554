package bolt_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/memory"
)

// A store that grows, shrinks and is claimed from at random, and is opened again and again, stays what a store in memory
// is, and its structure and indexes always pass.
func TestABusyStoreStaysSound(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	clock := &stepClock{}
	inMemory, path := memory.New(clock.Now), filepath.Join(t.TempDir(), "test.db")
	for round := range rounds {
		s, err := bolt.Open(path, bolt.WithoutSync(bolt.Options{Now: clock.Now}))
		require.NoError(t, err, "round %d", round)
		for range 4 {
			clock.n.Add(1)
			w := randomWrite(t, random, inMemory, clock.Now(), round%3)
			require.NoError(t, inMemory.Commit(t.Context(), w))
			require.NoError(t, s.Commit(t.Context(), w))
			c := storage.Claim{Kinds: []string{"server", "renewal"}, Limit: 1 + random.IntN(100), Lease: time.Duration(1+random.IntN(5)) * time.Second}
			want, err := inMemory.Claim(t.Context(), c)
			require.NoError(t, err)
			got, err := s.Claim(t.Context(), c)
			require.NoError(t, err)
			require.Len(t, got.Records, len(want.Records))
		}
		want, err := fingerprintOf(t.Context(), inMemory)
		require.NoError(t, err)
		got, err := fingerprintOf(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, want, got, "round %d", round)
		require.NoError(t, s.Close())
	}
}

// randomWrite puts and deletes, mostly the one or mostly the other.
func randomWrite(t *testing.T, random *rand.Rand, s storage.Store, now time.Time, deleting int) (w storage.Write) {
	t.Helper()
	seen := map[storage.RecordKey]bool{}
	for range random.IntN(600) {
		k := storage.RecordKey{
			Kind: workKinds[random.IntN(2)], Tenant: fmt.Sprint("t", random.IntN(20)), ID: fmt.Sprint(random.IntN(100)),
		}
		if seen[k] {
			continue
		}
		seen[k] = true
		r, err := s.Get(t.Context(), k)
		if err == nil && random.IntN(3) < deleting {
			w.Delete = append(w.Delete, r.Ref())
			continue
		}
		r.RecordKey, r.Parent, r.State = k, fmt.Sprint("p", random.IntN(9)), fmt.Sprint("s", random.IntN(3))
		r.Data = make([]byte, random.IntN(3000))
		if r.Wake = (time.Time{}); random.IntN(2) == 0 {
			r.Wake = now.Add(time.Duration(random.IntN(10)-5) * time.Second)
		}
		w.Put = append(w.Put, r)
	}
	return w
}
