package runner_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
)

// drain is a store that keeps what an adoption reads again, and counts the rest instead of keeping it, so that the memory of
// the adoption itself shows.
type drain struct {
	storage.Store
	drained map[string]int
	largest int // records of one write
}

func (d *drain) Commit(ctx context.Context, w storage.Write) error {
	d.largest = max(d.largest, len(w.Put))
	w.Put = slices.DeleteFunc(slices.Clone(w.Put), func(r storage.Record) bool {
		switch r.Kind {
		case runner.KindServer, runner.KindAudit, storage.KindSecret:
			d.drained[r.Kind]++
			return true
		}
		return false
	})
	w.Hold = nil
	return d.Store.Commit(ctx, w)
}

// exported is the JSON of many servers, made while it is read.
func exported(n int) io.Reader {
	in, out := io.Pipe()
	go func() {
		_, err := io.WriteString(out, "[")
		for i := 0; i < n && err == nil; i++ {
			comma := ","
			if i == n-1 {
				comma = "]"
			}
			_, err = fmt.Fprintf(out, `{"tenant": "t%03d", "reference": "crm-%d", "name": "MDM %d", "token": {"consumer_key": "CK_%d",
				"consumer_secret": "CS_1", "access_token": "AT_1", "access_secret": "AS_1", "access_token_expiry": "2027-11-24T09:00:00Z"}}%s`,
				i/500, i, i, i, comma)
		}
		_ = out.CloseWithError(err)
	}()
	return in
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A hundred thousand servers come in one call: memory holds a few of them at any time.
func TestAdoptAHundredThousand(t *testing.T) {
	n := 100_000
	if testing.Short() || raceDetector {
		n = 10_000
	}
	d := &drain{Store: memory.New(newClock().Now), drained: map[string]int{}}
	h := newHost(t, over(d))
	before, most, rows := heap(), uint64(0), 0
	began := time.Now()
	total, err := h.Adopt(ctx(t), tech, runner.DecodeAdoptions(exported(n), ""), func(r runner.RowResult) {
		if rows++; rows%(n/10) == 0 {
			most = max(most, heap())
		}
		assert.Nil(t, r.Problem)
	})
	require.NoError(t, err)
	t.Logf("%d rows in %v, at most %d KiB more in use", n, time.Since(began), (most-min(before, most))>>10)
	assert.Equal(t, runner.Adopted{Added: n}, total)
	assert.Equal(t, n, d.drained[runner.KindServer])
	assert.Equal(t, n, d.drained[storage.KindSecret])
	assert.LessOrEqual(t, d.largest, 64*5, "records of one write")
	assert.Less(t, most, before+16<<20, "bytes more than before")
}
