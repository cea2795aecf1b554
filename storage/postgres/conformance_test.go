package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

// lasting is a store that knows its schema, to be opened again.
type lasting struct {
	*postgres.Store
	schema string
}

func factory(pool *pgxpool.Pool, again func(testing.TB) *pgxpool.Pool) storagetest.Factory {
	return storagetest.Factory{
		New: func(t testing.TB, now func() time.Time) storage.Store {
			schema := newSchema(t, pool)
			return lasting{opened(t, pool, postgres.Options{Schema: schema, Now: now}), schema}
		},
		Reopen: func(t testing.TB, s storage.Store, now func() time.Time) storage.Store {
			schema := s.(lasting).schema
			return lasting{opened(t, again(t), postgres.Options{Schema: schema, Now: now}), schema}
		},
	}
}

func TestConformance(t *testing.T) {
	pool := pooled(t, pgserver.DSN(t))
	storagetest.Run(t, factory(pool, func(t testing.TB) *pgxpool.Pool { return pooled(t, pgserver.DSN(t)) }))
}

// Other ways in which pgx can ask keep no statement on a connection, as poolers demand. Here, too, the database has unwise
// defaults: a commit means and lasts what it should all the same.
func TestConformanceOfOtherQueryModes(t *testing.T) {
	modes := []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol}
	if !testing.Short() {
		modes = append(modes, pgx.QueryExecModeCacheDescribe)
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			open := func(t testing.TB) *pgxpool.Pool {
				return pooled(t, pgserver.DSN(t), func(c *pgxpool.Config) {
					c.ConnConfig.DefaultQueryExecMode = mode
					c.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
					c.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
				})
			}
			storagetest.Run(t, factory(open(t), open))
		})
	}
}
