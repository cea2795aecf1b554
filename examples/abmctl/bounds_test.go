package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endless is an input without end that counts what was taken of it.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	e.taken += len(p)
	return copy(p, bytes.Repeat([]byte("A"), len(p))), nil
}

// Inputs are bounded before anything is made of them.
func TestInputWithoutEnd(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM")
	at := []string{"--store", w.path("store.db"), "--dep-url", w.url}
	for _, c := range []struct {
		args   []string
		status int
	}{
		{[]string{"token", "inspect", "-"}, 5},
		{append(at, "renew", "upload", acme.server, "-"), 5},
		{append(at, "adopt", "-"), 2},
		{append(at, "audit", "verify", "--checkpoint", "-"), 2},
		{[]string{"token", "inspect", "x", "--key", "-"}, 2},
	} {
		in := &endless{}
		var out, errs bytes.Buffer
		status := run(t.Context(), c.args, process{in: in, out: &out, err: &errs, user: "tess", now: w.now})
		assert.Equal(t, c.status, status, "%v: %s", c.args, &errs)
		assert.Less(t, in.taken, 4<<20, "%v", c.args)
	}
}

// Whatever is due is done in one run, however much it is.
func TestRunOnceDoesAll(t *testing.T) {
	w := newWorld(t)
	var rows strings.Builder
	for i := range 130 {
		fmt.Fprintf(&rows, `{"reference": "%d", "name": "MDM %d", "token": {"consumer_key": "CK_%d", "consumer_secret": "CS_1",
			"access_token": "AT_1", "access_secret": "AS_1", "access_token_expiry": "2027-11-01T00:00:00Z"}}`, i, i, i)
	}
	w.cli("adopt", w.write("rows.json", []byte(rows.String()))).ok()
	w.pass(25 * time.Hour)
	got := w.cli("--json", "--quiet", "run", "--once").ok().object()
	assert.EqualValues(t, 130, got["claimed"])
	assert.NotEmpty(t, got["next"])
	var list []map[string]any
	w.cli("--json", "server", "list", "--health", "rejected").ok().decode(&list)
	assert.Len(t, list, 130, "Apple knows none of these tokens")
}

// Ctrl-C is no fault of the program: it says what goes on later.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	var out, errs bytes.Buffer
	status := run(stopped, []string{"--json", "--store", w.path("store.db"), "--dep-url", w.url, "server", "check", acme.server}, process{
		in: strings.NewReader(""), out: &out, err: &errs, user: "tess", now: w.now,
	})
	assert.Equal(t, 1, status)
	assert.Contains(t, errs.String(), "interrupted")
	assert.Contains(t, errs.String(), "abmctl run")
	require.True(t, strings.HasPrefix(out.String(), "{"))
}
