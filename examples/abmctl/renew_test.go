package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The story of a year, as a technician types it.
func TestAYear(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM")

	first := acme.json("renew", "upload", acme.renewal, acme.download("first.p7m")).fails(8)
	assert.Equal(t, "confirm_identity", first.code())
	assert.Equal(t, acme.renewal, first.get("id"))
	assert.Equal(t, acme.renewal, first.get("renewal"))
	assert.Equal(t, acme.server, first.get("server"))
	assert.Contains(t, first.err, "Acme MDM Inc.")

	done := acme.json("renew", "confirm", acme.renewal).ok()
	assert.Equal(t, "completed", done.get("state"))
	shown := acme.json("server", "show", acme.server).ok()
	assert.Equal(t, "active", shown.get("health"))
	assert.Equal(t, acme.server, shown.get("id"))
	assert.NotContains(t, shown.object(), "renewal", "none is under way")

	w.pass(345 * 24 * time.Hour)
	acme.cli("run", "--once").ok()
	var list []map[string]any
	acme.json("server", "list", "--health", "expiring").ok().decode(&list)
	require.Len(t, list, 1)
	assert.Equal(t, acme.server, list[0]["id"])
	assert.Contains(t, acme.cli("server", "list").ok().out, "expiring")

	started := acme.json("renew", "start", "Acme MDM").ok()
	id := started.get("id")
	assert.Equal(t, acme.server, started.get("server"))
	assert.Equal(t, id, acme.json("renew", "start", acme.server).ok().get("renewal"), "starting again returns the live one")
	assert.Equal(t, id, acme.json("server", "show", acme.server).ok().get("renewal"))

	pem := w.path("new.pem")
	taken := acme.json("renew", "certificate", id, "--out", pem).ok()
	assert.Equal(t, pem, taken.get("certificate_file"))
	require.NoError(t, acme.admin.ReplaceCertificate(acme.service, w.read(pem)))
	acme.json("renew", "certificate", acme.server, "--out", pem).ok() // again, over the same file

	upload := acme.json("renew", "upload", id, acme.download("second.p7m")).ok()
	assert.Equal(t, "completed", upload.get("state"))
	assert.Equal(t, "completed", acme.json("renew", "show", id).ok().get("state"))
	assert.Equal(t, "active", acme.json("server", "check", acme.server).ok().get("health"))

	acme.json("renew", "recheck", id).fails(8)
	acme.untouched(func() {
		again := acme.cli("renew", "upload", acme.server, w.path("second.p7m")).ok() // no harm
		assert.Contains(t, again.err, "This very token is in use already")
	})
	acme.json("audit", "verify").ok()
}

func TestUploadStartsARenewalByItself(t *testing.T) {
	acme := newWorld(t).newCustomer("default", "Acme MDM").withToken()
	done := acme.json("renew", "upload", "Acme MDM", acme.download("again.p7m")).ok()
	assert.Equal(t, "completed", done.get("state"))
	assert.NotEqual(t, acme.renewal, done.get("id"))
}

func TestUploadFromStandardInput(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM")
	file := string(w.read(acme.download("x.p7m")))
	w.with(file, "--store", w.path("store.db"), "--dep-url", w.url, "renew", "upload", acme.server, "-", "--confirm").ok()
}

func TestCancelAndRetire(t *testing.T) {
	acme := newWorld(t).newCustomer("default", "Acme MDM").withToken()
	id := acme.json("renew", "start", acme.server).ok().get("id")
	assert.Equal(t, "cancelled", acme.json("renew", "cancel", id).ok().get("state"))
	assert.Equal(t, "not_found", acme.json("renew", "show", acme.server).fails(1).code(), "none is under way")

	assert.NotEmpty(t, acme.json("server", "retire", acme.server).ok().get("retired_at"))
	assert.Contains(t, acme.cli("server", "list", "--health", "retired").ok().out, acme.server)
	assert.NotContains(t, acme.cli("server", "list", "--health", "active").ok().out, acme.server)
	late := acme.json("renew", "start", acme.server).fails(8)
	assert.Equal(t, "server_retired", late.code())
	assert.Equal(t, acme.server, late.get("id"))
	assert.Equal(t, "server_retired", acme.json("renew", "upload", acme.server, acme.download("x.p7m")).fails(8).code())
}

func TestCertificateOverwritesOnlyCertificates(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM")
	notes := w.write("notes.txt", []byte("do not lose this"))
	assert.Equal(t, "refused", acme.json("renew", "certificate", acme.renewal, "--out", notes).fails(8).code())
	assert.Equal(t, "do not lose this", string(w.read(notes)))
	acme.json("renew", "certificate", acme.renewal, "--out", w.path("gone/x.pem")).fails(2)
	acme.json("renew", "certificate", acme.renewal, "--out", w.path("Acme MDM.pem")).ok()
	left, err := os.ReadDir(w.dir)
	require.NoError(t, err)
	assert.Len(t, left, 4, "store, keyring, notes, certificate: %v", left)
}

// Two have the same name: neither is guessed.
func TestNamesThatAreNotUnique(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		w.cli("server", "add", "Twin").ok()
	}
	assert.Contains(t, w.cli("server", "show", "Twin").fails(2).err, "several have this name")
	w.cli("server", "show", "Nobody").fails(1)
}

func TestTenantsSeeNothingOfEachOther(t *testing.T) {
	w := newWorld(t)
	acme, bolt := w.newCustomer("acme", "Acme MDM").withToken(), w.newCustomer("bolt", "Bolt MDM")
	for _, command := range [][]string{
		{"server", "show", acme.server}, {"server", "check", acme.server}, {"server", "retire", acme.server},
		{"renew", "start", acme.server}, {"renew", "show", acme.renewal}, {"renew", "confirm", acme.renewal},
		{"renew", "cancel", acme.renewal}, {"renew", "recheck", acme.renewal}, {"advise", acme.server}, {"audit", "show", acme.server},
		{"renew", "certificate", acme.renewal, "--out", w.path("stolen.pem")},
		{"renew", "upload", acme.server, w.path("first.p7m")}, {"renew", "upload", acme.renewal, w.path("first.p7m")},
	} {
		assert.Equal(t, "not_found", bolt.json(command...).fails(1).code(), "%v", command)
	}
	assert.NoFileExists(t, w.path("stolen.pem"))
	var list []map[string]any
	bolt.json("server", "list").ok().decode(&list)
	assert.Len(t, list, 1)
	bolt.json("server", "list", "--all").ok().decode(&list)
	assert.Len(t, list, 2)
}
