package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "abmctl-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "abmctl")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if path, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(status)
}

// program runs the built binary as the operating system does.
func (w *world) program(ctx context.Context, args ...string) *exec.Cmd {
	w.t.Helper()
	path, err := build()
	require.NoError(w.t, err)
	return exec.CommandContext(ctx, path, append([]string{"--store", w.path("store.db"), "--dep-url", w.url, "--json"}, args...)...)
}

// nowWorld lives in the present, as other processes do.
func nowWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.mu.Lock()
	w.at = time.Now().Add(-2 * time.Second)
	w.mu.Unlock()
	return w
}

// Two processes at once on one store file: both get their turn, and one renewal takes one token.
func TestProcessesShareAStore(t *testing.T) {
	w := nowWorld(t)
	acme := w.newCustomer("default", "Acme MDM")
	file := acme.download("first.p7m")

	const n = 6
	outs := make([]bytes.Buffer, n)
	statuses := make([]int, n)
	var all sync.WaitGroup
	for i := range n {
		args := []string{"server", "add", fmt.Sprintf("Server %d", i)}
		if i%2 == 0 {
			args = []string{"renew", "upload", acme.renewal, file, "--confirm"}
		}
		cmd := w.program(t.Context(), args...)
		cmd.Stdout = &outs[i]
		all.Go(func() {
			_ = cmd.Run() // its status says it
			statuses[i] = cmd.ProcessState.ExitCode()
		})
	}
	all.Wait()
	for i := range n {
		assert.Zero(t, statuses[i], "%s", &outs[i])
		assert.True(t, json.Valid(outs[i].Bytes()), "%s", &outs[i])
	}
	assert.Equal(t, "active", acme.json("server", "show", acme.server).ok().get("health"))
	var list []any
	acme.json("server", "list").ok().decode(&list)
	assert.Len(t, list, 1+n/2)
	acme.json("audit", "verify").ok()
}

// Two first commands at once make one keyring.
func TestTwoFirstCommands(t *testing.T) {
	w := nowWorld(t)
	var all sync.WaitGroup
	for i := range 4 {
		cmd := w.program(t.Context(), "server", "add", fmt.Sprintf("Server %d", i))
		all.Go(func() {
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s", out)
		})
	}
	all.Wait()
	var list []any
	w.cli("--json", "server", "list").ok().decode(&list)
	assert.Len(t, list, 4)
}

// A running worker leaves the store to others, does what they left, and ends well when it is told to.
func TestWorkerBesideCommands(t *testing.T) {
	w := nowWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	w.mu.Lock()
	w.at = time.Now()
	w.mu.Unlock()

	worker := w.program(t.Context(), "run", "--every", "1s")
	var out bytes.Buffer
	worker.Stdout, worker.Stderr = &out, &out
	require.NoError(t, worker.Start())
	for range 5 {
		acme.json("server", "show", acme.server).ok()
	}
	acme.json("server", "add", "Another").ok()
	require.NoError(t, worker.Process.Signal(syscall.SIGTERM))
	require.NoError(t, worker.Wait(), "%s", &out)
	assert.Contains(t, out.String(), `"id": "run"`)
}

// A full disk: nothing is changed, and the message says what to do.
func TestDiskFull(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no limit for a file's size") // nothing of CI runs there: "CI"
	}
	w := nowWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	file := acme.download("new.p7m")
	acme.untouched(func() {
		full := w.program(t.Context(), "renew", "upload", acme.server, file)
		// No byte may be written behind the first 512: the same error for the program as of a full disk.
		limited := exec.Command("sh", "-c", `ulimit -f 1; exec "$0" "$@"`)
		limited.Args = append(limited.Args, full.Args...)
		var out, errs bytes.Buffer
		limited.Stdout, limited.Stderr = &out, &errs
		require.Error(t, limited.Run())
		assert.Equal(t, 1, limited.ProcessState.ExitCode(), "%s%s", &out, &errs)
		assert.Contains(t, out.String(), `"store_full"`)
		assert.Contains(t, errs.String(), "Free some space")
	})
	acme.json("renew", "upload", acme.server, file).ok()
}

// As a script sees it: a status, one JSON value, messages on standard error.
func TestTheBinary(t *testing.T) {
	w := nowWorld(t)
	for args, status := range map[string]int{
		"steps renew": 0, "server list": 0, "server show x": 1, "nonsense": 2, "": 2, "token inspect " + w.write("x", []byte("PK\x03\x04....")): 5,
	} {
		cmd := w.program(t.Context(), strings.Fields(args)...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run() // its status is looked at
		assert.Equal(t, status, cmd.ProcessState.ExitCode(), args)
		assert.True(t, json.Valid(out.Bytes()), "%s: %s", args, &out)
		if status > 0 {
			assert.NotEmpty(t, errs.String(), args)
		}
	}
}
