package runner_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// publisher is a host's client of the API, whose calls a test may spoil.
type publisher struct {
	*axm.Organizations
	before func() error // instead of the call, if it is an error
	after  error        // what the caller hears of a call that was made
	calls  int
}

func (p *publisher) PublishCertificate(ctx context.Context, s enrollment.Service, pem []byte) error {
	return p.call(func() error { return p.Organizations.PublishCertificate(ctx, s, pem) })
}

func (p *publisher) CreateService(ctx context.Context, tenant enrollment.TenantID, name string, pem []byte) error {
	return p.call(func() error { return p.Organizations.CreateService(ctx, tenant, name, pem) })
}

func (p *publisher) call(do func() error) error {
	p.calls++
	if p.before != nil {
		if err := p.before(); err != nil {
			return err
		}
	}
	err := do()
	if p.after != nil {
		return p.after
	}
	return err
}

// newPublishingHost is a host with a client of the API for each tenant's account.
func newPublishingHost(t *testing.T) (*host, *publisher) {
	t.Helper()
	h := newHost(t)
	orgs, err := axm.OrganizationsFor(func(ctx context.Context, tenant enrollment.TenantID) (axm.Credentials, error) {
		key, err := h.Tenant(tenant).APIKey(ctx)
		if err != nil {
			return axm.Credentials{}, err
		}
		return axm.NewCredentials(key.ClientID, key.KeyID, []byte(key.PrivateKey.Reveal()))
	}, axm.Options{Transport: h.apple.Transport(), Now: h.clock.Now})
	require.NoError(t, err)
	p := &publisher{Organizations: orgs}
	h.config.Certificates = p
	h.restartWith(h.config)
	return h, p
}

// At the portal a person has one click left: the certificate is there already.
func TestPain45_TheCertificateIsSavedByTheAPI(t *testing.T) {
	h, p := newPublishingHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	h.clock.Pass(time.Hour)
	acme.apiAccount()
	run, err := acme.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.Contains(t, run.Allowed, renewal.EventCertificate)
	view, err := acme.PublishCertificate(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, enrollment.OK, view.Key.Publication.Outcome)
	assert.True(t, view.CertificateOut())
	assert.Contains(t, view.Allowed, renewal.EventPublish)
	cause, _ := s.apple.TokenState()
	assert.Equal(t, appletest.KeyReplaced, cause, "the old token is dead from now on")

	done, err := s.upload(s.file()) // one click, and the upload
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, done.State)
	entries, err := acme.Audit(ctx(t), string(run.ID), 0, 100)
	require.NoError(t, err)
	var said []enrollment.Act
	for _, e := range entries {
		if e.Act == enrollment.ActCertificateSent || e.Act == enrollment.ActCertificateTold {
			said = append(said, e.Act)
		}
	}
	assert.Equal(t, []enrollment.Act{enrollment.ActCertificateSent, enrollment.ActCertificateTold}, said)
	assert.Equal(t, 1, p.calls)
}

// A crash or a lost answer is told as what it is: Apple may have the certificate, and the token in use may be dead.
func TestAPublicationWithoutAnAnswerIsADoubt(t *testing.T) {
	h, p := newPublishingHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	acme.apiAccount()
	h.clock.Pass(time.Hour)
	run, err := acme.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)

	p.after = errors.New("connection reset")
	view, err := acme.PublishCertificate(ctx(t), tech, run.ID)
	requireProblem(t, enrollment.CodeUnreachable, err)
	assert.Contains(t, err.Error(), "It is not known whether Apple has the new certificate (connection reset)")
	assert.Contains(t, err.Error(), "download the token at once")
	assert.Equal(t, enrollment.Unknown, view.Key.Publication.Outcome)
	assert.True(t, view.Key.Publication.Doubtful())

	p.after = nil
	died := errors.New("the process died here")
	p.before = func() error { panic(died) }
	assert.PanicsWithValue(t, died, func() { _, _ = acme.PublishCertificate(ctx(t), tech, run.ID) })
	seen, err := acme.Renewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, 2, seen.Key.Publication.Attempt)
	assert.True(t, seen.Key.Publication.Doubtful(), "what was about to be sent is known after a crash")
	calls := p.calls
	h.clock.Pass(48 * time.Hour)
	_, err = h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, calls, p.calls, "nothing repeats it but a person")
}

// What Apple did not do is told, with what to do; nothing is sent where it must not be.
func TestPublicationsThatAreRefused(t *testing.T) {
	h, p := newPublishingHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	h.clock.Pass(time.Hour)
	run, err := acme.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	refused := func(code enrollment.Code, by enrollment.Actor, id enrollment.RenewalID, says string) {
		t.Helper()
		_, err := acme.PublishCertificate(ctx(t), by, id)
		requireProblem(t, code, err)
		assert.Contains(t, err.Error(), says)
	}
	refused(enrollment.CodeNotFound, tech, run.ID, "API account")
	_, account := acme.apiAccount()
	refused(enrollment.CodePersonNeeded, robot, run.ID, "person")
	refused(enrollment.CodeNotFound, tech, "rnw_none", "renewal")
	_, err = acme.CreateService(ctx(t), tech, run.ID)
	requireProblem(t, enrollment.CodeRefused, err)
	fresh, err := acme.AddServer(ctx(t), tech, runner.NewServer{Name: "Another"})
	require.NoError(t, err)
	unpinned, err := acme.StartRenewal(ctx(t), tech, fresh.ID)
	require.NoError(t, err)
	refused(enrollment.CodeRefused, tech, unpinned.ID, "no service is known")
	assert.Zero(t, p.calls)

	acme.admin.RevokeAPIAccount(string(bytes.TrimSpace([]byte(account.ClientID))))
	refused(enrollment.CodeAppleRefused, tech, run.ID, "whether it still exists")
	end := h.apple.Fail(appletest.Fault{Kind: appletest.Down})
	refused(enrollment.CodeUnreachable, tech, run.ID, "Nothing was changed at Apple")
	end()
	acme.apiAccount()
	s.apple.Delete()
	refused(enrollment.CodeAppleRefused, tech, run.ID, "no such service")
	seen, err := acme.Renewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Fatal, seen.Key.Publication.Outcome)

	calls := p.calls
	for range 7 {
		refused(enrollment.CodeAppleRefused, tech, run.ID, "no such service")
	}
	refused(enrollment.CodeRefused, tech, run.ID, "calls of the Apple Business API are spent")
	assert.Equal(t, calls+7, p.calls, "ten in an hour")
	require.NoError(t, acme.Close(ctx(t), tech))
	h.clock.Pass(2 * time.Hour)
	refused(enrollment.CodeRefused, tech, run.ID, "ended") // it was cancelled with its tenant
}

// While an uploaded token is being judged, nothing may end it.
func TestNoPublicationEndsAnUploadedToken(t *testing.T) {
	h, p := newPublishingHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	acme.apiAccount()
	h.clock.Pass(time.Hour)
	file := s.file()
	h.apple.Fail(appletest.Fault{Kind: appletest.Down})
	run, err := s.upload(file)
	requireProblem(t, enrollment.CodeUnreachable, err)
	_, err = acme.PublishCertificate(ctx(t), tech, run.ID)
	requireProblem(t, enrollment.CodeRefused, err)
	assert.Zero(t, p.calls)
}

// A new server's service is made with its certificate, so that its first token is one click, too.
func TestAServiceIsMadeByTheAPI(t *testing.T) {
	h, _ := newPublishingHost(t)
	acme := h.customer("acme")
	acme.apiAccount()
	server, err := acme.AddServer(ctx(t), tech, runner.NewServer{Name: "New MDM"})
	require.NoError(t, err)
	run, err := acme.StartRenewal(ctx(t), tech, server.ID)
	require.NoError(t, err)
	view, err := acme.CreateService(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.True(t, view.Key.Publication.Creates)
	made := acme.org.Service("New MDM")
	require.NotNil(t, made)
	s := &service{c: acme, id: server.ID, apple: made}
	done, err := acme.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, Confirm: true, File: s.download()})
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, done.State)

	again, err := acme.AddServer(ctx(t), tech, runner.NewServer{Name: "New MDM"})
	require.NoError(t, err)
	run, err = acme.StartRenewal(ctx(t), tech, again.ID)
	require.NoError(t, err)
	_, err = acme.CreateService(ctx(t), tech, run.ID)
	requireProblem(t, enrollment.CodeAppleRefused, err)
	assert.Contains(t, err.Error(), "No service was made")
}

// Without a client of the API nothing is offered.
func TestNoPublicationWithoutTheAPI(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	run, err := acme.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	cert, err := acme.Certificate(ctx(t), tech, run.ID)
	require.NoError(t, err)
	require.NotEmpty(t, cert.PEM)
	run, err = acme.Renewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.NotContains(t, run.Allowed, renewal.EventPublish)
	_, err = acme.PublishCertificate(ctx(t), tech, run.ID)
	requireProblem(t, enrollment.CodeRefused, err)
}
