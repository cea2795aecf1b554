package runner_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// Everything is tried on a database, which is named in the environment.
func init() {
	quick = func(t testing.TB) disk { return newDatabase(t) }
	lasting = quick
	disks = map[string]func(testing.TB) disk{"postgres": quick}
}

// database is an empty schema; each new process has connections of its own.
type database struct {
	schema string
	pool   *pgxpool.Pool
}

// schemas are those that are made, and which test has each now: a test that asks again gets its own, emptied.
var schemas struct {
	mu   sync.Mutex
	made int
	free []string
	of   map[testing.TB]string
}

func dsn() string { return os.Getenv("ABMRENEW_TEST_DSN") }

func newDatabase(t testing.TB) *database {
	t.Helper()
	schemas.mu.Lock()
	defer schemas.mu.Unlock()
	if schemas.of == nil {
		schemas.of = map[testing.TB]string{}
	}
	schema, had := schemas.of[t]
	if !had {
		if n := len(schemas.free); n > 0 {
			schema, schemas.free = schemas.free[n-1], schemas.free[:n-1]
		} else {
			schemas.made++
			schema = fmt.Sprintf("runner_%d_%d", os.Getpid(), schemas.made)
			config, err := pgxpool.ParseConfig(dsn())
			require.NoError(t, err)
			require.NoError(t, postgres.Migrate(context.Background(), config.ConnConfig, schema))
		}
		schemas.of[t] = schema
		t.Cleanup(func() {
			schemas.mu.Lock()
			defer schemas.mu.Unlock()
			delete(schemas.of, t)
			schemas.free = append(schemas.free, schema)
		})
	}
	d := &database{schema: schema}
	d.connect(t)
	_, err := d.pool.Exec(context.Background(), "TRUNCATE "+schema+".records")
	require.NoError(t, err)
	return d
}

func (d *database) connect(t testing.TB) {
	config, err := pgxpool.ParseConfig(dsn())
	require.NoError(t, err)
	config.MaxConns = 8
	d.pool, err = pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(d.pool.Close)
}

func (d *database) open(t testing.TB, now func() time.Time) storage.Store {
	if d.pool == nil {
		d.connect(t)
	}
	s, err := postgres.New(d.pool, postgres.Options{Schema: d.schema, Now: now})
	require.NoError(t, err)
	return s
}

func (d *database) shut(testing.TB) {
	d.pool.Close()
	d.pool = nil
}
