package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
)

// say is what a person reads beside the answer.
func (p *pusher) say(args ...string) result {
	p.t.Helper()
	return p.world.cli(append([]string{"--tenant", p.tenant, "--apns-url", p.url, "--ca", p.path("apple.pem")}, args...)...)
}

// At the portal a first certificate is made with Create, every later one with Renew: the wrong word cuts devices off.
func TestAFirstPushCertificateIsCreatedAndALaterOneRenewed(t *testing.T) {
	p := newPusher(t, "acme")
	const avoidCreate, create = "Do not choose Create", "choose Create a Certificate"
	first := p.say("push", "renew", "start").ok().err
	assert.Contains(t, first, create)
	assert.Contains(t, first, "push import", "devices that are enrolled have a certificate that is to be taken first")
	assert.NotContains(t, first, avoidCreate)
	assert.NotContains(t, first, "of the account")
	assert.Contains(t, p.say("push", "renew", "csr", "--out", p.path("1.txt")).ok().err, create)

	p.first()
	p.pass(time.Hour)
	later := p.say("push", "renew", "start").ok().err
	assert.Contains(t, later, avoidCreate)
	assert.NotContains(t, later, "first push certificate")
	assert.Contains(t, p.say("push", "renew", "csr", "--out", p.path("2.txt")).ok().err, "not Create")
}

// A tenant that the account's certificate serves begins one of its own: that may not be what was meant.
func TestAFirstPushCertificateBesideTheAccountsIsTold(t *testing.T) {
	p := newPusher(t, "account")
	p.first()
	assert.Contains(t, p.of("acme").say("push", "renew", "start").ok().err, "push renew start --tenant account")
}

// What to do next after an import is told with the flags of the import.
func TestAnImportNamesTheFlagThatHelps(t *testing.T) {
	p := newPusher(t, "acme")
	key, err := apns.GenerateKey()
	require.NoError(t, err)
	issue := func(name string, from, until int) string {
		cert := p.apple.Push().Issue(key.Public(), "com.apple.mgmt.External.next", p.now().AddDate(0, 0, from), p.now().AddDate(0, 0, until))
		return p.write(name, cert.Raw)
	}
	good, keyFile := issue("good.der", -1, 364), p.write("push.key", key.RevealPEM())
	assert.Contains(t, p.say("push", "import", "--cert", good).fails(4).err, "--key FILE")
	assert.Contains(t, p.say("push", "import", "--cert", issue("over.der", -400, -3), "--key", keyFile).fails(3).err, "--expired")
	require.ErrorContains(t, (&pushImport{}).advised(enrollment.NewProblem(enrollment.CodePushPassword)), "--password-file")
	assert.Contains(t, p.say("push", "import", "--cert", good, "--key", keyFile).ok().err, "abmctl push check")
}
