package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// newPooler starts PgBouncer in transaction mode, with two connections to the server for all clients.
func newPooler(t testing.TB) (dsn string) {
	t.Helper()
	direct, err := pgx.ParseConfig(pgserver.DSN(t))
	require.NoError(t, err)
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path = "/usr/sbin/pgbouncer"
		_, err = os.Stat(path)
	}
	if direct.Host[0] != '/' {
		err = errors.Join(err, errors.New("the server of ABMRENEW_TEST_DSN is not on a socket"))
	}
	pgserver.Needed(t, err)
	dir, err := os.MkdirTemp("", "abm")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := fmt.Sprintf(`[databases]
* = host=%s user=%s
[pgbouncer]
listen_addr =
unix_socket_dir = %s
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 100
server_reset_query = DISCARD ALL
`, direct.Host, direct.User, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(config), 0o644))
	require.NoError(t, pgserver.Give(dir))
	cmd := pgserver.Unprivileged(path, filepath.Join(dir, "pgbouncer.ini"))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	dsn = fmt.Sprintf("host=%s port=6432 user=%s dbname=%s default_query_exec_mode=exec", dir, direct.User, direct.Database)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, dsn)
		if err == nil {
			require.NoError(t, conn.Close(ctx))
			return dsn
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			require.NoError(t, err, log.String())
		}
	}
}

// Behind a pooler that hands out a server's connection for one transaction at a time, everything is as without one.
func TestBehindAPoolerInTransactionMode(t *testing.T) {
	ctx := context.Background()
	direct := pooled(t, pgserver.DSN(t))
	behind := pooled(t, newPooler(t))
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
