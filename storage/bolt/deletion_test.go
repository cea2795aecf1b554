package bolt_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

// What is remembered of deleted records does not grow for ever, and lasts longer than any caller keeps a reference.
func TestDeletionsAreForgottenAfterAWeek(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := opened(t, filepath.Join(t.TempDir(), "test.db"), func() time.Time { return now })
	remembered := func() (n int) {
		t.Helper()
		require.NoError(t, bolt.Meddle(s, func(bucket func(string) *bbolt.Bucket) error {
			n = bucket("gone").Stats().KeyN
			assert.Equal(t, n, bucket("past").Stats().KeyN)
			return nil
		}))
		return n
	}
	come := func(kind string, n int) {
		t.Helper()
		var w storage.Write
		for i := range n {
			w.Put = append(w.Put, storage.Record{RecordKey: storage.RecordKey{Kind: kind, ID: fmt.Sprint(i)}})
		}
		require.NoError(t, s.Commit(t.Context(), w))
	}
	goAway := func(kind string, n int) {
		t.Helper()
		var w storage.Write
		for i := range n {
			w.Delete = append(w.Delete, storage.Ref{RecordKey: storage.RecordKey{Kind: kind, ID: fmt.Sprint(i)}, Version: 1})
		}
		require.NoError(t, s.Commit(t.Context(), w))
	}
	come("old", 10)
	come("new", 6)
	goAway("old", 10)
	require.Equal(t, 10, remembered())
	now = now.Add(7 * 24 * time.Hour)
	goAway("new", 3)
	require.Equal(t, 13, remembered(), "a week is not over")
	now = now.Add(time.Second)
	require.NoError(t, s.Commit(t.Context(), storage.Write{Delete: []storage.Ref{{RecordKey: storage.RecordKey{Kind: "new", ID: "3"}, Version: 1}}}))
	require.Equal(t, 12, remembered(), "each deletion lets go of two")
	require.NoError(t, s.Commit(t.Context(), storage.Write{Delete: []storage.Ref{
		{RecordKey: storage.RecordKey{Kind: "new", ID: "4"}, Version: 1}, {RecordKey: storage.RecordKey{Kind: "new", ID: "5"}, Version: 1},
	}}))
	require.Equal(t, 10, remembered())
	require.NoError(t, bolt.Agree(s))
}
