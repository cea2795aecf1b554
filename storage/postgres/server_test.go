package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

func TestMain(m *testing.M) {
	if ended, status := childProcess(); ended {
		os.Exit(status)
	}
	status := m.Run()
	pgserver.Finish()
	os.Exit(status)
}

// pooled opens a pool, which is closed with the test.
func pooled(t testing.TB, dsn string, change ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	config.MaxConns = 16
	for _, c := range change {
		c(config)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

var schemas atomic.Int64

// newSchema makes an empty store's tables, and returns their schema.
func newSchema(t testing.TB, pool *pgxpool.Pool) string {
	t.Helper()
	schema := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	require.NoError(t, postgres.Migrate(context.Background(), pool.Config().ConnConfig, schema))
	t.Cleanup(func() {
		_, err := pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		if pool.Ping(context.Background()) == nil { // else the test has ended the server
			require.NoError(t, err)
		}
	})
	return schema
}

// opened returns the store in a schema.
func opened(t testing.TB, pool *pgxpool.Pool, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.New(pool, o)
	require.NoError(t, err)
	return s
}

// newStore returns an empty store on the shared server.
func newStore(t testing.TB) (*postgres.Store, *pgxpool.Pool, string) {
	t.Helper()
	pool := pooled(t, pgserver.DSN(t))
	schema := newSchema(t, pool)
	return opened(t, pool, postgres.Options{Schema: schema}), pool, schema
}
