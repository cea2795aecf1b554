package runner_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// pusher is a host's own code that wakes devices: it takes the certificate from the source and reports back.
type pusher struct {
	t      *testing.T
	source *runner.PushSource
	client *apnshttp.Client
}

func newPusher(t *testing.T, h *host) pusher {
	client, err := apnshttp.New(apnshttp.Options{Dial: h.apple.Push().Dial, RootCAs: h.apple.Push().Roots(), Now: h.clock.Now})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return pusher{t, h.PushSource(), client}
}

func (p pusher) wake(tenant string, d appletest.PushDevice) apnshttp.Outcome {
	p.t.Helper()
	cert, err := p.source.Certificate(ctx(p.t), tenant)
	require.NoError(p.t, err)
	result, err := p.client.Push(ctx(p.t), cert, apnshttp.Device{Token: d.Token, Magic: d.Magic})
	require.NoError(p.t, err)
	require.NoError(p.t, p.source.Answered(ctx(p.t), tenant, cert, result.Answer()))
	return result.Outcome
}

// A renewed certificate is used from the next push on, on a connection of its own, without a restart of anything.
func TestPain25_ARenewedPushCertificateIsUsedWithoutARestart(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	first := acme.firstPush()
	pushes := newPusher(t, h)
	device := h.apple.Push().AddDevice(first.Topic)
	require.Equal(t, apnshttp.Accepted, pushes.wake("acme", device))

	h.clock.Pass(360 * 24 * time.Hour)
	id, file := acme.request()
	renewed, err := acme.portal().Renew(first.Topic, file)
	require.NoError(t, err)
	_, err = acme.upload(id, renewed.PEM)
	require.NoError(t, err)
	h.clock.Pass(10 * 24 * time.Hour) // the first one has expired by now
	assert.Equal(t, apnshttp.Accepted, pushes.wake("acme", device))
	assert.Equal(t, enrollment.Active, acme.push().Health)
}

// What the host hears from Apple counts at once, and is checked by a probe of our own; an older certificate's answer, and
// one that is not definite, say nothing.
func TestAnsweredByTheHost(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	made := acme.firstPush()
	pushes := newPusher(t, h)
	device := h.apple.Push().AddDevice(made.Topic)
	h.clock.Pass(2 * time.Hour)

	h.apple.Push().Fail(appletest.PushFault{Status: 503, Reason: "Shutdown"})
	assert.Equal(t, apnshttp.Transient, pushes.wake("acme", device))
	assert.Equal(t, enrollment.Active, acme.push().Health)

	stale, err := apns.Read(h.certificate(ourTopic, pushKey(9), -1, 1), "")
	require.NoError(t, err)
	refusal := apns.Answer{Finding: apns.Finding{Check: apns.CheckApple, Verdict: apns.Fail}, Reason: "BadCertificate"}
	require.NoError(t, h.PushSource().Answered(ctx(t), "acme", stale, refusal))
	assert.Equal(t, enrollment.Active, acme.push().Health)

	h.apple.Push().Revoke(made)
	assert.Equal(t, apnshttp.Certificate, pushes.wake("acme", device))
	view := acme.push()
	assert.Equal(t, enrollment.Rejected, view.Health)
	assert.Equal(t, enrollment.CodePushDead, view.Problem.Code)
	assert.Contains(t, view.Problem.Title, "BadCertificate")
	assert.Contains(t, view.Causes, enrollment.CauseRevoked)
	assert.Equal(t, apns.Fail, view.Report.Verdict(), "what Apple said is one of the checks")
	h.pass(time.Minute)
	last := h.inbox.all()[len(h.inbox.all())-1]
	assert.Equal(t, enrollment.NoticeRejected, last.Kind)
	assert.Equal(t, view.ID, last.Push)
	assert.Equal(t, enrollment.Rejected, acme.push().Health, "our own probe heard the same")
}

// An acceptance of what is known to be accepted is not written each time: hosts push often.
func TestPushesCostNoWrites(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	made := acme.firstPush()
	pushes := newPusher(t, h)
	device := h.apple.Push().AddDevice(made.Topic)
	require.Equal(t, apnshttp.Accepted, pushes.wake("acme", device))
	before := dumpOf(t, h.store)
	for range 3 {
		require.Equal(t, apnshttp.Accepted, pushes.wake("acme", device))
	}
	assert.Equal(t, before, dumpOf(t, h.store))
}

// A tenant's source speaks of that tenant alone; who has no certificate is told so in the words of package apns.
func TestPushSourceOfOneTenant(t *testing.T) {
	h := newPushHost(t)
	acme, beta := h.customer("acme"), h.customer("beta")
	acme.importPush(ourTopic, 0, 100)
	beta.importPush(otherTopic, 1, 100)
	cert, err := acme.PushSource().Certificate(ctx(t), "acme")
	require.NoError(t, err)
	assert.Equal(t, ourTopic, cert.Topic())
	for tenant, source := range map[string]apns.Source{"beta": acme.PushSource(), "gamma": h.PushSource(), "acme": h.Tenant("gamma").PushSource()} {
		_, err = source.Certificate(ctx(t), tenant)
		require.ErrorIs(t, err, apns.ErrNoCertificate, tenant)
		requireProblem(t, enrollment.CodeNotFound, err)
	}
	accepted := apns.Answer{Finding: apns.Finding{Verdict: apns.Pass}}
	require.ErrorIs(t, acme.PushSource().Answered(ctx(t), "beta", cert, accepted), apns.ErrNoCertificate)
	_, err = acme.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
	_, err = h.PushSource().Certificate(ctx(t), "acme")
	require.NoError(t, err, "a renewal takes nothing away")
}

// The account's certificate serves every tenant that has none of its own, and is cared for in its own scope.
func TestTheAccountsPushCertificateIsTheDefault(t *testing.T) {
	h := newPushHost(t, func(_ *host, c *runner.Config) { c.PushAccount = "rmm" })
	account, acme, beta := h.customer("rmm"), h.customer("acme"), h.customer("beta")
	_, err := acme.Push(ctx(t))
	requireProblem(t, enrollment.CodeNotFound, err)
	account.importPush(ourTopic, 0, 100)
	beta.importPush(otherTopic, 1, 100)
	shared, own := acme.push(), beta.push()
	assert.True(t, shared.OfAccount)
	assert.EqualValues(t, "rmm", shared.Tenant)
	assert.Empty(t, shared.Allowed, "it is no button of this tenant's")
	assert.False(t, own.OfAccount)
	assert.False(t, account.push().OfAccount)
	topicOf := func(tenant string) string {
		cert, err := h.PushSource().Certificate(ctx(t), tenant)
		require.NoError(t, err)
		return cert.Topic()
	}
	assert.Equal(t, ourTopic, topicOf("acme"))
	assert.Equal(t, otherTopic, topicOf("beta"))

	view, err := acme.CheckPush(ctx(t), tech)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, view.Health)
	assert.Equal(t, enrollment.Active, account.push().Health)
	for _, call := range []func() error{
		func() error { _, err := acme.RetirePush(ctx(t), tech); return err },
		func() error { _, err := acme.QuietPush(ctx(t), tech, h.clock.Now()); return err },
		func() error { _, err := acme.UploadPush(ctx(t), tech, "", reader(nil)); return err },
	} {
		requireProblem(t, enrollment.CodeNotFound, call())
	}
	cert, err := h.PushSource().Certificate(ctx(t), "acme")
	require.NoError(t, err)
	require.NoError(t, acme.PushSource().Answered(ctx(t), "acme", cert, apns.Answer{Finding: apns.Finding{Verdict: apns.Fail}}))
	assert.Equal(t, enrollment.Rejected, account.push().Health, "what a tenant's pushes hear is heard of the account's")

	_, err = beta.RetirePush(ctx(t), tech)
	require.NoError(t, err)
	assert.Equal(t, ourTopic, topicOf("beta"))

	run, err := acme.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
	shared = acme.push()
	assert.True(t, shared.OfAccount, "while its own first one is under way")
	require.NotNil(t, shared.LiveRun)
	assert.Equal(t, run.ID, shared.LiveRun.ID)
	assert.NotEmpty(t, shared.Allowed, "the buttons are those of its own")
	_, err = account.RetirePush(ctx(t), tech)
	require.NoError(t, err)
	assert.False(t, acme.push().OfAccount, "nothing serves it now but what it has begun")
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

func TestPushAccountMustBeATenantsID(t *testing.T) {
	h := newHost(t)
	h.config.PushAccount = "a/b"
	_, err := runner.New(h.config)
	require.ErrorContains(t, err, "PushAccount")
}

// Before a server token is renewed the stored push certificate is looked at, without anything for a host to plug in: one that
// has expired holds the renewal up and says why, whether it is the tenant's own or the account's.
func TestAStoredPushCertificateThatExpiredHoldsUp(t *testing.T) {
	for owner, tenant := range map[string]string{"acme": "its own", "rmm": "the account's"} {
		t.Run(tenant, func(t *testing.T) {
			h := newPushHost(t, func(_ *host, c *runner.Config) { c.PushAccount = "rmm" })
			h.MakeKeysWith((&keymaker{}).Pair)
			s := h.customer("acme").addServer("Acme MDM")
			h.customer(owner).importPush(ourTopic, 0, 20)
			h.clock.Pass(21 * 24 * time.Hour)
			run, err := s.c.StartRenewal(ctx(t), tech, s.id)
			p := requireProblem(t, enrollment.CodePushExpired, err)
			assert.Contains(t, p.Title, "2026-12-14")
			h.customer(owner).importPush(ourTopic, 1, 300)
			run, err = s.c.Recheck(ctx(t), tech, run.ID)
			require.NoError(t, err)
			assert.Nil(t, run.Problem)
		})
	}
}

// What Apple says of it is a warning there, and that it could not be asked is none.
func TestAStoredPushCertificateIsShownToApple(t *testing.T) {
	h := newPushHost(t)
	h.MakeKeysWith((&keymaker{}).Pair)
	s := h.customer("acme").addServer("Acme MDM")
	view := s.c.importPush(ourTopic, 0, 100)
	h.apple.Push().Revoke(appletest.PushCertificate{Serial: view.Certificate.Serial})
	run, err := s.c.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	require.Len(t, run.Warnings, 1)
	assert.Equal(t, enrollment.CodePushBad, run.Warnings[0].Code)
	assert.Contains(t, run.Warnings[0].Title, "refuses it")

	h.config.PushProber = silentProber{}
	h.reconfigure()
	_, err = h.Tenant("acme").Cancel(ctx(t), tech, run.ID)
	require.NoError(t, err)
	run, err = h.Tenant("acme").StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.Empty(t, run.Warnings)
}

// silentProber is one that gets no answer.
type silentProber struct{}

func (silentProber) Probe(context.Context, apns.Certificate) (apns.Answer, error) {
	return apns.Answer{}, errors.New("apnshttp: no route")
}
