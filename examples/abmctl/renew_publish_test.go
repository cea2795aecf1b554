package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// With an API account a renewal is one click at the portal: Download Token.
func TestPain45_RenewWithOneClick(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM").withToken()
	id := acme.json("renew", "start", acme.server).ok().get("id")
	assert.Contains(t, acme.json("renew", "certificate", id, "--publish").fails(1).err, "api-account add")
	acme.withAccount()
	told := acme.api("renew", "certificate", id, "--publish").ok()
	publication := told.object()["key"].(map[string]any)["publication"].(map[string]any)
	assert.Equal(t, "ok", publication["outcome"])
	assert.Contains(t, acme.cli("renew", "show", id).ok().out, "the certificate was saved at")
	assert.Equal(t, "completed", acme.json("renew", "upload", acme.server, acme.download("new.p7m")).ok().get("state"))
	audit := acme.cli("audit", "show", id).ok().out
	assert.Contains(t, audit, "certificate_sent")
	assert.Contains(t, audit, "certificate_told")

	// A person is shown what is left to click.
	id = acme.json("renew", "start", acme.server).ok().get("id")
	shown := w.bare("--store", w.path("store.db"), "--dep-url", w.url, "--axm-url", w.url, "--tenant", "acme", "renew", "certificate", id, "--publish").ok()
	assert.Contains(t, shown.err, "Download Token")
	assert.NotContains(t, shown.err, "Replace Certificate and upload")
}

func TestPublishingThatFails(t *testing.T) {
	w := newWorld(t)
	acme, _ := w.newCustomer("acme", "Acme MDM").withToken().withAccount()
	id := acme.json("renew", "start", acme.server).ok().get("id")
	end := w.apple.Fail(appletest.Fault{Kind: appletest.Down})
	assert.Contains(t, acme.api("renew", "certificate", id, "--publish").fails(10).err, "Nothing was changed at Apple")
	end()
	end = w.apple.Fail(appletest.Fault{Path: "/v1/mdmServers/" + acme.service.UUID(), Kind: appletest.CutDuring})
	lost := acme.api("renew", "certificate", id, "--publish").fails(10)
	assert.Contains(t, lost.err, "It is not known whether Apple has the new certificate")
	assert.Contains(t, acme.cli("renew", "show", id).ok().out, "whether it arrived is not known")
	end()
	acme.service.Delete()
	assert.Equal(t, "apple_refused", acme.api("renew", "certificate", id, "--publish").fails(9).code())
	acme.api("renew", "certificate", id, "--create").fails(8)
	acme.cli("renew", "certificate", id).fails(2)
	acme.cli("renew", "certificate", id, "--publish", "--out", w.path("c.pem")).fails(2)
}

// A new server's service is made at Apple with its certificate.
func TestServerAddCreates(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM").withToken()
	assert.Contains(t, acme.api("server", "add", "Second", "--create").fails(1).err, "api-account add")
	assert.Len(t, acme.json("server", "list").ok().objects(), 1, "nothing was added for nothing")
	acme.withAccount()
	added := acme.api("server", "add", "Second", "--create", "--cert-out", w.path("second.pem")).ok()
	second := &customer{w: w, tenant: "acme", server: added.get("server"), org: acme.org, admin: acme.admin, service: acme.org.Service("Second")}
	require.NotNil(t, second.service)
	second.withToken()

	taken := acme.api("server", "add", "Acme MDM", "--create").fails(9)
	assert.Equal(t, "apple_refused", taken.code())
	end := w.apple.Fail(appletest.Fault{Path: "/v1/mdmServers", Kind: appletest.Status, Status: 403})
	refused := acme.api("server", "add", "Third", "--create").fails(9)
	end()
	acme.api("renew", "certificate", refused.get("renewal"), "--create").ok()
	require.NotNil(t, acme.org.Service("Third"))
}
