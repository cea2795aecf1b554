package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// block is a piece of the guide that is set as code.
type block struct{ language, text string }

func guide(t *testing.T) (text string, blocks []block) {
	t.Helper()
	file, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllSubmatch(file, -1) {
		blocks = append(blocks, block{string(m[1]), string(m[2])})
	}
	return string(file), blocks
}

// reader does what the guide says, on a database of their own.
type reader struct {
	t    *testing.T
	dir  string
	pool *pgxpool.Pool
	env  []string
	dsn  string
}

func newReader(t *testing.T) *reader {
	t.Helper()
	bin, err := postgresPrograms()
	pgserver.Needed(t, err)
	clock := newClock(t)
	r := &reader{t: t, dir: t.TempDir(), dsn: pgserver.New(t).DSN()}
	r.pool, err = pgxpool.New(t.Context(), r.dsn)
	require.NoError(t, err)
	t.Cleanup(r.pool.Close)
	_, err = r.pool.Exec(t.Context(), "CREATE DATABASE restored")
	require.NoError(t, err)
	script := fmt.Sprintf("#!/bin/sh\nABMRENEW_TEST_WORKER=$(printf '%%s\\n' '%s' 0s \"$@\") exec '%s'\n", clock.path, os.Args[0])
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "worker"), []byte(script), 0o700))
	r.env = append(os.Environ(), "PATH="+r.dir+":"+bin+":"+os.Getenv("PATH"), "ABMRENEW_LISTEN=127.0.0.1:0",
		"ABMRENEW_RESTORED="+strings.Replace(r.dsn, "dbname=postgres", "dbname=restored", 1))
	return r
}

func (r *reader) command(ctx context.Context, line, dsn string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Dir, cmd.Env = r.dir, append(r.env, "ABMRENEW_DSN="+dsn)
	return cmd
}

// do runs a line as the owner of the tables. A worker runs as the role that may not change them, until it works.
func (r *reader) do(line string) {
	r.t.Helper()
	if !strings.HasPrefix(line, "worker run") {
		out, err := r.command(r.t.Context(), line, r.dsn).CombinedOutput()
		require.NoError(r.t, err, "%s\n%s", line, out)
		return
	}
	log := newBuffer()
	cmd := r.command(context.Background(), "exec "+line, strings.Replace(r.dsn, "user=abmrenew", "user=abmrenew_worker", 1))
	cmd.Stderr = log
	require.NoError(r.t, cmd.Start())
	w := &running{t: r.t, at: log.listener(r.t)}
	require.Eventually(r.t, func() bool { return w.metrics()["abmrenew_sweeps_total"] > 0 }, 30*time.Second, 50*time.Millisecond, "%s", log)
	require.Zero(r.t, w.metrics()["abmrenew_hidden_sessions"])
	require.NoError(r.t, cmd.Process.Signal(os.Interrupt))
	require.NoError(r.t, cmd.Wait(), "%s", log)
	assert.NotContains(r.t, log.String(), `"level":"ERROR"`)
	assert.NotContains(r.t, log.String(), `"level":"WARN"`)
}

// Who follows the guide from its beginning to its end has what it promises.
func TestTheGuidesCommandsWork(t *testing.T) {
	t.Parallel()
	_, blocks := guide(t)
	r := newReader(t)
	done := 0
	for _, b := range blocks {
		switch b.language {
		case "sql":
			_, err := r.pool.Exec(t.Context(), b.text, pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err, b.text)
		case "sh":
			for line := range strings.SplitSeq(strings.TrimSpace(b.text), "\n") {
				r.do(line)
				done++
			}
		case "json":
			require.NoError(t, os.WriteFile(filepath.Join(r.dir, "mdms.json"), []byte(b.text), 0o600))
			all, err := readConnections(filepath.Join(r.dir, "mdms.json"))
			require.NoError(t, err)
			assert.NotEmpty(t, all[0].WebhookKey)
		}
	}
	assert.Greater(t, done, 8)
}

// A restore that is older than a checkpoint is seen as such.
func TestAnOldBackupIsToldByACheckpoint(t *testing.T) {
	t.Parallel()
	s := shared(t)
	s.customer("acme")
	_, dump, _ := s.command("audit", "checkpoint")
	old := s.path("old.json")
	require.NoError(t, os.WriteFile(old, []byte(dump), 0o600))
	s.ok("audit", "verify", "--checkpoint", old)

	ahead := bytes.Replace([]byte(dump), []byte(`"size":`), []byte(`"size":9`), 1)
	require.NoError(t, os.WriteFile(s.path("ahead.json"), ahead, 0o600))
	status, out, problem := s.command("audit", "verify", "--checkpoint", s.path("ahead.json"))
	assert.Equal(t, 1, status, out)
	assert.Contains(t, problem, "older one than the checkpoint")
}

// The guide names every flag and metric that there is, and none that there is not.
func TestTheGuideIsComplete(t *testing.T) {
	t.Parallel()
	text, _ := guide(t)
	var c cli
	parser, err := kong.New(&c)
	require.NoError(t, err)
	flags := map[string]string{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			flags["--"+f.Name] = strings.Join(f.Envs, "")
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(parser.Model.Node)
	foreign := []string{"--format", "--file", "--exit-on-error", "--no-owner", "--no-privileges", "--dbname"} // of PostgreSQL's programs
	for _, m := range regexp.MustCompile("--[a-z][a-z-]+").FindAllString(text, -1) {
		_, known := flags[m]
		assert.True(t, known || strings.Contains(strings.Join(foreign, " "), m), "%s is no flag", m)
	}
	for flag, env := range flags {
		if env != "" && flag != "--actor" {
			assert.Contains(t, text, "`"+flag+"`")
			assert.Contains(t, text, "`"+env+"`")
		}
	}

	s := shared(t)
	w := s.start()
	s.eventually("there are all metrics", func() bool { return w.metrics()["abmrenew_sweeps_total"] > 0 })
	_, body := w.get("/metrics")
	there := map[string]bool{"abmrenew_run_seconds": true}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (abmrenew_\w+)`).FindAllStringSubmatch(body, -1) {
		there[m[1]] = true
		assert.Contains(t, text, "`"+m[1]+"`", "the guide says nothing of it")
	}
	for _, m := range regexp.MustCompile(`\babmrenew_[a-z_]+`).FindAllString(text, -1) {
		assert.True(t, there[m] || m == "abmrenew_worker" || m == "abmrenew_sweep", "%s is no metric", m)
	}
	for _, m := range regexp.MustCompile("`(Abmrenew\\w+)`").FindAllStringSubmatch(text, -1) {
		assert.Contains(t, text, "alert: "+m[1]+"\n")
	}
}
