package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

// A file to which somebody else wrote between two calls, or that is another one now, is examined again.
func TestSharedExaminesWhatOthersWrote(t *testing.T) {
	k := storage.RecordKey{Kind: "server", ID: "1"}
	damaged := func(t *testing.T, path string) {
		t.Helper()
		s, err := bolt.Open(path, bolt.Options{})
		require.NoError(t, err)
		require.NoError(t, bolt.Meddle(s, func(bucket func(string) *bbolt.Bucket) error {
			return bucket("due").Put([]byte("what no record asks for"), nil)
		}))
		require.NoError(t, s.Close())
	}
	for name, meanwhile := range map[string]func(t *testing.T, path string){
		"written to": damaged,
		"replaced": func(t *testing.T, path string) {
			t.Helper()
			file, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path+".other", file, 0o600))
			damaged(t, path+".other")
			require.NoError(t, os.Rename(path+".other", path))
		},
		"cut": func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.Truncate(path, 3*int64(os.Getpagesize())))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			s := bolt.Shared(path, bolt.Options{})
			require.NoError(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{{RecordKey: k}}}))
			_, err := s.Get(t.Context(), k)
			require.NoError(t, err)
			meanwhile(t, path)
			_, err = s.Get(t.Context(), k)
			require.ErrorIs(t, err, storage.ErrDamaged)
		})
	}
}

// A file that another process writes to all the time is never mistaken for a damaged one.
func TestSharedReadsBesideAWriter(t *testing.T) {
	reads := 150
	if testing.Short() {
		reads = 40
	}
	path := filepath.Join(t.TempDir(), "test.db")
	c := startChild(t, nil, "write", path, "1", "shared")
	_, ok := c.acked(t)
	require.True(t, ok, string(c.err.text))
	var acks atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for c.out.Scan() {
			acks.Add(1)
		}
	}()
	began := time.Now()
	for n := 0; n < reads || acks.Load() < 20; n++ { // who waits for the file asks now and then, so turns are not fair
		require.Less(t, time.Since(began), time.Minute, "the writer never had a turn")
		s := bolt.Shared(path, bolt.Options{Wait: time.Minute})
		_, err := s.Get(t.Context(), storage.RecordKey{Kind: "server", ID: "none"})
		if !errors.Is(err, storage.ErrNotFound) {
			require.NoError(t, err)
		}
	}
	require.NoError(t, c.Process.Kill())
	<-ended
	require.Error(t, c.Wait())
	require.Empty(t, string(c.err.text))
}
