package runner_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// An expired push certificate holds a renewal up before a certificate leaves, until it is renewed or a person says why not.
func TestExpiredPushCertificateHoldsUp(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.push.set(apns.Report{NotAfter: h.clock.Now().Add(-time.Hour)}, nil)
	run, err := s.c.StartRenewal(ctx(t), tech, s.id)
	p := requireProblem(t, enrollment.CodePushExpired, err)
	assert.Contains(t, p.Next, "Renew the push certificate first")
	assert.Equal(t, renewal.CheckingPush, run.State)
	assert.Contains(t, run.Allowed, renewal.EventOverridePush)
	assert.NotContains(t, run.Allowed, renewal.EventCertificate)
	_, err = s.c.Certificate(ctx(t), tech, run.ID)
	requireProblem(t, enrollment.CodePushExpired, err)

	_, err = s.c.OverridePush(ctx(t), robot, run.ID, "automation")
	requireProblem(t, enrollment.CodePersonNeeded, err)
	_, err = s.c.OverridePush(ctx(t), tech, run.ID, " ")
	requireProblem(t, enrollment.CodeInvalidInput, err)
	_, err = s.c.OverridePush(ctx(t), tech, run.ID, "a\nb")
	requireProblem(t, enrollment.CodeInvalidInput, err)
	run, err = s.c.OverridePush(ctx(t), tech, run.ID, "the customer renews it tomorrow")
	require.NoError(t, err)
	assert.Equal(t, renewal.AwaitingUpload, run.State)
	_, err = s.c.Certificate(ctx(t), tech, run.ID)
	require.NoError(t, err)
}

// As soon as the certificate is good again, a recheck lets the renewal go on.
func TestRenewedPushCertificateLetsGo(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.push.set(apns.Report{NotAfter: h.clock.Now().Add(-time.Hour)}, nil)
	run, err := s.c.StartRenewal(ctx(t), tech, s.id)
	requireProblem(t, enrollment.CodePushExpired, err)
	h.push.set(apns.Report{NotAfter: h.clock.Now().AddDate(1, 0, 0)}, nil)
	run, err = s.c.Recheck(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, renewal.AwaitingUpload, run.State)
	assert.Empty(t, run.Warnings)
}

// Everything else about a push certificate is a warning at most.
func TestPushCertificateWarns(t *testing.T) {
	bad := func(findings ...apns.Finding) apns.Report {
		return apns.Report{NotAfter: newClock().Now().AddDate(1, 0, 0), Findings: findings}
	}
	for name, c := range map[string]struct {
		report apns.Report
		err    error
		code   enrollment.Code
		says   string
	}{
		"another topic": {bad(apns.Finding{Check: "issuer", Verdict: apns.Pass}, apns.Finding{Check: "topic", Verdict: apns.Fail, Detail: "the topic changed"}), nil, enrollment.CodePushBad, "the topic changed"},
		"no detail":     {bad(apns.Finding{Check: "issuer", Verdict: apns.Fail}), nil, enrollment.CodePushBad, "issuer"},
		"not reachable": {apns.Report{}, errors.New("no route"), enrollment.CodePushUnknown, "could not be checked"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			s := h.customer("acme").addServer("Acme MDM")
			h.push.set(c.report, c.err)
			run, err := s.c.StartRenewal(ctx(t), tech, s.id)
			require.NoError(t, err)
			h.pass(5 * time.Minute) // some attempts
			run, err = s.c.Renewal(ctx(t), tech, run.ID)
			require.NoError(t, err)
			assert.Equal(t, renewal.AwaitingUpload, run.State)
			require.Len(t, run.Warnings, 1)
			assert.Equal(t, c.code, run.Warnings[0].Code)
			assert.Contains(t, run.Warnings[0].Title, c.says)
		})
	}
}

// Without a checker nobody looked, and the renewal says so.
func TestNoPushChecker(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.config.Push = nil
	h.restartWith(h.config)
	run, err := h.Tenant("acme").StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.Equal(t, renewal.AwaitingUpload, run.State)
	require.Len(t, run.Warnings, 1)
	assert.Equal(t, enrollment.CodePushUnknown, run.Warnings[0].Code)
}
