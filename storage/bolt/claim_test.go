package bolt_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

// writtenBy counts the pages of a file that do changes.
func writtenBy(t *testing.T, path string, do func()) (pages int) {
	t.Helper()
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	do()
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, after, len(before), "the file grew")
	size := os.Getpagesize()
	for at := 0; at < len(after); at += size {
		if !bytes.Equal(before[at:at+size], after[at:at+size]) {
			pages++
		}
	}
	return pages
}

// A claim of a hundred records, scattered over all tenants, writes about as much in a large store as in a small one: not
// a page for each of them.
func TestAClaimWritesNoMoreInALargeStore(t *testing.T) {
	const due = 100
	pages := map[int]int{}
	for _, records := range []int{1_000, 10_000} {
		now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		path := filepath.Join(t.TempDir(), "test.db")
		s, err := bolt.Open(path, bolt.WithoutSync(bolt.Options{Now: func() time.Time { return now }}))
		require.NoError(t, err)
		var w storage.Write
		for i := range records {
			wake := now.AddDate(1, 0, 0).Add(time.Duration(i) * time.Second)
			if i%(records/due) == 0 {
				wake = now
			}
			k := storage.RecordKey{Kind: "server", Tenant: fmt.Sprintf("tenant%06d", i), ID: "srv_1"}
			w.Put = append(w.Put, storage.Record{RecordKey: k, Parent: "hq", State: "active", Wake: wake, Data: make([]byte, 1500)})
			if len(w.Put) == 1000 {
				require.NoError(t, s.Commit(t.Context(), w))
				w.Put = nil
			}
		}
		for range 3 { // the first ones make room for what is leased
			pages[records] = writtenBy(t, path, func() {
				c, err := s.Claim(t.Context(), storage.Claim{Kinds: []string{"server"}, Limit: due, Lease: time.Minute})
				require.NoError(t, err)
				require.Len(t, c.Records, due)
				now = now.Add(time.Minute)
			})
		}
		require.NoError(t, s.Close())
	}
	t.Logf("pages written by a claim of %d records: %d of 1,000, %d of 10,000", due, pages[1_000], pages[10_000])
	assert.Less(t, pages[10_000], 2*pages[1_000])
	assert.Less(t, pages[10_000], due/4)
}

// A lease lasts until the record is put or deleted, and not longer.
func TestALeaseEndsWithTheNextPut(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "test.db")
	s := opened(t, path, func() time.Time { return now })
	put := func(r storage.Record) storage.Record {
		t.Helper()
		require.NoError(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{r}}))
		r, err := s.Get(t.Context(), r.RecordKey)
		require.NoError(t, err)
		return r
	}
	claim := func() storage.Record {
		t.Helper()
		c, err := s.Claim(t.Context(), storage.Claim{Kinds: []string{"server"}, Limit: 2, Lease: time.Minute})
		require.NoError(t, err)
		require.Len(t, c.Records, 1)
		return c.Records[0]
	}
	r := put(storage.Record{RecordKey: storage.RecordKey{Kind: "server", ID: "1"}, Wake: now, Data: []byte("first")})
	claimed := claim()
	assert.EqualValues(t, 2, claimed.Version)
	now = now.Add(time.Hour)
	claimed = claim() // again, over the first lease
	assert.EqualValues(t, 3, claimed.Version)
	require.ErrorIs(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{r}}), storage.ErrConflict)

	claimed.Wake, claimed.Data = time.Time{}, []byte("second")
	r = put(claimed)
	assert.Equal(t, storage.Record{RecordKey: claimed.RecordKey, Version: 4, Data: []byte("second")}, r)

	r.Wake = now
	put(r)
	claimed = claim()
	require.NoError(t, s.Commit(t.Context(), storage.Write{Delete: []storage.Ref{claimed.Ref()}}))
	claimed.Version, claimed.Wake = 0, now
	assert.EqualValues(t, 7, put(claimed).Version, "it goes on counting where the lease was")
	assert.EqualValues(t, 8, claim().Version)
	require.NoError(t, bolt.Agree(s))
}
