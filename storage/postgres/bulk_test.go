package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

func many(n int) []storage.Record {
	all := make([]storage.Record, n)
	for i := range all {
		all[i] = record(fmt.Sprintf("%05d", i))
	}
	return all
}

// Many new records are written in another way than few, with the same outcome: on the store and within a transaction.
func TestManyNewRecordsAreCreatedAsFewAre(t *testing.T) {
	ctx := context.Background()
	const n = 1000
	for _, level := range append(levels, "") { // the last one: no transaction of the host's
		t.Run(fmt.Sprintf("%q", level), func(t *testing.T) {
			s, pool, _ := newStore(t)
			put(t, s, record("00700"), record("gone"), record("00300"))
			require.NoError(t, s.Commit(ctx, storage.Write{Delete: []storage.Ref{{RecordKey: key("00300"), Version: 1}}}))
			in, finish := storage.Store(s), func() {}
			if level != "" {
				tx := begun(t, pool, level)
				in, finish = s.In(tx), func() { require.NoError(t, tx.Commit(ctx)) }
			}
			all := many(n)
			err := in.Commit(ctx, storage.Write{Put: all, Delete: []storage.Ref{{RecordKey: key("gone"), Version: 1}}})
			var conflict *storage.ConflictError
			require.ErrorAs(t, err, &conflict)
			require.Equal(t, key("00700"), conflict.Key)
			get(t, in, "gone")
			_, err = in.Get(ctx, key("00000"))
			require.ErrorIs(t, err, storage.ErrNotFound)

			all[700].Version = 1
			all[0].State = "first"
			require.NoError(t, in.Commit(ctx, storage.Write{Put: all, Delete: []storage.Ref{{RecordKey: key("gone"), Version: 1}}}))
			finish()
			counts, err := s.Count(ctx, storage.Query{Kind: "thing", AllTenants: true})
			require.NoError(t, err)
			require.Equal(t, map[string]int{"first": 1, "": n - 1}, counts)
			require.EqualValues(t, 1, get(t, s, "00000").Version)
			require.EqualValues(t, 2, get(t, s, "00700").Version)
			require.EqualValues(t, 2, get(t, s, "00300").Version, "a record that comes again goes on counting")
			require.Equal(t, all[5].Data, get(t, s, "00005").Data)
		})
	}
}

// Of two who create the same many records one wins, whole.
func TestManyNewRecordsAreCreatedOnce(t *testing.T) {
	ctx := context.Background()
	s, _, _ := newStore(t)
	done := make(chan error, 2)
	for i := range 2 {
		go func() {
			all := many(600)
			for j := range all {
				all[j].State = fmt.Sprint(i)
			}
			done <- s.Commit(ctx, storage.Write{Put: all})
		}()
	}
	first, second := <-done, <-done
	require.NotEqual(t, first == nil, second == nil, "%v, %v", first, second)
	require.ErrorIs(t, errors.Join(first, second), storage.ErrConflict)
	counts, err := s.Count(ctx, storage.Query{Kind: "thing", AllTenants: true})
	require.NoError(t, err)
	require.Len(t, counts, 1)
}

// A write of more data than one statement takes is still one write.
func TestAWriteOfManyLargeRecordsIsOneWrite(t *testing.T) {
	ctx := context.Background()
	s, pool, _ := newStore(t)
	all := many(20)
	for i := range all {
		all[i].Data = bytes.Repeat([]byte{byte(i)}, storage.MaxData)
	}
	put(t, s, all...)
	for i := range all {
		all[i].Version, all[i].Data = 1, bytes.Repeat([]byte{byte(100 + i)}, storage.MaxData)
	}
	tx := begun(t, pool, pgx.ReadCommitted)
	put(t, s.In(tx), all...)
	require.NoError(t, tx.Rollback(ctx))
	require.EqualValues(t, 1, get(t, s, "00019").Version)
	put(t, s, all...)
	for _, i := range []int{0, 15, 16, 19} {
		r := get(t, s, fmt.Sprintf("%05d", i))
		require.EqualValues(t, 2, r.Version)
		require.True(t, bytes.Equal(all[i].Data, r.Data), "record %d", i)
	}
}
