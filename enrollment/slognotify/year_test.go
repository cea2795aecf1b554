package slognotify_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/enrollment/slognotify"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

var tess = enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person}

// provider is a host with several customers, whose only way to hear of anything is its log.
type provider struct {
	*runner.Runner
	now   time.Time
	apple *appletest.Apple
	log   bytes.Buffer
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{now: time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return p.now } // only one goroutine moves it, between calls
	p.apple = appletest.New(appletest.Options{Now: clock})
	store := memory.New(clock)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{Now: clock})
	require.NoError(t, err)
	verifier, err := dep.NewVerifier(dep.Options{Transport: p.apple.Transport(), Now: clock})
	require.NoError(t, err)
	p.Runner, err = runner.New(runner.Config{
		Store: store, Sealer: sealer, Verifier: verifier, Workers: 1,
		Notifier: slognotify.New(slog.New(slog.NewJSONHandler(&p.log, nil))),
	})
	require.NoError(t, err)
	return p
}

// enroll gives a customer a server with a token, and returns the organization at Apple and the uploaded file's secrets.
func (p *provider) enroll(t *testing.T, tenant enrollment.TenantID) (*appletest.Organization, []string) {
	t.Helper()
	ctx, customer := t.Context(), p.Tenant(tenant)
	server, err := customer.AddServer(ctx, tess, runner.NewServer{Name: "MDM", ID: enrollment.ServerID("srv-" + string(tenant))})
	require.NoError(t, err)
	r, err := customer.StartRenewal(ctx, tess, server.ID)
	require.NoError(t, err)
	certificate, err := customer.Certificate(ctx, tess, r.ID)
	require.NoError(t, err)
	org := p.apple.AddOrganization(string(tenant))
	admin := org.AddAdmin("it@" + string(tenant) + ".example")
	service, err := admin.CreateService("MDM", certificate.PEM)
	require.NoError(t, err)
	file, _, err := admin.DownloadToken(service)
	require.NoError(t, err)
	_, err = customer.UploadToken(ctx, tess, runner.Upload{Server: server.ID, Confirm: true, File: bytes.NewReader(file)})
	require.NoError(t, err)
	token, err := customer.Tokens(server.ID).Token(ctx)
	require.NoError(t, err)
	return org, []string{
		token.ConsumerSecret().Reveal(), token.AccessToken().Reveal(), token.AccessSecret().Reveal(),
	}
}

func (p *provider) pass(t *testing.T, days int) {
	t.Helper()
	for range days {
		p.now = p.now.AddDate(0, 0, 1)
		for more := true; more; {
			ran, err := p.RunDue(t.Context(), runner.Due{})
			require.NoError(t, err)
			require.Zero(t, ran.Failed)
			more = ran.More
		}
	}
}

// lines returns what the log says of one customer since the last call.
func (p *provider) lines(t *testing.T) map[string][]map[string]any {
	t.Helper()
	out := map[string][]map[string]any{}
	for line := range strings.Lines(p.log.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		tenant, _ := fields["tenant"].(string)
		out[tenant] = append(out[tenant], fields)
	}
	p.log.Reset()
	return out
}

// A year with two customers: reminders reach the log, without anybody looking at a screen; each level once, although
// everything runs every day; and a trouble's end is said on the same thread.
func TestPain21_RemindersReachALogOnceEach(t *testing.T) {
	p := newProvider(t)
	org, _ := p.enroll(t, "acme")
	p.pass(t, 40)
	p.enroll(t, "initech")
	org.RequireTerms()
	p.pass(t, 2)
	require.NoError(t, org.AcceptTerms(org.AddAdmin("boss@acme.example")))
	p.pass(t, 2)
	troubles := p.lines(t)
	require.NotContains(t, troubles, "initech", "one customer's trouble is nobody else's")
	require.Len(t, troubles["acme"], 2)
	require.Equal(t, []any{"terms", false}, []any{troubles["acme"][0]["kind"], troubles["acme"][0]["cleared"]})
	require.Equal(t, []any{"terms", true}, []any{troubles["acme"][1]["kind"], troubles["acme"][1]["cleared"]})
	require.Equal(t, troubles["acme"][0]["thread"], troubles["acme"][1]["thread"])

	p.pass(t, 365-44)
	var reminded []float64
	var expiries []any
	for _, line := range p.lines(t)["acme"] {
		if line["kind"] == "expiry" {
			days, _ := line["days"].(float64)
			reminded, expiries = append(reminded, days), append(expiries, line["expires"])
		}
	}
	require.Equal(t, []float64{60, 30, 14, 7, 3, 1, 0}, reminded)
	require.Len(t, slices.Compact(expiries), 1, "the gauge's number is in each line")
}

// Whatever is written to a log of notices in a bad year, no credential is in it.
func TestThreat17_NoSecretInALogOfNotices(t *testing.T) {
	p := newProvider(t)
	org, secrets := p.enroll(t, "acme")
	org.RequireTerms()
	p.pass(t, 2)
	p.apple.Fail(appletest.Fault{Kind: appletest.Down, Times: 3})
	p.pass(t, 370)
	log := p.log.String()
	require.Contains(t, log, `"kind":"terms"`)
	require.Contains(t, log, "a server token has expired")
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		assert.NotContains(t, log, secret)
	}
	assert.NotContains(t, log, "PRIVATE KEY")
}
