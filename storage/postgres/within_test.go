package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

func key(id string) storage.RecordKey {
	return storage.RecordKey{Kind: "thing", Tenant: "acme", ID: id}
}

func record(id string) storage.Record {
	return storage.Record{RecordKey: key(id), Data: []byte("data of " + id)}
}

// put creates or changes records and returns them as they are then.
func put(t testing.TB, s storage.Store, records ...storage.Record) {
	t.Helper()
	require.NoError(t, s.Commit(context.Background(), storage.Write{Put: records}))
}

func get(t testing.TB, s storage.Store, id string) storage.Record {
	t.Helper()
	r, err := s.Get(context.Background(), key(id))
	require.NoError(t, err)
	return r
}

func begun(t testing.TB, pool *pgxpool.Pool, level pgx.TxIsoLevel) pgx.Tx {
	t.Helper()
	tx, err := pool.BeginTx(context.Background(), pgx.TxOptions{IsoLevel: level})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

var levels = []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}

// hosted is a store beside a table of the host's.
func hosted(t testing.TB) (*postgres.Store, *pgxpool.Pool, func(pgx.Tx), func() int) {
	t.Helper()
	s, pool, schema := newStore(t)
	_, err := pool.Exec(context.Background(), "CREATE TABLE "+schema+".hosts_own (n int)")
	require.NoError(t, err)
	insert := func(tx pgx.Tx) {
		_, err := tx.Exec(context.Background(), "INSERT INTO "+schema+".hosts_own VALUES (1)")
		require.NoError(t, err)
	}
	rows := func() (n int) {
		require.NoError(t, pool.QueryRow(context.Background(), "SELECT count(*) FROM "+schema+".hosts_own").Scan(&n))
		return n
	}
	return s, pool, insert, rows
}

func TestTheHostsRowsAndOursChangeTogetherOrNotAtAll(t *testing.T) {
	ctx := context.Background()
	for _, level := range levels {
		t.Run(string(level), func(t *testing.T) {
			s, pool, insert, rows := hosted(t)
			put(t, s, record("old"), record("kept"))
			write := func(tx pgx.Tx) {
				insert(tx)
				in := s.In(tx)
				old := get(t, in, "old")
				old.State = "changed"
				require.NoError(t, in.Commit(ctx, storage.Write{
					Put: []storage.Record{record("new"), old}, Hold: []storage.Ref{{RecordKey: key("kept"), Version: 1}, {RecordKey: key("absent")}},
				}))
				require.Equal(t, "changed", get(t, in, "old").State, "the transaction sees what it wrote")
			}

			tx := begun(t, pool, level)
			write(tx)
			require.NoError(t, tx.Rollback(ctx))
			_, err := s.Get(ctx, key("new"))
			require.ErrorIs(t, err, storage.ErrNotFound)
			require.EqualValues(t, 1, get(t, s, "old").Version)
			require.Zero(t, rows())

			tx = begun(t, pool, level)
			write(tx)
			require.NoError(t, tx.Commit(ctx))
			require.EqualValues(t, 1, get(t, s, "new").Version)
			require.EqualValues(t, 2, get(t, s, "old").Version)
			require.Equal(t, 1, rows())
		})
	}
}

func TestAConflictDoesNotEndTheHostsTransaction(t *testing.T) {
	ctx := context.Background()
	for _, level := range levels {
		t.Run(string(level), func(t *testing.T) {
			s, pool, insert, rows := hosted(t)
			put(t, s, record("a"), record("b"))
			tx := begun(t, pool, level)
			in := s.In(tx)
			insert(tx)
			a := get(t, in, "a") // the snapshot of the stricter levels begins here
			before := record("b")
			before.Version = 1
			put(t, s, before) // somebody else, outside

			stale := storage.Write{Put: []storage.Record{a, record("c")}, Hold: []storage.Ref{{RecordKey: key("b"), Version: 1}}}
			for what, w := range map[string]storage.Write{
				"a stale hold":             stale,
				"a stale put":              {Put: []storage.Record{before, record("c")}},
				"a stale delete":           {Put: []storage.Record{record("c")}, Delete: []storage.Ref{before.Ref()}},
				"a new one that exists":    {Put: []storage.Record{record("c"), record("a")}},
				"an absence that is wrong": {Put: []storage.Record{record("c")}, Hold: []storage.Ref{{RecordKey: key("a")}}},
			} {
				require.ErrorIs(t, in.Commit(ctx, w), storage.ErrConflict, what)
				_, err := in.Get(ctx, key("c"))
				require.ErrorIs(t, err, storage.ErrNotFound, "nothing of it was written: %s", what)
			}
			put(t, in, a) // the transaction goes on
			require.NoError(t, tx.Commit(ctx))
			require.EqualValues(t, 2, get(t, s, "a").Version)
			require.EqualValues(t, 2, get(t, s, "b").Version)
			require.Equal(t, 1, rows())
		})
	}
}

// At READ COMMITTED a conflict is solved by reading again; the caller in enrollment/runner relies on it.
func TestAfterAConflictTheHostsTransactionReadsWhatIsNew(t *testing.T) {
	s, pool, _ := newStore(t)
	put(t, s, record("a"))
	tx := begun(t, pool, pgx.ReadCommitted)
	in := s.In(tx)
	stale := get(t, in, "a")
	put(t, s, stale) // somebody else
	require.ErrorIs(t, in.Commit(context.Background(), storage.Write{Put: []storage.Record{stale}}), storage.ErrConflict)
	put(t, in, get(t, in, "a"))
	require.NoError(t, tx.Commit(context.Background()))
	require.EqualValues(t, 3, get(t, s, "a").Version)
}

func TestNothingIsClaimedWithinTheHostsTransaction(t *testing.T) {
	ctx := context.Background()
	s, pool, _ := newStore(t)
	due := record("due")
	due.Wake = storage.Instant(time.Now().Add(-time.Hour))
	put(t, s, due)
	in := s.In(begun(t, pool, pgx.ReadCommitted))
	_, err := in.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 1, Lease: time.Minute})
	require.ErrorIs(t, err, storage.ErrInvalid)
	c, err := in.Claim(ctx, storage.Claim{Kinds: []string{"thing"}})
	require.NoError(t, err)
	assert.True(t, c.More)
}

// The present is that of the call, however long ago the host's transaction began.
func TestTheDatabasesClockGoesOnWithinATransaction(t *testing.T) {
	ctx := context.Background()
	s, pool, _ := newStore(t)
	tx := begun(t, pool, pgx.ReadCommitted)
	var began, now time.Time
	require.NoError(t, tx.QueryRow(ctx, "SELECT transaction_timestamp()").Scan(&began))
	require.NoError(t, tx.QueryRow(ctx, "SELECT clock_timestamp() FROM pg_sleep(0.05)").Scan(&now))
	c, err := s.In(tx).Claim(ctx, storage.Claim{})
	require.NoError(t, err)
	assert.GreaterOrEqual(t, c.Now.Sub(began), 50*time.Millisecond)
	assert.False(t, c.Now.Before(storage.Instant(now)))
	out, err := s.Claim(ctx, storage.Claim{})
	require.NoError(t, err)
	assert.False(t, out.Now.Before(c.Now), "one clock for all")
}

func TestCallsWithinATransactionHeedTheContext(t *testing.T) {
	s, pool, _ := newStore(t)
	tx := begun(t, pool, pgx.ReadCommitted)
	in := s.In(tx)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, got := in.Get(cancelled, key("a"))
	_, listed := in.List(cancelled, storage.Query{Kind: "thing", Limit: 1})
	_, counted := in.Count(cancelled, storage.Query{Kind: "thing"})
	_, told := in.Claim(cancelled, storage.Claim{})
	for _, err := range []error{got, listed, counted, told, in.Commit(cancelled, storage.Write{Put: []storage.Record{record("a")}})} {
		require.ErrorIs(t, err, context.Canceled)
	}
	put(t, in, record("b")) // nothing was sent, so the transaction lives
	require.NoError(t, tx.Commit(context.Background()))
}

// A read that the server ends, and what reads ask of the planner, leave the host's transaction as it was.
func TestReadsLeaveTheHostsTransactionAsItIs(t *testing.T) {
	ctx := context.Background()
	s, pool, schema := newStore(t)
	put(t, s, record("a"))
	tx := begun(t, pool, pgx.ReadCommitted)
	in := s.In(tx)
	get(t, in, "a")
	_, err := in.Get(ctx, key("none"))
	require.ErrorIs(t, err, storage.ErrNotFound)
	populate(t, pool, schema, 50_000)
	everything := storage.Query{Kind: "move", AllTenants: true}
	_, err = in.Count(ctx, everything) // and its statement is prepared by now
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "SET LOCAL statement_timeout = '4ms'")
	require.NoError(t, err)
	_, err = in.Count(ctx, everything)
	require.Equal(t, "57014", sqlState(err), "%v", err)
	_, err = tx.Exec(ctx, "SET LOCAL statement_timeout = 0")
	require.NoError(t, err)
	put(t, in, get(t, in, "a"))
	var seqscan string
	require.NoError(t, tx.QueryRow(ctx, "SHOW enable_seqscan").Scan(&seqscan))
	require.Equal(t, "on", seqscan)
	require.NoError(t, tx.Commit(ctx))
	require.EqualValues(t, 2, get(t, s, "a").Version)
}
