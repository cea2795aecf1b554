package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUsage(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{
		{}, {"nonsense"}, {"server"}, {"server", "add"}, {"server", "add", "a", "b"}, {"renew", "certificate", "x"},
		{"push"}, {"push", "import"}, {"push", "renew", "csr"}, {"migrate", "plan"}, {"api-account", "add"}, {"devices", "list"}, {"kill-switch"},
		{"proposal", "approve"}, {"profile", "show"}, {"run"}, {"run", "--once", "--every", "5m"}, {"run", "--once", "--listen", "x"},
		{"run", "--every", "soon"}, {"run", "--every", "1ms"}, {"server", "list", "--nonsense"}, {"advise", "x", "--portal-access=maybe"},
	} {
		got := w.bare(args...)
		got.fails(2)
		if len(args) > 0 && args[0] != "run" || len(args) < 2 {
			assert.Contains(t, got.err, "usage: abmctl", "%v", args)
		}
		assert.Empty(t, got.out, "%v", args)
		assert.Equal(t, "invalid_input", w.bare(append(args, "--json")...).fails(2).code(), "%v", args)
	}
	assert.NoFileExists(t, "abmrenew.db")
	assert.Contains(t, w.bare("--help").ok().out, "renew start")
	assert.Contains(t, w.bare("renew", "upload", "--help").ok().out, "Usage: abmctl renew upload <renewal-or-server> <file>")
	assert.Contains(t, w.bare("adopt", "--help").ok().out, "The exit status is 0 if every row was taken")
}

// Flags may stand before the command or behind it.
func TestFlagsAnywhere(t *testing.T) {
	w := newWorld(t)
	store := w.path("store.db")
	first := w.bare("server", "add", "Acme", "--json", "--store", store, "--tenant", "acme", "--site", "berlin", "--actor", "Kim").ok()
	assert.Equal(t, "acme", first.get("tenant"))
	assert.Equal(t, "berlin", first.get("site"))
	assert.Contains(t, w.bare("--tenant=acme", "--store="+store, "audit", "show", first.get("id")).ok().out, "Kim")

	var list []any
	w.bare("--store", store, "--tenant", "acme", "--site", "paris", "--json", "server", "list").ok().decode(&list)
	assert.Empty(t, list)
	w.bare("--store", store, "--axm-url", "https://127.0.0.1", "--axm-token-url", "https://127.0.0.1", "--apns-url", "https://127.0.0.1", "server", "list").ok()

	quiet := w.bare("--quiet", "--store", store, "--tenant", "acme", "server", "show", first.get("id")).ok()
	assert.Empty(t, quiet.out+quiet.err)
	assert.NotEmpty(t, w.bare("--quiet", "--store", store, "server", "show", "x").fails(1).err)
}

// With --json every command writes one object or array, each object with an id, and nothing else on standard output.
func TestJSONEverywhere(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM").withToken()
	id := acme.json("renew", "start", acme.server).ok().get("id")
	key := w.path("k.key.pem")
	rows := w.write("rows.json", []byte(`[]`))
	for _, args := range [][]string{
		{"token", "keygen", "--name", "k", "--out", w.dir}, {"token", "inspect", w.path("first.p7m"), "--key", key},
		{"server", "add", "Another"}, {"server", "list"}, {"server", "show", acme.server}, {"server", "check", acme.server},
		{"renew", "start", acme.server}, {"renew", "certificate", id, "--out", w.path("c.pem")}, {"renew", "show", id},
		{"renew", "confirm", id}, {"renew", "recheck", id}, {"renew", "upload", id, w.path("first.p7m")}, {"renew", "cancel", id},
		{"api-account", "show"}, {"api-account", "list"}, {"api-account", "check"}, {"api-account", "remove"}, {"devices", "sync", acme.server},
		{"devices", "list", acme.server}, {"profile", "show", acme.server},
		{"profile", "define", acme.server, w.write("profile.json", []byte(someProfile))}, {"profile", "use", acme.server, "77AA"},
		{"adopt", rows}, {"advise", acme.server}, {"steps", "renew"}, {"steps", "add", "--portal", "2024"}, {"run", "--once"},
		{"policy", "show"}, {"policy", "set", "--uploads-per-minute", "20"}, {"policy", "show", "--installation"},
		{"policy", "inherit"}, {"policy", "set", "--wipes", "on"}, {"proposal", "list"}, {"proposal", "approve", "prp_x"}, {"proposal", "reject", "prp_x"},
		{"approval", "text", "pln_x"}, {"kill-switch", "show"}, {"kill-switch", "on"}, {"kill-switch", "off"}, {"migrate", "list"}, {"migrate", "cancel-all"},
		{"migrate", "show", "pln_x"}, {"migrate", "moves", "pln_x"}, {"migrate", "submit", "pln_x"}, {"migrate", "approve", "pln_x"},
		{"migrate", "batches", "pln_x"}, {"migrate", "serials", "pln_x", "bat_x"}, {"migrate", "recheck", "pln_x", "bat_x"}, {"migrate", "pin", "pln_x", "C02A"},
		{"migrate", "exclude", "pln_x", "C02A"}, {"migrate", "plan", "--to", acme.server, "--from", acme.server, "--all"},
		{"audit", "show", acme.server}, {"audit", "show", id}, {"audit", "show", "acme"}, {"audit", "verify"}, {"audit", "checkpoint"},
		{"keys", "rotate"}, {"server", "retire", acme.server}, {"offboard", "acme"}, {"offboard", "acme", "--yes"},
	} {
		got := acme.json(args...)
		text := []byte(got.out)
		require.True(t, json.Valid(text), "%v: %s", args, text)
		objects := got.objects()
		for _, o := range objects {
			assert.NotEmpty(t, o["id"], "%v", args)
		}
		if got.status == 0 {
			assert.NotContains(t, got.err, "next:", "%v", args)
		} else {
			assert.NotNil(t, objects[0]["problem"], "%v", args)
		}
		plain := acme.cli(args...) // without --json, too, everything says something
		assert.NotEmpty(t, plain.out+plain.err, "%v", args)
	}
}

// An answer that nobody got is no success.
func TestAnswerNotWritten(t *testing.T) {
	for _, args := range [][]string{{"steps", "renew"}, {"--json", "steps", "renew"}} {
		var errs bytes.Buffer
		status := run(t.Context(), args, process{out: brokenPipe{}, err: &errs, now: time.Now})
		assert.Equal(t, 1, status, "%v", args)
		assert.Contains(t, errs.String(), "could not be written", "%v", args)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{
		"30d": "30d", "1d12h": "36h", "90m": "1h30m", "45s": "45s", "24h": "1d", "0s": "0s", "100ms": "100ms", "1h0m30s": "1h0m30s",
	} {
		d, err := parseDuration(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, d.String(), text)
		again, err := parseDuration(d.String())
		require.NoError(t, err, text)
		assert.Equal(t, d, again, text)
	}
	for _, text := range []string{"", "d", "-1d", "1d-1h", "1w", "30", "99999999d", "1d1d"} {
		_, err := parseDuration(text)
		assert.Error(t, err, text)
	}
}
