package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// waiting returns when a session of the schema's database waits for a lock that another one has.
func waiting(t testing.TB, pool *pgxpool.Pool, schema string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		var n int
		require.NoError(t, pool.QueryRow(ctx,
			"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'", schema).Scan(&n))
		if n > 0 {
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			require.Fail(t, "nobody waits")
		}
	}
}

// A release that holds the switch keeps it from being turned until the release is there; and one that comes after the switch
// was turned is not committed.
func TestNoReleaseCommitsAfterTheSwitchAtAnyIsolationLevel(t *testing.T) {
	ctx := context.Background()
	for _, level := range levels {
		t.Run("released first/"+string(level), func(t *testing.T) {
			s, pool, schema := newStore(t)
			put(t, s, record("switch"))
			tx := begun(t, pool, level)
			gate := get(t, s.In(tx), "switch")
			require.NoError(t, s.In(tx).Commit(ctx, storage.Write{Put: []storage.Record{record("release")}, Hold: []storage.Ref{gate.Ref()}}))
			turned := make(chan error, 1)
			go func() { turned <- s.Commit(ctx, storage.Write{Put: []storage.Record{gate}}) }()
			waiting(t, pool, schema)
			require.NoError(t, tx.Commit(ctx))
			require.NoError(t, <-turned)
			require.EqualValues(t, 2, get(t, s, "switch").Version)
		})
		t.Run("switched first/"+string(level), func(t *testing.T) {
			s, pool, schema := newStore(t)
			put(t, s, record("switch"))
			gate := get(t, s, "switch")
			turning := begun(t, pool, level)
			require.NoError(t, s.In(turning).Commit(ctx, storage.Write{Put: []storage.Record{gate}}))
			release := begun(t, pool, level)
			require.EqualValues(t, 1, get(t, s.In(release), "switch").Version, "not turned yet")
			released := make(chan error, 1)
			go func() {
				released <- s.In(release).Commit(ctx, storage.Write{Put: []storage.Record{record("release")}, Hold: []storage.Ref{gate.Ref()}})
			}()
			waiting(t, pool, schema)
			require.NoError(t, turning.Commit(ctx))
			require.ErrorIs(t, <-released, storage.ErrConflict)
			_ = release.Commit(ctx) // at the strictest level it may fail; nothing is in it
			_, err := s.Get(ctx, key("release"))
			require.ErrorIs(t, err, storage.ErrNotFound)
		})
		t.Run("a switch that is not there yet/"+string(level), func(t *testing.T) {
			s, pool, schema := newStore(t)
			tx := begun(t, pool, level)
			absent := storage.Ref{RecordKey: key("switch")}
			require.NoError(t, s.In(tx).Commit(ctx, storage.Write{Put: []storage.Record{record("release")}, Hold: []storage.Ref{absent}}))
			turned := make(chan error, 1)
			go func() { turned <- s.Commit(ctx, storage.Write{Put: []storage.Record{record("switch")}}) }()
			waiting(t, pool, schema)
			require.NoError(t, tx.Commit(ctx))
			require.NoError(t, <-turned)
			require.EqualValues(t, 1, get(t, s, "switch").Version, "that it was not there left no trace")
			late := storage.Write{Put: []storage.Record{record("late")}, Hold: []storage.Ref{absent}}
			require.ErrorIs(t, s.Commit(ctx, late), storage.ErrConflict)
		})
	}
}

// Many at once, in transactions of the host.
func TestNothingGetsPastASwitchThatIsHeldInHostsTransactions(t *testing.T) {
	ctx := context.Background()
	for _, level := range levels {
		t.Run(string(level), func(t *testing.T) {
			const workers, each = 4, 20
			s, pool, _ := newStore(t)
			put(t, s, record("switch"))
			gate := get(t, s, "switch")
			out := storage.Query{Kind: "thing", Tenant: "acme", State: "out"}
			started := make(chan struct{}, workers*each)
			var all sync.WaitGroup
			for i := range workers {
				all.Go(func() {
					for n := range each {
						err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
							r := record(fmt.Sprint("release ", i, " ", n))
							r.State = "out"
							return s.In(tx).Commit(ctx, storage.Write{Put: []storage.Record{r}, Hold: []storage.Ref{gate.Ref()}})
						})
						started <- struct{}{}
						if err != nil && !errors.Is(err, storage.ErrConflict) {
							assert.Equal(t, "40001", sqlState(err), "%v", err)
						}
					}
				})
			}
			<-started
			put(t, s, gate)
			before, err := s.Count(ctx, out)
			require.NoError(t, err)
			all.Wait()
			after, err := s.Count(ctx, out)
			require.NoError(t, err)
			require.Equal(t, before, after, "nothing was released after the switch was turned")
			require.NotZero(t, after["out"], "some were released before")
		})
	}
}

// countingCircles returns a pool that counts how often the server had to end a circle of transactions that wait for each other.
func countingCircles(t testing.TB) (*pgxpool.Pool, *atomic.Int64) {
	var n atomic.Int64
	pool := pooled(t, pgserver.DSN(t), func(c *pgxpool.Config) {
		c.ConnConfig.OnPgError = func(_ *pgconn.PgConn, said *pgconn.PgError) bool {
			if said.Code == "40P01" {
				n.Add(1)
			}
			return said.SeverityUnlocalized != "FATAL"
		}
	})
	return pool, &n
}

// Writes lock in the order of their keys, whatever the order in which they name them: none of them has to be given up.
func TestWritesNeverWaitForEachOtherInACircle(t *testing.T) {
	ctx := context.Background()
	_, _, schema := newStore(t)
	pool, circles := countingCircles(t)
	s := opened(t, pool, postgres.Options{Schema: schema})
	ids := []string{"a", "b", "c", "d"}
	for _, id := range ids {
		put(t, s, record(id))
	}
	var all sync.WaitGroup
	failed := make(chan error, 8)
	for i := range 8 {
		all.Go(func() {
			for n := range 40 {
				var w storage.Write
				for j := range ids { // another order for each
					r, err := s.Get(ctx, key(ids[(i+n+j*(1+2*(i%2)))%len(ids)]))
					if err != nil {
						failed <- err
						return
					}
					if (i+j)%2 == 0 {
						w.Put = append(w.Put, r)
					} else {
						w.Hold = append(w.Hold, r.Ref())
					}
				}
				w.Put = append(w.Put, record(fmt.Sprint(i, " ", n)))
				if err := s.Commit(ctx, w); err != nil && !errors.Is(err, storage.ErrConflict) {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
	require.Zero(t, circles.Load())
}
