package runner_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// apiAccount makes an account at the portal and hands it in.
func (c *customer) apiAccount() (enrollment.APIAccount, runner.APIAccountInput) {
	c.h.t.Helper()
	made, err := c.admin.CreateAPIAccount()
	require.NoError(c.h.t, err)
	in := runner.APIAccountInput{ClientID: " " + made.ClientID + "\n", KeyID: made.KeyID, PrivateKey: made.PrivateKey}
	set, err := c.now().SetAPIAccount(ctx(c.h.t), tech, in)
	require.NoError(c.h.t, err)
	return set, in
}

// secretsOf counts the tenant's secrets of API accounts.
func (h *host) apiSecrets(tenant string) (ids []string) {
	h.t.Helper()
	for key := range dumpOf(h.t, h.store) {
		if key.Kind == storage.KindSecret && key.Tenant == tenant && bytes.HasPrefix([]byte(key.ID), []byte("api_key/")) {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

// An account goes in once and comes out only for the client of the API, which Apple takes; nothing else shows its key.
func TestAPIAccountIsKeptForTheClient(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	acme.addServer("Acme MDM")
	requireProblem(t, enrollment.CodeNotFound, func() error { _, err := acme.APIAccount(ctx(t)); return err }())
	set, in := acme.apiAccount()
	again, err := acme.SetAPIAccount(ctx(t), robot, in)
	require.NoError(t, err)
	assert.Equal(t, set, again, "giving it twice changes nothing")
	shown, err := acme.APIAccount(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, set, shown)
	assert.Equal(t, tech, shown.AddedBy)
	assert.Equal(t, h.clock.Now(), shown.AddedAt)

	key, err := acme.APIKey(ctx(t))
	require.NoError(t, err)
	block, _ := pem.Decode(in.PrivateKey)
	secret := base64.StdEncoding.EncodeToString(block.Bytes)[60:100]
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", key, key, key), secret)
	for at, rec := range dumpOf(t, h.store) {
		assert.NotContains(t, string(rec.Data), secret, at)
		assert.NotContains(t, string(rec.Data), string(block.Bytes[40:70]), at)
	}
	creds, err := axm.NewCredentials(key.ClientID, key.KeyID, []byte(key.PrivateKey.Reveal()))
	require.NoError(t, err)
	client, err := axm.NewClient(creds, axm.Options{Transport: h.apple.Transport(), Now: h.clock.Now})
	require.NoError(t, err)
	servers := 0
	for server, err := range client.Servers(ctx(t)) {
		require.NoError(t, err)
		assert.Equal(t, "Acme MDM", server.Name)
		servers++
	}
	assert.Equal(t, 1, servers)
	_, err = h.customer("beta").APIKey(ctx(t))
	requireProblem(t, enrollment.CodeNotFound, err)
}

// Another account replaces the first in one write: there is one secret, and the audit says who did what.
func TestAPIAccountIsReplacedAndRemoved(t *testing.T) {
	h := newHost(t)
	acme, beta := h.customer("acme"), h.customer("beta")
	first, in := acme.apiAccount()
	other, _ := beta.apiAccount()
	second, _ := acme.apiAccount()
	assert.NotEqual(t, first.Secret, second.Secret)
	assert.Equal(t, []string{"api_key/api_key/" + second.Secret}, h.apiSecrets("acme"))
	key, err := acme.APIKey(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, second, key.APIAccount)

	page, err := h.APIAccounts(ctx(t), runner.Page{})
	require.NoError(t, err)
	assert.Equal(t, []runner.TenantAPIAccount{{Tenant: "acme", APIAccount: second}, {Tenant: "beta", APIAccount: other}}, page.Accounts)

	require.NoError(t, acme.RemoveAPIAccount(ctx(t), tech))
	requireProblem(t, enrollment.CodeNotFound, acme.RemoveAPIAccount(ctx(t), tech))
	assert.Empty(t, h.apiSecrets("acme"))
	_, err = acme.APIKey(ctx(t))
	requireProblem(t, enrollment.CodeNotFound, err)
	_, err = acme.SetAPIAccount(ctx(t), tech, in) // it may come back
	require.NoError(t, err)
	entries, err := acme.Audit(ctx(t), "acme", 0, 100)
	require.NoError(t, err)
	assert.Equal(t, []enrollment.Act{
		enrollment.ActTenantOpened, enrollment.ActAPIAccountSet, enrollment.ActAPIAccountSet, enrollment.ActAPIAccountGone, enrollment.ActAPIAccountSet,
	}, acts(entries))
	assert.Equal(t, []string{first.ClientID, second.ClientID}, []string{entries[2].From, entries[2].To})
	assert.Equal(t, second.KeyID, entries[2].Detail["key_id"])
}

func TestBadAPIAccountsAreRefused(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	set, in := acme.apiAccount()
	before := dumpOf(t, h.store)
	for name, change := range map[string]func(*runner.APIAccountInput){
		"client_id": func(in *runner.APIAccountInput) { in.ClientID = "me" },
		"key_id":    func(in *runner.APIAccountInput) { in.KeyID = "" },
		"key":       func(in *runner.APIAccountInput) { in.PrivateKey = make([]byte, 3<<20) },
	} {
		bad := in
		change(&bad)
		_, err := acme.SetAPIAccount(ctx(t), tech, bad)
		requireProblem(t, enrollment.CodeInvalidInput, err)
		assert.Equal(t, name, enrollment.ProblemOf(err).Args["field"])
	}
	_, err := acme.SetAPIAccount(ctx(t), enrollment.Actor{}, in)
	requireProblem(t, enrollment.CodeInvalidInput, err)
	requireProblem(t, enrollment.CodeInvalidInput, acme.RemoveAPIAccount(ctx(t), enrollment.Actor{}))
	assert.Equal(t, before, dumpOf(t, h.store), "a refused one changes nothing")

	for key, rec := range before { // somebody puts another account's words beside this key
		if key.Kind == runner.KindTenant {
			rec.Data = bytes.ReplaceAll(rec.Data, []byte(set.KeyID), []byte("another-key-id"))
			require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: []storage.Record{rec}}))
		}
	}
	_, err = acme.APIKey(ctx(t))
	requireProblem(t, enrollment.CodeStoreDamaged, err)
}

// A closed tenant keeps its account, by which migrations are cancelled at Apple, and takes no other; of an erased one nothing is left.
func TestAPIAccountLeavesWithItsTenant(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	_, in := acme.apiAccount()
	require.NoError(t, acme.Close(ctx(t), tech))
	_, err := acme.APIKey(ctx(t))
	require.NoError(t, err)
	_, err = acme.SetAPIAccount(ctx(t), tech, in)
	requireProblem(t, enrollment.CodeTenantClosed, err)
	require.NoError(t, acme.Erase(ctx(t), tech))
	assert.Empty(t, h.apiSecrets("acme"))
	_, err = acme.APIAccount(ctx(t))
	requireProblem(t, enrollment.CodeNotFound, err)
	shown, err := acme.Show(ctx(t))
	require.NoError(t, err)
	assert.Nil(t, shown.API)
}
