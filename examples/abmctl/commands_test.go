package main

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAdopt(t *testing.T) {
	w := newWorld(t)
	file, key := w.tokenFor("acme")
	token := w.bare("--json", "token", "inspect", "--reveal", file, "--key", key).ok().object()
	plain := map[string]any{}
	for _, name := range []string{"consumer_key", "consumer_secret", "access_token", "access_secret", "access_token_expiry"} {
		plain[name] = token[name]
	}
	old, oldKey := w.tokenFor("old")
	pairs := []map[string]any{{"key": string(w.read(oldKey)), "certificate": string(w.read(w.path("old.pem")))}}
	rows := []map[string]any{
		{"reference": "crm-1", "name": "Acme", "tenant": "acme", "site": "berlin", "token": plain},
		{"reference": "crm-2", "name": "Old", "token_file": base64.StdEncoding.EncodeToString(w.read(old)), "keys": pairs},
		{"reference": "crm-3", "name": "Key only", "keys": pairs},
	}
	text, err := json.Marshal(rows)
	require.NoError(t, err)
	path := w.write("rows.json", text)

	got := w.cli("--json", "adopt", path).ok().object()
	assert.EqualValues(t, 3, got["added"])
	assert.Equal(t, path, got["id"])
	assert.EqualValues(t, 3, w.cli("--json", "adopt", path).ok().object()["unchanged"], "again changes nothing")
	assert.Contains(t, w.with(string(text), "--store", w.path("store.db"), "adopt", "-").ok().out, "3 unchanged")

	checked := w.cli("--json", "--tenant", "acme", "server", "check", "Acme").ok()
	assert.Equal(t, "active", checked.get("health"))
	w.cli("--json", "server", "check", "Old").ok()
	same := w.cli("--json", "renew", "upload", "Old", old).ok() // the file of the token that is in use
	assert.Equal(t, "completed", same.get("state"))
	assert.Equal(t, same.get("server"), same.get("id"))

	// Refused rows stop no others; the exit status is the first one's.
	rows = append(rows, map[string]any{"reference": "crm-4", "name": "Bad", "token_file": base64.StdEncoding.EncodeToString([]byte("<html>"))},
		map[string]any{"reference": "", "name": "Nameless"}, map[string]any{"reference": "crm-5", "name": "New", "keys": pairs})
	text, err = json.Marshal(rows)
	require.NoError(t, err)
	bad := w.cli("--json", "adopt", w.write("rows.json", text)).fails(5)
	assert.EqualValues(t, 1, bad.object()["added"])
	assert.EqualValues(t, 2, bad.object()["refused"])
	assert.Len(t, bad.object()["problems"], 2)
	assert.Contains(t, bad.err, "row 4 (crm-4)")
	w.cli("--json", "adopt", w.write("rows.json", []byte(`[{"reference": "x", `))).fails(2)
	w.cli("adopt", w.path("gone.json")).fails(2)
}

func TestAdvise(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	got := acme.json("advise", acme.server).ok()
	assert.Equal(t, acme.server, got.get("server"))
	assert.Equal(t, "renew", got.get("advice"))
	assert.Len(t, got.object()["ask"], 2)
	assert.Equal(t, "find_administrator", acme.json("advise", acme.server, "--portal-access=no").ok().get("advice"))
	assert.Equal(t, "reassign", acme.json("advise", acme.server, "--portal-access=yes", "--service-exists=no").ok().get("advice"))
	assert.Equal(t, "wipe", acme.json("advise", acme.server, "--service-exists=no", "--mdm-changes=yes", "--capable=no").ok().get("advice"))
	assert.Contains(t, acme.cli("advise", acme.server).ok().out, "--service-exists=yes|no")
	w.cli("adopt", w.write("rows.json", []byte(`{"reference": "1", "name": "Bare", "token": {"consumer_key": "CK_1",
		"consumer_secret": "CS_1", "access_token": "AT_1", "access_secret": "AS_1", "access_token_expiry": "2027-01-01T00:00:00Z"}}`))).ok()
	assert.Equal(t, "replace_certificate", w.cli("--json", "advise", "Bare").ok().get("advice"), "its key is not held")
}

// Pain 41: what to click, for the portal of the day.
func TestPain41_Steps(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, portal := range []string{"2026", "2025", "2024"} {
		for _, task := range []string{"renew", "add"} {
			got := w.bare("--json", "steps", task, "--portal", portal).ok()
			assert.Equal(t, task, got.get("id"))
			assert.Equal(t, portal, got.get("generation"))
			text := w.bare("steps", task, "--portal", portal).ok().out
			assert.Contains(t, text, " 1. ")
			assert.Contains(t, text, "Download")
			assert.False(t, seen[text])
			seen[text] = true
		}
	}
	assert.Equal(t, w.bare("steps", "renew").ok().out, w.bare("steps", "renew", "--portal", "2026").ok().out)
	full, short := w.bare("steps", "renew").ok().out, w.bare("steps", "renew", "--short").ok().out
	assert.Less(t, strings.Count(short, "\n"), strings.Count(full, "\n"))
	w.bare("steps", "renew", "--portal", "1999").fails(2)
	assert.Contains(t, w.bare("--json", "steps", "push").ok().out, `"id": "push"`)
	assert.Contains(t, w.bare("steps", "juggle").fails(2).err, "one of renew, add, push")
}

// Pain 22: one list over all tenants, and each reminder once.
func TestPain22_Reminders(t *testing.T) {
	w := newWorld(t)
	w.newCustomer("acme", "Acme MDM").withToken()
	w.newCustomer("bolt", "Bolt MDM").withToken()
	w.pass(340 * 24 * time.Hour)
	first := w.cli("run", "--once").ok()
	assert.Equal(t, 2, strings.Count(first.err, "the token expires in"), first.err)
	w.pass(2 * time.Hour)
	assert.NotContains(t, w.cli("run", "--once").ok().err, "the token expires in", "not repeated")
	var list []map[string]any
	w.cli("--json", "server", "list", "--all", "--health", "expiring").ok().decode(&list)
	assert.Len(t, list, 2)
	assert.Contains(t, w.cli("server", "list", "--health", "expirng").fails(2).err, "never_checked", "a slip is no empty list")
}

func TestPolicy(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, "30d", w.cli("--json", "policy", "show").ok().get("expiring_within"))
	w.cli("policy", "set", "--installation", "--expiring-within", "60d").ok()
	set := w.cli("--json", "--tenant", "acme", "policy", "set", "--probe-every", "12h", "--reminders", "90,30,7").ok()
	assert.Equal(t, "acme", set.get("id"))
	assert.Equal(t, "12h", set.get("probe_every"))
	assert.Equal(t, "60d", set.get("expiring_within"), "from the installation")
	assert.Equal(t, "1d", w.cli("--json", "policy", "show").ok().get("probe_every"), "of another tenant")
	assert.Contains(t, w.cli("--tenant", "acme", "policy", "show").ok().out, "90,30,7")
	w.cli("policy", "set", "--probe-every", "1s").fails(2)
	before := w.cli("audit", "show", "installation").ok().out
	w.cli("policy", "set", "--installation").fails(2)
	assert.Equal(t, before, w.cli("audit", "show", "installation").ok().out, "no change is not written down as one")
	w.cli("policy", "set", "--reminders", "1,2,3").fails(2)
}

// Pain 23: who did what, and when.
func TestPain23_Audit(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	var entries []map[string]any
	acme.json("audit", "show", acme.server).ok().decode(&entries)
	acts := map[any]bool{}
	for _, e := range entries {
		acts[e["act"]] = true
		assert.Equal(t, acme.server, e["server"])
	}
	for _, act := range []string{"server_added", "renewal_started", "key_made", "certificate_taken", "file_accepted", "token_activated"} {
		assert.True(t, acts[act], act)
	}
	assert.Contains(t, acme.cli("audit", "show", acme.renewal).ok().out, "token_activated")

	point := w.write("point.json", []byte(acme.cli("audit", "checkpoint").ok().out))
	acme.json("renew", "start", acme.server).ok()
	assert.Equal(t, true, acme.json("audit", "verify", "--checkpoint", point).ok().object()["ok"])

	other := newWorld(t)
	other.cli("server", "add", "Other").ok()
	got := other.cli("--json", "audit", "verify", "--checkpoint", point).fails(1)
	assert.Equal(t, false, got.object()["ok"])
	assert.NotEmpty(t, got.object()["faults"], "another history than the one that was kept")
	acme.cli("audit", "verify", "--checkpoint", w.write("bad", []byte("{}"))).fails(2)
	acme.cli("audit", "show", "nobody").fails(1)
}

// A log collector takes what is new, line by line, and misses nothing.
func TestAuditExportGoesOnWhereItEnded(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	first := lines(t, acme.cli("audit", "export").ok().out)
	require.NotEmpty(t, first)
	acts := map[any]bool{}
	for i, e := range first {
		assert.EqualValues(t, i+1, e["position"])
		acts[e["act"]] = true
	}
	assert.True(t, acts["token_activated"])
	end := strconv.Itoa(len(first))
	assert.Empty(t, acme.cli("audit", "export", "--after", end).ok().out)
	acme.json("renew", "start", acme.server).ok()
	var news []map[string]any
	acme.json("audit", "export", "--after", end).ok().decode(&news)
	require.NotEmpty(t, news)
	assert.EqualValues(t, len(first)+1, news[0]["position"])
	assert.Equal(t, "renewal_started", news[0]["act"])
	assert.Equal(t, acme.server, news[0]["server"])
	acme.cli("audit", "export", "--after=-1").fails(2)
	newWorld(t).cli("audit", "export").fails(1)
}

// lines are the objects of a text with one in each line.
func lines(t *testing.T, text string) (objects []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		objects = append(objects, o)
	}
	return objects
}

func TestKeysRotate(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM").withToken()
	ring := w.read(w.path("store.db.keyring"))
	got := acme.json("keys", "rotate").ok().object()
	assert.EqualValues(t, 2, got["data_keys"], "the tenant's and the installation's")
	assert.Positive(t, got["resealed"])
	assert.EqualValues(t, 0, got["kept"])
	before := acme.credentials()
	acme.json("keys", "rotate").ok()
	assert.Equal(t, before, acme.credentials())
	assert.NotEqual(t, ring, w.read(w.path("store.db.keyring")))
	w.pass(48 * time.Hour)
	acme.json("keys", "rotate").ok()
	assert.Positive(t, acme.json("keys", "rotate").ok().object()["data_keys"])
	acme.json("server", "check", acme.server).ok()
	acme.json("audit", "verify").ok()
	assert.Contains(t, acme.cli("audit", "show", "installation").ok().out, "keys_rotated")
}

func TestOffboard(t *testing.T) {
	w := newWorld(t)
	acme, bolt := w.newCustomer("acme", "Acme MDM").withToken(), w.newCustomer("bolt", "Bolt MDM").withToken()
	w.terminal = true
	acme.untouched(func() { w.cli("--json", "offboard", "acme").fails(8) })
	w.terminal = false
	gone := w.cli("--json", "offboard", "acme").ok()
	assert.Equal(t, "erased", gone.get("state"))
	assert.Equal(t, "erased", w.cli("--json", "offboard", "acme").ok().get("state"), "again is no harm")
	acme.json("server", "show", acme.server).fails(1)
	assert.Equal(t, "tenant_erased", acme.json("server", "add", "Back").fails(8).code())
	assert.Contains(t, w.cli("audit", "show", "acme").ok().out, "tenant_erased", "the audit stays")
	bolt.json("server", "check", bolt.server).ok()
	assert.Contains(t, w.cli("offboard", "nobody", "--yes").fails(1).err, "server list --all")
	w.cli("keys", "rotate").ok()
	w.cli("audit", "verify").ok()
}
