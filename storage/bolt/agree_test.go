package bolt_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

// An index that lost, gained or changed an entry is found when the file is opened: nothing is silently forgotten.
func TestIndexesThatDisagreeAreRefused(t *testing.T) {
	first := func(b *bbolt.Bucket) (key, value []byte) { return b.Cursor().First() }
	type change = func(bucket func(string) *bbolt.Bucket) error
	lose := func(name string) change {
		return func(bucket func(string) *bbolt.Bucket) error {
			key, _ := first(bucket(name))
			return bucket(name).Delete(key)
		}
	}
	gain := func(name string) change {
		return func(bucket func(string) *bbolt.Bucket) error {
			key, value := first(bucket(name))
			return bucket(name).Put(append(append([]byte{}, key...), 'x'), append([]byte{}, value...))
		}
	}
	for name, c := range map[string]change{
		"a due entry lost": lose("due"), "a due entry too many": gain("due"),
		"a state entry lost": lose("states"), "a state entry too many": gain("states"),
		"a parent entry lost": lose("parents"), "a parent entry too many": gain("parents"),
		"a lease lost": lose("leases"), "a lease too many": gain("leases"),
		"a deletion lost": lose("gone"), "a date of a deletion lost": lose("past"), "a date too many": gain("past"),
		"a record lost": lose("records"),
		"another state beside a parent": func(bucket func(string) *bbolt.Bucket) error {
			key, _ := first(bucket("parents"))
			return bucket("parents").Put(append([]byte{}, key...), []byte("expired"))
		},
		"another wake time": func(bucket func(string) *bbolt.Bucket) error {
			key, _ := first(bucket("due"))
			moved := append([]byte{}, key...)
			moved[len("server")+1+4] ^= 1
			if err := bucket("due").Delete(append([]byte{}, key...)); err != nil {
				return err
			}
			return bucket("due").Put(moved, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
			path := filepath.Join(t.TempDir(), "test.db")
			s, err := bolt.Open(path, bolt.Options{Now: func() time.Time { return now }})
			require.NoError(t, err)
			var w storage.Write
			for _, id := range []string{"1", "2", "3"} {
				k := storage.RecordKey{Kind: "server", Tenant: "acme", ID: id}
				w.Put = append(w.Put, storage.Record{RecordKey: k, Parent: "hq", State: "active", Wake: now})
			}
			require.NoError(t, s.Commit(t.Context(), w))
			require.NoError(t, s.Commit(t.Context(), storage.Write{Delete: []storage.Ref{{RecordKey: w.Put[2].RecordKey, Version: 1}}}))
			_, err = s.Claim(t.Context(), storage.Claim{Kinds: []string{"server"}, Limit: 1, Lease: time.Minute})
			require.NoError(t, err)
			require.NoError(t, bolt.Agree(s))

			require.NoError(t, bolt.Meddle(s, c))
			require.Error(t, bolt.Agree(s))
			require.NoError(t, s.Close())
			_, err = bolt.Open(path, bolt.Options{})
			require.ErrorIs(t, err, storage.ErrDamaged)
			require.ErrorContains(t, err, "restore it from a backup")
		})
	}
}

// A single damaged record does not take the others with it: it answers with an error, they can be read.
func TestADamagedRecordIsRefusedAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	good, bad := storage.RecordKey{Kind: "server", ID: "1"}, storage.RecordKey{Kind: "server", ID: "2"}
	require.NoError(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{{RecordKey: good}, {RecordKey: bad, Data: []byte("data")}}}))
	require.NoError(t, bolt.Meddle(s, func(bucket func(string) *bbolt.Bucket) error {
		key, value := bucket("records").Cursor().Last()
		return bucket("records").Put(append([]byte{}, key...), append([]byte{1}, value[1:]...))
	}))
	require.NoError(t, s.Close())

	s = opened(t, path, nil)
	_, err = s.Get(t.Context(), good)
	require.NoError(t, err)
	_, err = s.Get(t.Context(), bad)
	require.ErrorIs(t, err, storage.ErrDamaged)
	require.ErrorContains(t, err, "restore the store file from a backup")
	err = s.Commit(t.Context(), storage.Write{Put: []storage.Record{{RecordKey: bad, Version: 1}}})
	require.ErrorIs(t, err, storage.ErrDamaged, "and is not written over")
}

func TestADamagedLeaseIsRefusedAlone(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := bolt.Open(path, bolt.Options{Now: func() time.Time { return now }})
	require.NoError(t, err)
	good, bad := storage.RecordKey{Kind: "server", ID: "1"}, storage.RecordKey{Kind: "server", ID: "2"}
	require.NoError(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{{RecordKey: good, Wake: now}, {RecordKey: bad, Wake: now}}}))
	_, err = s.Claim(t.Context(), storage.Claim{Kinds: []string{"server"}, Limit: 2, Lease: time.Minute})
	require.NoError(t, err)
	require.NoError(t, bolt.Meddle(s, func(bucket func(string) *bbolt.Bucket) error {
		key, value := bucket("leases").Cursor().Last()
		changed := append([]byte{}, value...)
		changed[11]++ // the version
		return bucket("leases").Put(append([]byte{}, key...), changed)
	}))
	require.NoError(t, s.Close())

	s = opened(t, path, nil)
	_, err = s.Get(t.Context(), good)
	require.NoError(t, err)
	_, err = s.Get(t.Context(), bad)
	require.ErrorIs(t, err, storage.ErrDamaged)
	require.ErrorContains(t, err, "restore the store file from a backup")
}

// Each record's checksum covers its key: bytes that lie at another record's place are not that record.
func TestRecordsThatChangedPlacesAreRefused(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"records", "leases"} {
		path := filepath.Join(t.TempDir(), "test.db")
		s, err := bolt.Open(path, bolt.Options{Now: func() time.Time { return now }})
		require.NoError(t, err)
		keys := []storage.RecordKey{{Kind: "server", ID: "1"}, {Kind: "server", ID: "2"}}
		var w storage.Write
		for _, k := range keys {
			w.Put = append(w.Put, storage.Record{RecordKey: k, Wake: now, Data: []byte("data of " + k.ID)})
		}
		require.NoError(t, s.Commit(t.Context(), w))
		_, err = s.Claim(t.Context(), storage.Claim{Kinds: []string{"server"}, Limit: 2, Lease: time.Minute})
		require.NoError(t, err)
		require.NoError(t, bolt.Meddle(s, func(bucket func(string) *bbolt.Bucket) error {
			c := bucket(name).Cursor()
			firstKey, first := c.First()
			secondKey, second := c.Last()
			a, b := append([]byte{}, first...), append([]byte{}, second...)
			return errors.Join(bucket(name).Put(append([]byte{}, firstKey...), b), bucket(name).Put(append([]byte{}, secondKey...), a))
		}))
		for _, k := range keys {
			_, err := s.Get(t.Context(), k)
			require.ErrorIs(t, err, storage.ErrDamaged, name)
		}
		require.NoError(t, s.Close())
	}
}

// A record whose key was damaged would be missed by nobody.
func TestADamagedKeyIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	k := storage.RecordKey{Kind: "server", Tenant: "acme", ID: "1"}
	require.NoError(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{{RecordKey: k, Data: []byte("data")}}}))
	require.NoError(t, bolt.Meddle(s, func(bucket func(string) *bbolt.Bucket) error {
		key, value := bucket("records").Cursor().First()
		moved, value := append([]byte{'S'}, key[1:]...), append([]byte{}, value...)
		if err := bucket("records").Delete(append([]byte{}, key...)); err != nil {
			return err
		}
		return bucket("records").Put(moved, value)
	}))
	require.NoError(t, s.Close())
	_, err = bolt.Open(path, bolt.Options{})
	require.ErrorIs(t, err, storage.ErrDamaged)
}

// A damaged record does not hide that something else is lost, too.
func TestDamageHidesNoOtherDamage(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"due", "states", "parents", "leases"} {
		path := filepath.Join(t.TempDir(), "test.db")
		s, err := bolt.Open(path, bolt.Options{Now: func() time.Time { return now }})
		require.NoError(t, err)
		var w storage.Write
		for _, id := range []string{"1", "2"} {
			k := storage.RecordKey{Kind: "server", ID: id}
			w.Put = append(w.Put, storage.Record{RecordKey: k, Parent: "hq", State: "active", Wake: now})
		}
		require.NoError(t, s.Commit(t.Context(), w))
		_, err = s.Claim(t.Context(), storage.Claim{Kinds: []string{"server"}, Limit: 2, Lease: time.Minute})
		require.NoError(t, err)
		require.NoError(t, bolt.Meddle(s, func(bucket func(string) *bbolt.Bucket) error {
			key, value := bucket("records").Cursor().Last()
			changed := append([]byte{value[0] ^ 1}, value[1:]...)
			lost, _ := bucket(name).Cursor().First()
			return errors.Join(bucket("records").Put(append([]byte{}, key...), changed), bucket(name).Delete(append([]byte{}, lost...)))
		}))
		require.NoError(t, s.Close())
		_, err = bolt.Open(path, bolt.Options{})
		require.ErrorIs(t, err, storage.ErrDamaged, name)
	}
}
