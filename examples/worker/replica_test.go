package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// newReplica copies a server and has the copy follow it, always some time behind. The server's commits then wait for it.
func newReplica(t *testing.T, primary *pgserver.Server, behind string) (dsn string) {
	t.Helper()
	config, err := pgx.ParseConfig(primary.DSN())
	require.NoError(t, err)
	bin, err := postgresPrograms()
	pgserver.Needed(t, err)
	dir, err := os.MkdirTemp("", "abmrenew-replica-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, pgserver.Give(dir))
	data := filepath.Join(dir, "data")
	copying := pgserver.Unprivileged(filepath.Join(bin, "pg_basebackup"), "-h", config.Host, "-U", config.User, "-D", data, "-R", "--checkpoint=fast")
	copying.Dir = dir
	out, err := copying.CombinedOutput()
	require.NoError(t, err, "%s", out)
	var log bytes.Buffer
	cmd := pgserver.Unprivileged(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=",
		"-c", "recovery_min_apply_delay="+behind, "-c", "max_connections=200", "-c", "fsync=off")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		_ = cmd.Wait()
	})
	pool, err := pgxpool.New(t.Context(), primary.DSN())
	require.NoError(t, err)
	defer pool.Close()
	require.Eventually(t, func() bool {
		var n int
		return pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'").Scan(&n) == nil && n == 1
	}, 30*time.Second, 50*time.Millisecond, "%s", &log)
	for _, set := range []string{
		"ALTER SYSTEM SET synchronous_standby_names = '*'", "ALTER SYSTEM SET synchronous_commit = 'remote_apply'", "SELECT pg_reload_conf()",
	} {
		_, err := pool.Exec(t.Context(), set)
		require.NoError(t, err)
	}
	return "host=" + dir + " user=" + config.User + " dbname=postgres"
}

// postgresPrograms is the folder of the newest PostgreSQL.
func postgresPrograms() (string, error) {
	if path, err := exec.LookPath("pg_basebackup"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			if _, err := os.Stat(filepath.Join(filepath.Dir(real), "postgres")); err == nil {
				return filepath.Dir(real), nil
			}
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_basebackup")
	if err != nil || len(found) == 0 {
		return "", os.ErrNotExist
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// latest is a customer's newest renewal.
func (s *stage) latest(c *customer) enrollment.RenewalID {
	s.t.Helper()
	page, err := s.tenant(c.tenant).Renewals(s.t.Context(), tess, c.server, runner.Page{Limit: 100})
	require.NoError(s.t, err)
	require.NotEmpty(s.t, page.Renewals)
	newest := page.Renewals[0]
	for _, r := range page.Renewals {
		if r.StartedAt.After(newest.StartedAt) {
			newest = r
		}
	}
	return newest.ID
}

// Every commit waits for a replica that is behind. Renewals take longer, and come to the same end; what was answered is on
// the replica.
func TestASlowReplicaMakesItSlowerAndNothingElse(t *testing.T) {
	t.Parallel()
	primary := pgserver.New(t)
	s := newStage(t, primary.DSN())
	acme := s.customer("acme")
	s.settleFor = -1
	s.plug("")
	w := s.start()
	took := func() time.Duration {
		began := time.Now()
		require.NoError(t, acme.renewThroughWorkers(t.Context(), false))
		return time.Since(began)
	}
	before := took()
	replica := newReplica(t, primary, "200ms")
	after := took()
	assert.GreaterOrEqual(t, after, 3*200*time.Millisecond, "start, upload and activation wait for it, one behind the other")
	assert.EqualValues(t, 3, acme.view().Token.Generation)

	pool, err := pgxpool.New(t.Context(), replica)
	require.NoError(t, err)
	defer pool.Close()
	var there bool
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) = 1 FROM `+s.schema+`.records
		WHERE kind = 'renewal' AND id = $1 AND state = 'completed'`, string(s.latest(acme))).Scan(&there))
	assert.True(t, there, "what was answered is there, too")
	assert.Zero(t, w.end(), "%s", w.log)
	t.Logf("a renewal took %v, and %v with a replica that is 200ms behind", before.Round(time.Millisecond), after.Round(time.Millisecond))
}
