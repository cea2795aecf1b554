package runner_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// manyRows makes n servers with a token each, one at a time, of a few tenants. See is called before each row.
func manyRows(n int, see func(row int)) iter.Seq2[runner.Adoption, error] {
	return func(yield func(runner.Adoption, error) bool) {
		for i := range n {
			see(i)
			token := fmt.Sprintf(`{"consumer_key":"CK_%d","consumer_secret":"CS_%d","access_token":"AT_%d",`+
				`"access_secret":"AS_%d","access_token_expiry":"2027-06-01T00:00:00Z"}`, i, i, i, i)
			if !yield(runner.Adoption{
				Tenant: enrollment.TenantID(fmt.Sprintf("t%d", i*4/n)), Reference: fmt.Sprint(i), Name: "MDM", Token: abmtoken.NewSecret(token),
			}, nil) {
				return
			}
		}
	}
}

// liveHeap is what is reachable.
func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// adoptMany adopts servers in one call and demands that memory does not know how many they are: what is in use after the
// first tenth is in use at the end, but for what the store's own free list needs.
func adoptMany(t testing.TB, rows int) {
	w := newWorld(t, newBoltFile(t))
	defer w.disk.shut(t)
	var first, most int64
	began := time.Now()
	total, err := w.Adopt(ctx(t), robot, manyRows(rows, func(row int) {
		switch {
		case row == rows/10:
			first = liveHeap()
		case row%(rows/10) == 0 || row == rows-1:
			most = max(most, liveHeap())
		}
	}), nil)
	require.NoError(t, err)
	assert.Equal(t, runner.Adopted{Added: rows}, total)
	assert.Less(t, most-first, int64(2<<20+rows*150), "live memory grows with the rows")
	t.Logf("%d servers in %v; live heap %d KiB after a tenth, at most %d KiB later", rows, time.Since(began).Round(time.Millisecond), first>>10, most>>10)
}

// A hundred thousand servers in one call, into a bolt file.
func BenchmarkAdoptHundredThousand(b *testing.B) {
	for b.Loop() {
		adoptMany(b, 100_000)
	}
}

// A process that ends in the middle of an adoption has taken whole rows; the same call again takes the rest.
func TestAnAdoptionGoesOnAfterACrash(t *testing.T) {
	const rows = 400
	w := newWorld(t, newBoltFile(t))
	defer w.disk.shut(t)
	commits := 0
	w.fate = func(c crossing) error {
		if c.call == "Commit" {
			if commits++; commits == 9 {
				return errKilled
			}
		}
		return nil
	}
	adopt := func() (total runner.Adopted, lived bool) {
		err, lived := w.life.run(func() (err error) {
			total, err = w.Adopt(ctx(t), robot, manyRows(rows, func(int) {}), nil)
			return err
		})
		require.NoError(t, err)
		return total, lived
	}
	_, lived := adopt()
	require.False(t, lived)
	w.reboot()
	require.NoError(t, whole(w))
	total, lived := adopt()
	require.True(t, lived)
	assert.Zero(t, total.Refused)
	assert.Positive(t, total.Unchanged)
	assert.Equal(t, rows, total.Added+total.Unchanged)
	require.NoError(t, whole(w))
	k, err := keep(ctx(t), w.store)
	require.NoError(t, err)
	assert.Len(t, k.servers, rows)
	total, _ = adopt()
	assert.Equal(t, runner.Adopted{Unchanged: rows}, total)
}

// Two rows of one reference in one call: the newer token is the server's, and nothing is left of the other.
func TestTwoRowsOfOneReferenceLeaveNoSecretBehind(t *testing.T) {
	h := newHost(t)
	total, err := h.Adopt(ctx(t), robot, func(yield func(runner.Adoption, error) bool) {
		for row, err := range manyRows(2, func(int) {}) {
			row.Tenant, row.Reference = "acme", "crm-1"
			if !yield(row, err) {
				return
			}
		}
	}, nil)
	require.NoError(t, err)
	assert.Equal(t, runner.Adopted{Added: 1, Updated: 1}, total)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}
