package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// api runs a command that may ask the API.
func (c *customer) api(args ...string) result {
	c.w.t.Helper()
	return c.json(append([]string{"--axm-url", c.w.url, "--axm-token-url", c.w.url + "/auth/oauth2/v2/token"}, args...)...)
}

// withAccount gives the customer an API account.
func (c *customer) withAccount() (*customer, appletest.APIAccount) {
	c.w.t.Helper()
	made, err := c.admin.CreateAPIAccount()
	require.NoError(c.w.t, err)
	c.json("api-account", "add", "--client-id", made.ClientID, "--key-id", made.KeyID, "--key", c.w.write("api.pem", made.PrivateKey)).ok()
	return c, made
}

func TestAPIAccount(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM").withToken()
	assert.Equal(t, "not_found", acme.json("api-account", "show").fails(1).code())
	acme.json("api-account", "remove").fails(1)
	acme.json("api-account", "check").fails(1)
	_, made := acme.withAccount()

	shown := acme.json("api-account", "show").ok()
	assert.Equal(t, made.ClientID, shown.get("id"))
	assert.Equal(t, "acme", shown.get("tenant"))
	assert.Equal(t, made.KeyID, shown.get("key_id"))
	assert.Contains(t, acme.cli("api-account", "show").ok().out, "by tess")

	checked := acme.api("api-account", "check").ok()
	services := checked.object()["services"].([]any)
	require.Len(t, services, 1)
	assert.Equal(t, acme.server, services[0].(map[string]any)["server"])
	assert.Empty(t, checked.object()["foreign"])

	beta := w.newCustomer("beta", "Beta MDM").withToken()
	assert.Empty(t, beta.json("api-account", "list").ok().objects())
	beta.withAccount()
	assert.Len(t, beta.json("api-account", "list").ok().objects(), 1)
	all := beta.json("api-account", "list", "--all").ok().objects()
	require.Len(t, all, 2)
	assert.Equal(t, []any{"acme", "beta"}, []any{all[0]["tenant"], all[1]["tenant"]})

	acme.admin.RevokeAPIAccount(made.ClientID)
	refused := acme.api("api-account", "check").fails(9)
	assert.Equal(t, "apple_refused", refused.code())
	assert.Contains(t, refused.err, "api-account add")
	assert.Equal(t, made.ClientID, acme.json("api-account", "remove").ok().get("id"))
	acme.json("api-account", "show").fails(1)
	assert.Contains(t, acme.cli("audit", "show", "acme").ok().out, "api_account_removed")
	acme.json("audit", "verify").ok()
}

// An account of another organization is told from the server that it cannot move devices of.
func TestAPIAccountOfAnotherOrganization(t *testing.T) {
	w := newWorld(t)
	acme, beta := w.newCustomer("acme", "Acme MDM").withToken(), w.newCustomer("beta", "Beta MDM").withToken()
	made, err := beta.admin.CreateAPIAccount()
	require.NoError(t, err)
	acme.json("api-account", "add", "--client-id", made.ClientID, "--key-id", made.KeyID, "--key", w.write("api.pem", made.PrivateKey)).ok()
	checked := acme.api("api-account", "check").ok().object()
	assert.Equal(t, []any{acme.server}, checked["foreign"])
}

// What is no key of an API account is refused with what to do, and what is there stays.
func TestBadAPIKeys(t *testing.T) {
	w := newWorld(t)
	acme, made := w.newCustomer("acme", "Acme MDM").withToken().withAccount()
	before := w.sealed()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	rsaKey, err := x509.MarshalPKCS8PrivateKey(r)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	curve, err := x509.MarshalPKCS8PrivateKey(p384)
	require.NoError(t, err)
	file := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for says, key := range map[string][]byte{
		"no EC key": file("PRIVATE KEY", rsaKey), "P-256": file("PRIVATE KEY", curve), "decrypt it first": file("ENCRYPTED PRIVATE KEY", rsaKey),
		"larger than": make([]byte, 4<<20), "browser downloaded": []byte("hello"), "CERTIFICATE": w.read(w.path("Acme MDM.pem")),
	} {
		got := acme.json("api-account", "add", "--client-id", made.ClientID, "--key-id", made.KeyID, "--key", w.write("bad.pem", key)).fails(2)
		assert.Contains(t, got.err, says)
	}
	good := w.write("good.pem", made.PrivateKey)
	assert.Contains(t, acme.json("api-account", "add", "--client-id", "me", "--key-id", "k", "--key", good).fails(2).err, "BUSINESSAPI.")
	acme.json("api-account", "add", "--client-id", made.ClientID, "--key-id", "a b", "--key", good).fails(2)
	acme.json("api-account", "add", "--client-id", made.ClientID, "--key-id", "k", "--key", w.path("gone")).fails(2)
	acme.cli("api-account", "add", "--client-id", made.ClientID).fails(2)
	assert.Equal(t, before, w.sealed())
	assert.NotContains(t, w.all.String(), strings.Split(string(made.PrivateKey), "\n")[1])
	assert.Equal(t, made.ClientID, acme.json("api-account", "show").ok().get("id"))
}
