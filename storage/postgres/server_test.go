package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage/postgres"
)

// server is a PostgreSQL server of the test's own, on a socket in a folder of its own.
type server struct {
	dir  string
	log  bytes.Buffer
	cmd  *exec.Cmd
	life io.Closer // the server lives as long as this is open, which it is not after the end of the tests, however they end
	done chan struct{}
}

// settings that make a test server quick. What is proved here does not hang on the disk; where it does, a test says so.
var quick = []string{"fsync=off", "full_page_writes=off", "shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=30min"}

// program finds one of PostgreSQL's programs; several versions may be installed, and none of them in the path.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	var newest string
	best := 0
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	for _, path := range found {
		if version, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))); version > best {
			newest, best = path, version
		}
	}
	if newest == "" {
		return "", errors.Join(fmt.Errorf("no %s in the path or below /usr/lib/postgresql", name), err)
	}
	return newest, nil
}

// needed skips a test whose outside component is missing; where everything is installed, that is a failure.
func needed(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		require.NoError(t, err)
	}
	t.Skipf("install PostgreSQL, or set ABMRENEW_TEST_DSN: %v", err)
}

// newServer makes and starts a server, which ends with the test.
func newServer(t testing.TB, settings ...string) *server {
	t.Helper()
	s, err := makeServer()
	if s != nil {
		t.Cleanup(s.remove)
	}
	needed(t, err)
	require.NoError(t, s.start(settings...))
	return s
}

func makeServer() (*server, error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "abmrenew-pg-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir}
	if err := give(dir); err != nil {
		return s, err
	}
	cmd := unprivileged(initdb, "-D", filepath.Join(dir, "data"), "-U", "abmrenew", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--data-checksums")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return s, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, nil
}

// start starts the server and waits until it answers.
func (s *server) start(settings ...string) error {
	postgresPath, err := program("postgres")
	if err != nil {
		return err
	}
	args := []string{"-c", `"$@" & read -r _; kill -INT $!; wait $!`, "sh", postgresPath, "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200"}
	for _, setting := range append(append([]string{}, quick...), settings...) {
		args = append(args, "-c", setting)
	}
	s.cmd = unprivileged("/bin/sh", args...)
	s.cmd.Dir = s.dir
	s.log.Reset()
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if s.life, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.done = make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(s.done) }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.dsn())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			_ = s.life.Close()
			<-s.done
			return fmt.Errorf("the server does not answer: %w: %s", err, s.log.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server: [os.Interrupt] ends its sessions at once and leaves clean files, [os.Kill] is a crash.
func (s *server) stop(how os.Signal) {
	if s.cmd == nil || s.life == nil {
		return
	}
	text, _ := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	first, _, _ := strings.Cut(string(text), "\n")
	if pid, err := strconv.Atoi(first); err == nil {
		if process, err := os.FindProcess(pid); err == nil {
			_ = process.Signal(how)
		}
	}
	_ = s.life.Close()
	<-s.done
	s.cmd = nil
}

func (s *server) remove() {
	s.stop(os.Interrupt)
	_ = os.RemoveAll(s.dir)
}

func (s *server) dsn() string { return "host=" + s.dir + " user=abmrenew dbname=postgres" }

// shared is the server that most tests use.
var shared struct {
	once sync.Once
	dsn  string
	own  *server
	err  error
}

func TestMain(m *testing.M) {
	if ended, status := childProcess(); ended {
		os.Exit(status)
	}
	status := m.Run()
	if shared.own != nil {
		shared.own.remove()
	}
	os.Exit(status)
}

// sharedDSN is that of the host's choice, or that of a server for this run.
func sharedDSN(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.dsn = os.Getenv("ABMRENEW_TEST_DSN"); shared.dsn != "" {
			return
		}
		if shared.own, shared.err = makeServer(); shared.err == nil {
			shared.err = shared.own.start()
			shared.dsn = shared.own.dsn()
		}
	})
	needed(t, shared.err)
	return shared.dsn
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
	pool := pooled(t, sharedDSN(t))
	schema := newSchema(t, pool)
	return opened(t, pool, postgres.Options{Schema: schema}), pool, schema
}
