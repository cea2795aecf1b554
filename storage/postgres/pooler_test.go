package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

// Behind a pooler that hands out a server's connection for one transaction at a time, everything is as without one.
func TestBehindAPoolerInTransactionMode(t *testing.T) {
	ctx := context.Background()
	direct := pooled(t, pgserver.DSN(t))
	behind := pooled(t, pgserver.Pooler(t, pgserver.DSN(t)))
	storagetest.Run(t, storagetest.Factory{New: func(t testing.TB, now func() time.Time) storage.Store {
		return opened(t, behind, postgres.Options{Schema: newSchema(t, direct), Now: now})
	}})

	s := opened(t, behind, postgres.Options{Schema: newSchema(t, direct)})
	require.NoError(t, s.Check(ctx))
	var all sync.WaitGroup
	failed := make(chan error, 8)
	for i := range 8 {
		all.Go(func() {
			failed <- pgx.BeginFunc(ctx, behind, func(tx pgx.Tx) error {
				return s.In(tx).Commit(ctx, storage.Write{Put: []storage.Record{record(fmt.Sprint(i))}})
			})
		})
	}
	all.Wait()
	for range 8 {
		require.NoError(t, <-failed)
	}
	// Nothing of ours is left on the connections that others get next.
	var timeout, seqscan string
	require.NoError(t, behind.QueryRow(ctx, "SELECT current_setting('statement_timeout'), current_setting('enable_seqscan')").Scan(&timeout, &seqscan))
	require.Equal(t, "0 on", timeout+" "+seqscan)
}
