package postgres_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

func TestTwoSchemasAreTwoStores(t *testing.T) {
	ctx := context.Background()
	pool := pooled(t, pgserver.DSN(t))
	odd := fmt.Sprintf(`We"ird 'Schema' %%s $1 $RECORDS %d`, schemas.Add(1))
	require.NoError(t, postgres.Migrate(ctx, pool.Config().ConnConfig, odd))
	t.Cleanup(func() {
		_, err := pool.Exec(context.WithoutCancel(ctx), `DROP SCHEMA "`+`We""ird 'Schema' %s $1 `+odd[len(`We"ird 'Schema' %s $1 `):]+`" CASCADE`)
		require.NoError(t, err)
	})
	one, two := opened(t, pool, postgres.Options{Schema: newSchema(t, pool)}), opened(t, pool, postgres.Options{Schema: odd})
	require.NoError(t, one.Check(ctx))
	require.NoError(t, two.Check(ctx))
	due := record("a")
	due.Wake = storage.Instant(time.Now().Add(-time.Hour))
	put(t, one, due)
	_, err := two.Get(ctx, due.RecordKey)
	require.ErrorIs(t, err, storage.ErrNotFound)
	c, err := two.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 1, Lease: time.Minute})
	require.NoError(t, err)
	require.Empty(t, c.Records)
	put(t, two, due)
	put(t, two, get(t, two, "a"))
	require.EqualValues(t, 1, get(t, one, "a").Version)
	page, err := two.List(ctx, storage.Query{Kind: "thing", AllTenants: true, Limit: 10})
	require.NoError(t, err)
	require.Len(t, page, 1)
}

// Several processes that start at once may all migrate; and a second time changes nothing.
func TestMigrationsRunOnce(t *testing.T) {
	ctx := context.Background()
	pool := pooled(t, pgserver.DSN(t))
	schema := fmt.Sprintf("test_once_%d", schemas.Add(1))
	t.Cleanup(func() { _, _ = pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE") })
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { assert.NoError(t, postgres.Migrate(ctx, pool.Config().ConnConfig, schema)) })
	}
	all.Wait()
	s := opened(t, pool, postgres.Options{Schema: schema})
	put(t, s, record("a"))
	require.NoError(t, postgres.Migrate(ctx, pool.Config().ConnConfig, schema))
	require.NoError(t, s.Check(ctx))
	get(t, s, "a")
}

// Who migrates has a lock that others wait for.
func TestMigrationsWaitForEachOther(t *testing.T) {
	ctx := t.Context()
	pool := pooled(t, pgserver.DSN(t))
	schema := fmt.Sprintf("test_turns_%d", schemas.Add(1))
	t.Cleanup(func() { _, _ = pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE") })
	id := fnv.New64a()
	_, _ = id.Write([]byte("abmrenew migrations of " + schema))
	other := begun(t, pool, "")
	_, err := other.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(id.Sum64()))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- postgres.Migrate(ctx, pool.Config().ConnConfig, schema) }()
	for tries := 0; tries == 0; {
		require.Empty(t, done)
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()").Scan(&tries))
	}
	var there bool
	require.NoError(t, pool.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", schema+".records").Scan(&there))
	require.False(t, there)
	require.NoError(t, other.Rollback(ctx))
	require.NoError(t, <-done)
	require.NoError(t, opened(t, pool, postgres.Options{Schema: schema}).Check(ctx))
}

// A host's own tool applies the files: they are plain SQL, and leave the layout that Check looks for.
func TestMigrationsArePlainSQL(t *testing.T) {
	ctx := context.Background()
	pool := pooled(t, pgserver.DSN(t))
	schema := fmt.Sprintf("test_plain_%d", schemas.Add(1))
	_, err := pool.Exec(ctx, "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE") })
	s := opened(t, pool, postgres.Options{Schema: schema})
	require.ErrorIs(t, s.Check(ctx), postgres.ErrLayout, "nothing is there")
	_, err = s.Get(ctx, key("a"))
	require.ErrorIs(t, err, postgres.ErrLayout)

	names, err := fs.Glob(postgres.Migrations(), "*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		text, err := fs.ReadFile(postgres.Migrations(), name)
		require.NoError(t, err)
		_, err = pool.Exec(ctx, "SET LOCAL search_path = "+schema+";"+string(text))
		require.NoError(t, err, name)
	}
	require.NoError(t, s.Check(ctx))
	put(t, s, record("a"))

	_, err = pool.Exec(ctx, "INSERT INTO "+schema+".layout VALUES (1000)")
	require.NoError(t, err)
	require.ErrorIs(t, s.Check(ctx), postgres.ErrLayout)
	require.ErrorContains(t, s.Check(ctx), "update this program")
	_, err = pool.Exec(ctx, "DELETE FROM "+schema+".layout")
	require.NoError(t, err)
	require.ErrorIs(t, s.Check(ctx), postgres.ErrLayout)
	require.ErrorContains(t, s.Check(ctx), "call Migrate")
}

// The role that works has the rights that the package's documentation names, and no others.
func TestARoleWithoutTheRightToChangeTablesIsEnough(t *testing.T) {
	ctx := context.Background()
	admin := pooled(t, pgserver.DSN(t))
	schema := newSchema(t, admin)
	role := schema + "_role"
	grant := func(texts ...string) {
		for _, text := range texts {
			_, err := admin.Exec(ctx, fmt.Sprintf(text, schema, role))
			require.NoError(t, err, text)
		}
	}
	grant("CREATE ROLE %[2]s LOGIN")
	t.Cleanup(func() { _, _ = admin.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	pool := pooled(t, pgserver.DSN(t), func(c *pgxpool.Config) { c.ConnConfig.User = role })
	s := opened(t, pool, postgres.Options{Schema: schema})
	require.ErrorIs(t, s.Check(ctx), postgres.ErrLayout)
	require.ErrorContains(t, s.Check(ctx), "USAGE")
	grant("GRANT USAGE ON SCHEMA %[1]s TO %[2]s", "GRANT SELECT ON %[1]s.layout TO %[2]s", "GRANT SELECT, INSERT, UPDATE ON %[1]s.records TO %[2]s")
	require.ErrorContains(t, s.Check(ctx), "GRANT")
	grant("GRANT DELETE ON %[1]s.records TO %[2]s")
	require.NoError(t, s.Check(ctx))

	due := record("due")
	due.Wake = storage.Instant(time.Now().Add(-time.Hour))
	put(t, s, due, record("gone"))
	require.NoError(t, s.Commit(ctx, storage.Write{
		Delete: []storage.Ref{{RecordKey: key("gone"), Version: 1}}, Hold: []storage.Ref{{RecordKey: key("absent")}},
	}))
	c, err := s.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 1, Lease: time.Minute})
	require.NoError(t, err)
	put(t, s, c.Records...)
	_, err = s.Count(ctx, storage.Query{Kind: "thing"})
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "DROP TABLE "+schema+".records")
	require.Equal(t, "42501", sqlState(err))
}

func TestWhatCannotBeAStoreIsRefused(t *testing.T) {
	for what, o := range map[string]postgres.Options{
		"a name that PostgreSQL would cut": {Schema: "a234567890123456789012345678901234567890123456789012345678901234"},
		"a name of PostgreSQL's own":       {Schema: "pg_catalog"},
		"a name with NUL":                  {Schema: "a\x00"},
		"a negative timeout":               {StatementTimeout: -1},
		"a timeout that becomes none":      {LockTimeout: time.Microsecond},
	} {
		_, err := postgres.New(nil, o)
		require.ErrorIs(t, err, storage.ErrInvalid, what)
	}
	s, _, _ := newStore(t)
	far := record("far")
	far.Wake = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	require.ErrorIs(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{far}}), storage.ErrInvalid)
}

// No record can be called like this; asking for one is no error, and leaves a host's transaction as it is.
func TestNamesThatNoColumnHoldsAreNotFound(t *testing.T) {
	ctx := context.Background()
	s, pool, _ := newStore(t)
	tx := begun(t, pool, "")
	for _, store := range []storage.Store{s, s.In(tx)} {
		for _, q := range []storage.Query{{Kind: "a\x00b"}, {Kind: "k", Tenant: "\xff"}, {Kind: "k", Parent: "\xff"}, {Kind: "k", State: "\x00"}, {Kind: "k", After: storage.Position{ID: "\xff"}}} {
			q.Limit = 1
			page, err := store.List(ctx, q)
			require.NoError(t, err)
			require.Empty(t, page)
			counts, err := store.Count(ctx, q)
			require.NoError(t, err)
			require.Empty(t, counts)
		}
		c, err := store.Claim(ctx, storage.Claim{Kinds: []string{"\xff"}})
		require.NoError(t, err)
		require.False(t, c.Now.IsZero())
	}
	c, err := s.Claim(ctx, storage.Claim{Keys: []storage.RecordKey{{Kind: "k", ID: "\x00"}}, Limit: 1, Lease: time.Minute})
	require.NoError(t, err)
	require.Empty(t, c.Records)
	require.False(t, c.Now.IsZero())
	require.NoError(t, tx.Commit(ctx))
}
