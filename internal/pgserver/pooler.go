package pgserver

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Pooler starts a PgBouncer in transaction mode, with two connections to the server for all clients, which ends with the
// test. The server is one of this package, by its connection string; so is the answer.
func Pooler(t Test, server string) (dsn string) {
	t.Helper()
	host, user, database := field(server, "host"), field(server, "user"), field(server, "dbname")
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path = "/usr/sbin/pgbouncer"
		_, err = os.Stat(path)
	}
	if !strings.HasPrefix(host, "/") {
		err = errors.Join(err, errors.New("the server of ABMRENEW_TEST_DSN is not on a socket"))
	}
	Needed(t, err)
	dir, err := os.MkdirTemp("", "abm")
	if err != nil {
		t.Fatalf("%v", err)
	}
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
`, host, user, dir)
	err = errors.Join(os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(config), 0o644), Give(dir)) //nolint:gosec // another account reads it
	if err != nil {
		t.Fatalf("%v", err)
	}
	cmd := Unprivileged(path, filepath.Join(dir, "pgbouncer.ini"))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(20 * time.Second); ; {
		conn, err := net.Dial("unix", filepath.Join(dir, ".s.PGSQL.6432"))
		if err == nil {
			_ = conn.Close()
			return fmt.Sprintf("host=%s port=6432 user=%s dbname=%s default_query_exec_mode=exec", dir, user, database)
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("PgBouncer does not start: %v: %s", err, log.String())
		}
		<-time.After(10 * time.Millisecond)
	}
}

// field is a word of a connection string in the form of Server.DSN.
func field(dsn, name string) string {
	for _, pair := range strings.Fields(dsn) {
		if key, value, is := strings.Cut(pair, "="); is && key == name {
			return value
		}
	}
	return ""
}
