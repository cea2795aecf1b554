package main

import (
	"io"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// Pain 15: terms that nobody accepted yet are no fault of the token; it is kept, and judged as soon as they are.
func TestPain15_TermsPending(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	acme.org.RequireTerms()
	file := acme.download("new.p7m")
	acme.untouched(func() {
		got := acme.json("renew", "upload", acme.server, file).fails(9)
		assert.Equal(t, "terms_pending", got.code())
		assert.Equal(t, "blocked_terms", got.get("state"))
		assert.Contains(t, got.err, "Acme MDM Inc.", "which organization")
		assert.Equal(t, "candidate_waiting", acme.json("renew", "cancel", got.get("id")).fails(8).code())
		acme.json("renew", "recheck", got.get("id")).fails(9)
	})
	require.NoError(t, acme.org.AcceptTerms(acme.admin))
	assert.Equal(t, "completed", acme.json("renew", "recheck", acme.server).ok().get("state"))
}

func TestCheckTellsTerms(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	acme.org.RequireTerms()
	assert.Equal(t, "terms_pending", acme.json("server", "check", acme.server).fails(9).code())
	require.NoError(t, acme.org.AcceptTerms(acme.admin))
	assert.Equal(t, "active", acme.json("server", "check", acme.server).ok().get("health"))
}

// Pain 13: the person who downloaded the token is gone; the server says so, and can still be worked with.
func TestPain13_PersonLeft(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	acme.admin.Leave()
	got := acme.json("server", "check", acme.server).fails(9)
	assert.Equal(t, "token_rejected", got.code())
	assert.Equal(t, "rejected", got.get("health"))
	assert.Contains(t, got.err, "it@default.example")
	assert.NotEmpty(t, got.object()["causes"])
	assert.Contains(t, acme.cli("server", "show", acme.server).ok().out, "that person left")

	acme.admin = acme.org.AddAdmin("new@default.example")
	assert.Equal(t, "completed", acme.json("renew", "upload", acme.server, acme.download("new.p7m")).ok().get("state"))
}

func TestRejectedFile(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	dead := acme.download("dead.p7m")
	acme.admin.ChangePassword()
	acme.untouched(func() {
		got := acme.json("renew", "upload", acme.server, dead).fails(9)
		assert.Equal(t, "token_rejected", got.code())
	})
	acme.json("renew", "upload", acme.server, acme.download("alive.p7m")).ok()
}

// Apple is down for a day: the file may be the only living token, so it is kept and judged later.
func TestAppleDownForADay(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	file := acme.download("new.p7m")
	end := w.apple.Fail(appletest.Fault{Kind: appletest.Down})
	var id string
	acme.untouched(func() {
		got := acme.json("renew", "upload", acme.server, file).fails(10)
		assert.Equal(t, "apple_unreachable", got.code())
		assert.Equal(t, "verifying", got.get("state"))
		id = got.get("id")
		for range 24 {
			w.pass(time.Hour)
			acme.cli("run", "--once").ok()
		}
		assert.Equal(t, "verifying", acme.json("renew", "show", id).ok().get("state"))
		acme.json("server", "check", acme.server).fails(10)
	})
	end()
	w.pass(2 * time.Hour)
	acme.cli("run", "--once").ok()
	assert.Equal(t, "completed", acme.json("renew", "show", id).ok().get("state"))
}

// Pain 16: an answer that says nothing about the token changes nothing.
func TestPain16_TransientAnswers(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	for _, f := range []appletest.Fault{
		appletest.Unavailable(0), {Kind: appletest.Status, Status: 500}, {Kind: appletest.Garbage}, {Kind: appletest.CutDuring},
		{Kind: appletest.Redirect}, {Kind: appletest.Oversized, Size: 4 << 20},
	} {
		end := w.apple.Fail(f)
		got := acme.json("server", "check", acme.server).fails(10)
		assert.Equal(t, "active", got.get("health"), "%v", f.Kind)
		end()
		w.pass(time.Hour)
		acme.json("server", "check", acme.server).ok()
	}
}

// The address of a stand-in is loopback, or none.
func TestOtherAddresses(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	for _, url := range []string{"http://example.com", "http://169.254.169.254", "ftp://127.0.0.1", "nonsense", "http://127.0.0.1/path"} {
		w.bare("--store", w.path("store.db"), "--dep-url", url, "server", "check", acme.server).fails(2)
	}
	w.bare("--store", w.path("store.db"), "--dep-url", w.url, "--ca", w.path("gone"), "server", "check", acme.server).fails(2)
	w.bare("--store", w.path("store.db"), "--dep-url", "http://127.0.0.1:1", "server", "check", acme.server).fails(10)
}

func TestTLSWithOwnAuthority(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	listener := httptest.NewUnstartedServer(w.apple.Handler())
	listener.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the refused handshake
	listener.StartTLS()
	t.Cleanup(listener.Close)
	at := []string{"--store", w.path("store.db"), "--dep-url", listener.URL}
	check := []string{"--json", "server", "check", acme.server}
	w.bare(append(at, check...)...).fails(10)
	ca := w.write("ca.pem", certificatePEM(listener))
	w.bare(append(append(at, "--ca", ca), check...)...).ok()
}
