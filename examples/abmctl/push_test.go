package main

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// pusher is a customer's administrator at Apple's push certificate portal, with the push service within reach.
type pusher struct {
	*world
	tenant  string
	account *appletest.PushAccount
	url     string
	files   int
}

func newPusher(t *testing.T, tenant string) *pusher {
	t.Helper()
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go w.apple.Push().Serve(listener) //nolint:errcheck // it ends with the listener
	t.Cleanup(func() { _ = listener.Close() })
	w.write("apple.pem", w.apple.Push().RootsPEM())
	chain, key := w.apple.Push().Vendor("RMM Inc.")
	w.write("vendor.pem", chain)
	w.write("vendor.key", key)
	return &pusher{world: w, tenant: tenant, account: w.apple.Push().Account("it@" + tenant + ".example"), url: "https://" + listener.Addr().String()}
}

// of is the same world as another tenant sees it.
func (p *pusher) of(tenant string) *pusher {
	other := *p
	other.tenant = tenant
	return &other
}

func (p *pusher) cli(args ...string) result {
	p.t.Helper()
	return p.world.cli(append([]string{"--json", "--tenant", p.tenant, "--apns-url", p.url, "--ca", p.path("apple.pem")}, args...)...)
}

// fresh is a name for a file that is not there yet.
func (p *pusher) fresh(name string) string {
	p.files++
	return p.path(string(rune('a'+p.files)) + name)
}

// request begins a renewal and gives the file for Apple's portal.
func (p *pusher) request() []byte {
	p.t.Helper()
	p.cli("push", "renew", "start").ok()
	out := p.fresh("request.txt")
	p.cli("push", "renew", "csr", "--out", out, "--vendor-cert", p.path("vendor.pem"), "--vendor-key", p.path("vendor.key")).ok()
	return p.read(out)
}

// first gives the tenant its first certificate and returns its topic.
func (p *pusher) first() string {
	p.t.Helper()
	row, err := p.account.Create(p.request())
	require.NoError(p.t, err)
	p.cli("push", "renew", "upload", p.write("first.pem", row.PEM)).ok()
	return row.Topic
}

// inUse is the certificate of the tenant, as it stands in the open.
func (p *pusher) inUse() any {
	p.t.Helper()
	return p.cli("push", "show").object()["certificate"]
}

func TestAPushCertificateIsRenewedAndKeepsItsTopic(t *testing.T) {
	p := newPusher(t, "acme")
	topic := p.first()
	checked := p.cli("push", "check").ok().object()
	assert.Equal(t, "active", checked["health"])
	assert.Equal(t, checked["id"], checked["push"], "the subject of the command")

	p.pass(345 * 24 * time.Hour)
	assert.Equal(t, "expiring", p.cli("push", "show").ok().get("health"))
	row, err := p.account.Renew(topic, p.request())
	require.NoError(t, err)
	uploaded := p.cli("push", "renew", "upload", p.write("next.pem", row.PEM)).ok()
	assert.Equal(t, "completed", uploaded.get("state"))
	after := p.cli("push", "check").ok().object()
	assert.Equal(t, "active", after["health"])
	certificate := after["certificate"].(map[string]any)
	assert.Equal(t, topic, certificate["topic"])
	assert.NotContains(t, after, "previous", "Apple has accepted the new one")
	assert.NotEmpty(t, after["report"].(map[string]any)["findings"], "every single check")
}

// Create at the portal in place of Renew: every device would go deaf.
func TestAnotherTopicIsRefused(t *testing.T) {
	p := newPusher(t, "acme")
	p.first()
	p.pass(time.Hour)
	row, err := p.account.Create(p.request())
	require.NoError(t, err)
	before := p.inUse()
	refused := p.cli("push", "renew", "upload", p.write("other.pem", row.PEM)).fails(6)
	assert.Equal(t, "push_other_topic", refused.code())
	assert.Contains(t, refused.err, "choose Renew")
	p.cli("push", "import", "--cert", p.write("other2.pem", row.PEM)).fails(6)
	assert.Equal(t, before, p.inUse())
}

func TestAPushCertificateThatAppleRefuses(t *testing.T) {
	p := newPusher(t, "acme")
	p.first()
	p.apple.Push().Revoke(p.account.Certificates()[0])
	refused := p.cli("push", "check").fails(9)
	assert.Equal(t, "push_dead", refused.code())
	assert.Equal(t, "rejected", refused.get("health"))
}

func TestApplesPushServiceIsOutOfReach(t *testing.T) {
	p := newPusher(t, "acme")
	p.first()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	p.url = "https://" + listener.Addr().String() // nobody is there
	p.pass(time.Hour)
	silent := p.cli("push", "check").fails(10)
	assert.Equal(t, "active", silent.get("health"), "one failed answer says nothing about the certificate")
}

// What Apple accepts may fail a check all the same; whoever only looks is told, too.
func TestAFailedCheckShows(t *testing.T) {
	key, err := apns.GenerateKey()
	require.NoError(t, err)
	p := newPusher(t, "acme")
	p.cli("push", "import", "--cert", p.write("own.pem", selfIssued(t, key, p.now())), "--key", p.write("own.key", key.RevealPEM())).ok()
	plain := func(args ...string) string {
		return p.world.cli(append([]string{"--tenant", "acme"}, args...)...).ok().out
	}
	assert.NotContains(t, plain("push", "show"), "problem")
	p.cli("policy", "set", "--require-apple-issuer=on").ok()
	assert.Contains(t, plain("push", "show"), "problem")
	assert.Contains(t, p.cli("policy", "set", "--require-apple-issuer=yes").fails(2).err, `one of "on","off" but got "yes"`)
	p.pass(400 * 24 * time.Hour)
	assert.Contains(t, plain("push", "show"), "(35 days ago)")
	assert.Contains(t, plain("audit", "verify"), "as they were written")
}

// A rule that came later, or a clock: what Apple still accepts may fail a check.
func TestAFailedCheckIsATrouble(t *testing.T) {
	view := runner.PushView{Report: &apns.Report{Findings: []apns.Finding{
		{Check: apns.CheckTopic, Verdict: apns.Pass}, {Check: apns.CheckChain, Verdict: apns.Warn, Detail: "odd"},
	}}}
	assert.Nil(t, pushTrouble(view), "a warning is none")
	view.Report.Findings = append(view.Report.Findings, apns.Finding{
		Check: apns.CheckIssuer, Verdict: apns.Fail, Detail: "it is not Apple's", Next: "Use another",
	})
	assert.Contains(t, pushTrouble(view).Title, "it is not Apple's")
	view.Silence = enrollment.NewProblem(enrollment.CodeUnreachable)
	assert.Equal(t, enrollment.CodeUnreachable, pushTrouble(view).Code, "that Apple did not answer comes first")
}

func (p *pusher) list(args ...string) (rows []map[string]any) {
	p.t.Helper()
	p.cli(args...).ok().decode(&rows)
	return rows
}

// An RMM has one certificate for its whole account; a tenant with its own uses that.
func TestTheAccountsPushCertificateServesTheOthers(t *testing.T) {
	p := newPusher(t, "account")
	topic := p.first()
	acme := p.of("acme")
	assert.Equal(t, true, acme.cli("push", "show").ok().object()["of_account"])
	acme.account = p.apple.Push().Account("it@acme.example")
	own := acme.first()
	shown := acme.cli("push", "show").ok().object()
	assert.NotContains(t, shown, "of_account")
	assert.NotEqual(t, topic, own)
	assert.Len(t, p.list("push", "list", "--all"), 2)
}

// Before a server token is renewed, the more urgent trouble is told.
func TestAnExpiredPushCertificateHoldsARenewalUp(t *testing.T) {
	p := newPusher(t, "acme")
	p.first()
	customer := p.newCustomer("acme", "Acme").withToken()
	p.pass(366 * 24 * time.Hour)
	server := p.cli("server", "show", customer.server).ok().object()
	require.Equal(t, "expired", server["health"], "both end after a year here")
	p.cli("renew", "start", customer.server).ok() // a dead token is renewed whatever else has died

	fresh := p.cli("server", "add", "Fresh").fails(8).get("server")
	p.cli("renew", "start", fresh).fails(8)
	p.cli("renew", "start", fresh, "--despite-push", " ").fails(2)
	assert.Equal(t, "awaiting_upload", p.cli("renew", "start", fresh, "--despite-push", "no device is enrolled yet").ok().get("state"))
}

func TestAWrongPushAddressIsNone(t *testing.T) {
	p := newPusher(t, "acme")
	for _, p.url = range []string{"http://127.0.0.1", "https://127.0.0.1/path", "127.0.0.1:2197", "https://[::1", "https://127.0.0.1:x"} {
		p.cli("push", "check").fails(2)
	}
}

// With --json every command writes one object or array, each object with an id; and no answer or file shows the private key.
func TestPushAnswersAreJSONAndShowNoKey(t *testing.T) {
	p := newPusher(t, "acme")
	key, err := apns.GenerateKey()
	require.NoError(t, err)
	lines := strings.Split(string(key.RevealPEM()), "\n")
	secret := lines[len(lines)/2]
	keyFile := p.write("push.key", key.RevealPEM())
	cert := p.write("push.pem", p.apple.Push().Issue(key.Public(), "com.apple.mgmt.External.canary", p.now().AddDate(0, 0, -1), p.now().AddDate(1, 0, 0)).Raw)
	for _, args := range [][]string{
		{"push", "show"}, {"push", "renew", "show"}, {"push", "import", "--cert", keyFile}, {"push", "import", "--cert", cert, "--key", keyFile},
		{"push", "show"}, {"push", "list"}, {"push", "list", "--all"}, {"push", "check"}, {"push", "renew", "start"},
		{"push", "renew", "csr", "--out", p.path("request.pem")}, {"push", "renew", "upload", cert}, {"push", "renew", "upload", keyFile},
		{"push", "renew", "show"}, {"push", "renew", "recheck"}, {"push", "renew", "cancel"}, {"keys", "rotate"}, {"push", "check"}, {"push", "retire"},
	} {
		got := p.cli(args...)
		objects := got.objects()
		for _, o := range objects {
			assert.NotEmpty(t, o["id"], "%v: %s", args, got.out)
		}
		if got.status != 0 {
			assert.NotNil(t, objects[0]["problem"], "%v", args)
		}
		plain := p.world.cli(append([]string{"--tenant", "acme", "--apns-url", p.url, "--ca", p.path("apple.pem")}, args...)...)
		assert.NotEmpty(t, plain.out+plain.err, "%v", args)
	}
	assert.NotContains(t, p.all.String(), secret, "the private key was printed")
	for _, name := range []string{"store.db", "request.pem"} {
		assert.NotContains(t, string(p.read(p.path(name))), secret, "the private key stands in %s", name)
	}
}

func TestAPushRequestOverwritesNothing(t *testing.T) {
	p := newPusher(t, "acme")
	assert.Contains(t, p.cli("push", "renew", "csr", "--out", p.path("early.txt")).fails(1).err, "push renew start")
	p.cli("push", "renew", "start").ok()
	out := p.path("request.pem")
	p.cli("push", "renew", "csr", "--out", out).ok()
	assert.Contains(t, string(p.read(out)), "BEGIN CERTIFICATE REQUEST")
	p.cli("push", "renew", "csr", "--out", out).fails(8)
	half := p.cli("push", "renew", "csr", "--out", p.path("x"), "--vendor-cert", p.path("vendor.pem")).fails(2)
	assert.Contains(t, half.err, "--vendor-key")
	p.cli("push", "renew", "csr", "--out", p.path("x"), "--vendor-cert", p.path("vendor.key"), "--vendor-key", p.path("vendor.key")).fails(2)
	wrong := p.cli("push", "renew", "csr", "--out", p.path("x"), "--vendor-cert", p.path("vendor.pem"), "--vendor-key", p.path("vendor.pem")).fails(2)
	assert.Contains(t, wrong.err, "this one is of no use: ")
	p.cli("push", "renew", "cancel").ok()
	assert.Equal(t, "cancelled", p.cli("push", "renew", "show").ok().get("state"))
	p.cli("push", "renew", "recheck").fails(8)
	_, err := os.Stat(p.path("x"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}
