package runner_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// What users of other systems suffer from with push certificates.

// listeners is how many devices listen to each topic.
type listeners map[string]int

func (l listeners) Listening(_ context.Context, topic string) (int, error) { return l[topic], nil }

// audienceLost cannot count.
type audienceLost struct{}

func (audienceLost) Listening(context.Context, string) (int, error) { return 0, errFault }

// Renewing loses no device: each that listened to the topic hears the new certificate as it heard the old one.
func TestPain11_RenewingAPushCertificateLosesNoDevice(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	first := acme.firstPush()
	pushes := newPusher(t, h)
	device := h.apple.Push().AddDevice(first.Topic)
	for year := range 3 {
		h.clock.Pass(350 * 24 * time.Hour)
		id, file := acme.request()
		renewed, err := acme.portal().Renew(first.Topic, file)
		require.NoError(t, err)
		_, err = acme.upload(id, renewed.PEM)
		require.NoError(t, err)
		assert.Equal(t, first.Topic, acme.push().Certificate.Topic)
		assert.Equal(t, apnshttp.Accepted, pushes.wake("acme", device), "after renewal %d", year+1)
	}
}

// One list over all tenants shows what expires, and each customer is told once for each level, not every day.
func TestPain22_OneListOfPushCertificatesOverAllTenants(t *testing.T) {
	h := newPushHost(t, content)
	for i, days := range []int{5, 40, 300} {
		h.customer(fmt.Sprintf("t%d", i)).importPush(ourTopic, i, days)
	}
	h.pass(36 * 24 * time.Hour)
	page, err := h.Pushes(ctx(t), runner.PushQuery{})
	require.NoError(t, err)
	var shown []string
	for _, p := range page.Pushes {
		shown = append(shown, fmt.Sprintf("%s %s %d", p.Tenant, p.Health, p.DaysLeft))
		assert.Nil(t, p.Report, "a list opens no certificate")
	}
	assert.Equal(t, []string{"t0 expired -31", "t1 expiring 4", "t2 active 264"}, shown)
	only, err := h.Pushes(ctx(t), runner.PushQuery{Health: enrollment.Expiring})
	require.NoError(t, err)
	require.Len(t, only.Pushes, 1)
	stats, err := h.PushStats(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, map[enrollment.Health]int{enrollment.Expired: 1, enrollment.Expiring: 1, enrollment.Active: 1}, stats)
	servers, err := h.Stats(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, servers, "servers are counted apart")

	levels := map[enrollment.TenantID][]int{}
	for _, n := range h.inbox.all() {
		if n.Kind == enrollment.NoticeExpiry {
			assert.NotEmpty(t, n.Push)
			assert.Empty(t, n.Server)
			levels[n.Tenant] = append(levels[n.Tenant], n.Days)
		}
	}
	assert.Equal(t, map[enrollment.TenantID][]int{"t0": {7, 3, 1, 0, -7, -14, -21, -28}, "t1": {60, 30, 14, 7}}, levels)
}

// Every act on a push certificate is written down, with who did it and from where.
func TestPain23_ActsOnPushCertificatesAreAudited(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	view := acme.importPush(ourTopic, 0, 20)
	_, err := acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: []byte("<html>")})
	requireProblem(t, enrollment.CodePushUnfit, err)
	_, err = acme.CheckPush(ctx(t), tech)
	require.NoError(t, err)
	_, err = acme.QuietPush(ctx(t), tech, h.clock.Now().AddDate(0, 1, 0))
	require.NoError(t, err)
	id, _ := acme.request()
	_, err = acme.upload(id, h.certificateFor(t, acme, id, ourTopic))
	require.NoError(t, err)
	_, err = acme.RetirePush(ctx(t), tech)
	require.NoError(t, err)
	entries, err := acme.Audit(ctx(t), string(view.ID), 0, 100)
	require.NoError(t, err)
	var acts []enrollment.Act
	for _, e := range entries {
		acts = append(acts, e.Act)
		if e.By.ID == tech.ID {
			assert.Equal(t, tech.Source, e.By.Source)
		}
	}
	assert.Equal(t, []enrollment.Act{
		enrollment.ActPushAdded, enrollment.ActPushImported, enrollment.ActFileRefused, enrollment.ActCheckRequested,
		enrollment.ActPushProven, enrollment.ActQuieted, enrollment.ActRenewalStarted, enrollment.ActKeyMade,
		enrollment.ActRequestTaken, enrollment.ActRequestTaken, enrollment.ActFileAccepted, enrollment.ActPushActivated,
		enrollment.ActPushRetired,
	}, acts)
	run, err := acme.Audit(ctx(t), string(id), 0, 3)
	require.NoError(t, err)
	assert.Len(t, run, 3, "a renewal's entries are found by its ID")
	all, err := h.ExportAudit(ctx(t), 0, storage.MaxPage)
	require.NoError(t, err)
	assert.Len(t, all, len(acts)+1, "and the tenant's own")
}

// A certificate of another topic is refused, with both topics and how many devices would go deaf, whether it is imported or
// uploaded; and the health of what is in use does not change by it.
func TestPain24_AnotherTopicIsRefusedWithTheNumberOfDevices(t *testing.T) {
	for _, c := range []struct {
		audience apns.Audience
		deaf     string
	}{{listeners{ourTopic: 1312}, "1312"}, {nil, "all"}, {audienceLost{}, "all"}} {
		h := newPushHost(t, func(_ *host, config *runner.Config) { config.Audience = c.audience })
		acme := h.customer("acme")
		acme.importPush(ourTopic, 0, 20)
		id, _ := acme.request()
		before := acme.push()
		for name, try := range map[string]func() error{
			"import": func() error {
				_, err := acme.ImportPush(ctx(t), tech, runner.PushImport{
					Certificate: h.certificate(otherTopic, pushKey(1), -1, 364), Key: pushKey(1).RevealPEM(),
				})
				return err
			},
			"upload": func() error { _, err := acme.upload(id, h.certificateFor(t, acme, id, otherTopic)); return err },
		} {
			p := requireProblem(t, enrollment.CodePushOtherTopic, try())
			assert.Equal(t, map[string]string{"new": otherTopic, "old": ourTopic, "devices": c.deaf}, p.Args, name)
			assert.Contains(t, p.Next, "Renew on its row, not Create")
		}
		assert.Equal(t, before.Certificate, acme.push().Certificate)
	}
}

// A refusal lists every check: what was right with the file, too.
func TestPain26_ARefusalListsEveryCheck(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	view, err := acme.ImportPush(ctx(t), tech, runner.PushImport{
		Certificate: h.certificate("com.acme.app", pushKey(0), 2, 300), Key: pushKey(0).RevealPEM(),
	})
	p := requireProblem(t, enrollment.CodePushUnfit, err)
	assert.Contains(t, p.Title, "an app's")
	assert.Contains(t, p.Title, "not valid before", "each failure is named")
	verdicts := map[string]apns.Verdict{}
	for _, f := range view.Report.Findings {
		verdicts[f.Check] = f.Verdict
		assert.Equal(t, f.Verdict == apns.Pass, f.Next == "", f.Check)
	}
	assert.Equal(t, map[string]apns.Verdict{
		apns.CheckPurpose: apns.Pass, apns.CheckTopic: apns.Fail, apns.CheckValidity: apns.Fail, apns.CheckIssuer: apns.Pass,
		apns.CheckProduction: apns.Pass, apns.CheckKey: apns.Pass,
	}, verdicts)
	acme.importPush(ourTopic, 0, 20)
	checked, err := acme.CheckPush(ctx(t), tech)
	require.NoError(t, err)
	last := checked.Report.Findings[len(checked.Report.Findings)-1]
	assert.Equal(t, apns.CheckApple, last.Check)
	assert.Equal(t, apns.Pass, last.Verdict)
}

// After the expiry people are told what is known, and no number of days that Apple never gave; and a renewal that keeps the
// topic is taken for as long as the portal gives one.
func TestPain27_AfterTheExpiryNothingIsGuessed(t *testing.T) {
	h := newPushHost(t, content)
	acme := h.customer("acme")
	first := acme.firstPush()
	h.pass(365*24*time.Hour + 45*24*time.Hour)
	view := acme.push()
	assert.Equal(t, enrollment.Expired, view.Health)
	require.Equal(t, enrollment.CodePushOver, view.Problem.Code)
	assert.Contains(t, view.Problem.Next, "Apple does not say")
	id, file := acme.request()
	renewed, err := acme.portal().Renew(first.Topic, file)
	require.NoError(t, err)
	_, err = acme.upload(id, renewed.PEM)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, acme.push().Health)
	h.pass(time.Minute)
	last := h.inbox.all()[len(h.inbox.all())-1]
	assert.True(t, last.Cleared, "the ticket closes itself")
}

// The mix-up of certificates: another topic, an expired one, another issuer, another key. None takes the place of the one in
// use, by whatever way it comes, and what devices hear stays what it was.
func TestThreat23_AMixedUpPushCertificateTakesNoPlace(t *testing.T) {
	h := newPushHost(t)
	strict := true
	_, err := h.SetPolicy(ctx(t), tech, enrollment.PolicyChange{RequireAppleIssuer: &strict})
	require.NoError(t, err)
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 20)
	id, _ := acme.request()
	used, err := h.PushSource().Certificate(ctx(t), "acme")
	require.NoError(t, err)
	withKey := func(file []byte, key int) []byte { return append(file, pushKey(key).RevealPEM()...) }
	for name, c := range map[string]struct {
		file []byte
		code enrollment.Code
	}{
		"another topic":  {withKey(h.certificate(otherTopic, pushKey(1), 0, 365), 1), enrollment.CodePushOtherTopic},
		"an app's topic": {withKey(h.certificate("com.acme.app", pushKey(1), 0, 365), 1), enrollment.CodePushUnfit},
		"expired":        {withKey(h.certificate(ourTopic, pushKey(1), -366, -1), 1), enrollment.CodePushFileExpired},
		"older":          {withKey(h.certificate(ourTopic, pushKey(1), -346, 19), 1), enrollment.CodePushOlder},
		"another issuer": {withKey(foreign(t, pushKey(1), ourTopic, x509.ExtKeyUsageClientAuth), 1), enrollment.CodePushUnfit},
		"another's key":  {withKey(h.certificate(ourTopic, pushKey(1), 0, 365), 2), enrollment.CodePushNoKeyFits},
		"nobody's key":   {h.certificate(ourTopic, pushKey(1), 0, 365), enrollment.CodePushNoKeyFits},
		"no certificate": {pushKey(1).RevealPEM(), enrollment.CodePushUnfit},
		"a request":      {[]byte("-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n"), enrollment.CodePushUnfit},
	} {
		_, err := acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: c.file})
		requireProblem(t, c.code, err)
		_, err = acme.upload(id, c.file)
		requireProblem(t, c.code, err)
		still, err := h.PushSource().Certificate(ctx(t), "acme")
		require.NoError(t, err)
		assert.Equal(t, used.Fingerprint(), still.Fingerprint(), name)
		h.clock.Pass(time.Minute)
	}
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// A year and a month of one push certificate that nobody renews: Apple is asked every day, and each reminder comes once.
func TestAYearOfOnePushCertificate(t *testing.T) {
	h := newPushHost(t, content)
	asked := &tally{}
	h.config.PushProber = countedProber{h.config.PushProber, asked}
	h.reconfigure()
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 365)
	const days = 365 + 22
	h.pass(days * 24 * time.Hour)
	var levels []int
	for _, n := range h.inbox.all() {
		if n.Kind != enrollment.NoticeExpiry {
			continue
		}
		levels = append(levels, n.Days)
		reached := n.ExpiresAt.Add(-time.Duration(n.Days) * 24 * time.Hour)
		assert.WithinRange(t, n.At, reached, reached.Add(time.Hour), "the reminder of %d days", n.Days)
		assert.Equal(t, n.Days <= 0, n.Problem != nil, "after the end it says what to do")
	}
	assert.Equal(t, everyLevel, levels)
	assert.InDelta(t, days, asked.times["probe"], days/8, "about once a day")
	view := acme.push()
	assert.Equal(t, enrollment.Expired, view.Health)
	assert.True(t, view.Certificate.Proven())
}

// Where nobody can ask Apple, a certificate is never called unreachable for it, and is reminded of all the same.
func TestNobodyAsksApple(t *testing.T) {
	h := newPushHost(t, func(_ *host, c *runner.Config) { c.PushProber = nil })
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 65)
	h.pass(20 * 24 * time.Hour)
	view, err := acme.CheckPush(ctx(t), tech)
	require.NoError(t, err)
	assert.Equal(t, enrollment.NeverChecked, view.Health)
	assert.Equal(t, apns.Pass, view.Report.Verdict())
	h.pass(30 * 24 * time.Hour)
	assert.Equal(t, enrollment.Expiring, acme.push().Health)
	assert.Zero(t, acme.push().Failures)
}

// countedProber counts how often Apple is asked.
type countedProber struct {
	apns.Prober
	*tally
}

func (p countedProber) Probe(ctx context.Context, c apns.Certificate) (apns.Answer, error) {
	p.note("probe")
	return p.Prober.Probe(ctx, c)
}
