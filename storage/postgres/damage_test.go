package postgres_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// A page of the table that was changed on the disk is refused, not believed.
func TestAPageThatWasChangedIsReportedAsDamaged(t *testing.T) {
	ctx := context.Background()
	server := pgserver.New(t)
	pool := pooled(t, server.DSN())
	schema := newSchema(t, pool)
	s := opened(t, pool, postgres.Options{Schema: schema})
	r := record("a")
	r.Data = []byte("data that somebody will change")
	put(t, s, r)
	var path string
	require.NoError(t, pool.QueryRow(ctx, "SELECT pg_relation_filepath('"+schema+".records')").Scan(&path))
	server.Stop(os.Interrupt)
	path = server.Data(path)
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	changed := bytes.Replace(page, []byte("somebody will"), []byte("somebody DID "), 1)
	require.NotEqual(t, page, changed)
	require.NoError(t, os.WriteFile(path, changed, 0o600))
	require.NoError(t, server.Start())

	_, got := s.Get(ctx, r.RecordKey)
	_, listed := s.List(ctx, storage.Query{Kind: "thing", AllTenants: true, Limit: 1})
	r.Version = 1
	for _, err := range []error{got, listed, s.Commit(ctx, storage.Write{Put: []storage.Record{r}})} {
		require.ErrorIs(t, err, storage.ErrDamaged)
		require.ErrorContains(t, err, "backup")
	}
}

// What no store would have written cannot be written past it either.
func TestTheTableRefusesWhatNoStoreWrites(t *testing.T) {
	s, pool, schema := newStore(t)
	put(t, s, record("a"))
	for _, edit := range []string{
		"version = 0", "version = -1", "version = NULL", "wake = 'infinity'", "wake = '-infinity'", "kind = ''", "id = ''",
		"parent = repeat('x', 257)", "state = NULL", "data = NULL", "gone = now()",
		"data = convert_to(repeat('x', 1048577), 'UTF8')", "kind = repeat('ä', 129)",
	} {
		_, err := pool.Exec(context.Background(), "UPDATE "+schema+".records SET "+edit)
		require.Contains(t, []string{"23514", "23502"}, sqlState(err), edit) // a check, or not null
	}
	get(t, s, "a")
}
