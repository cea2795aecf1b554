package runner_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// The gap between "Download Token" at the portal and the upload is an outage. Once a certificate was handed out it is
// noticed within hours, not at the daily probe.
func TestADeadTokenIsNoticedSoonAfterTheCertificateLeft(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	h.pass(30*24*time.Hour + time.Minute)
	run, err := acme.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	cert, err := acme.Certificate(ctx(t), tech, run.ID)
	require.NoError(t, err)
	require.NoError(t, acme.admin.ReplaceCertificate(s.apple, cert.PEM))
	file := s.file() // the token in use is dead now; nobody uploads the new one
	h.pass(2 * time.Hour)
	require.Equal(t, enrollment.Rejected, s.view().Health)

	_, err = s.upload(file)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, s.view().Health)
	h.pass(28 * time.Hour) // a day, and the spread of an eighth
	probed := s.view().AnsweredAt
	h.pass(12 * time.Hour)
	assert.Equal(t, probed, s.view().AnsweredAt, "the new token is probed at the usual pace")
}

// An expired push certificate holds nothing up any more once the token in use is dead.
func TestABlockedRenewalIsFreedByTheDeathOfTheToken(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	h.push.set(apns.Report{NotAfter: h.clock.Now()}, nil)
	run, err := acme.StartRenewal(ctx(t), tech, s.id)
	requireProblem(t, enrollment.CodePushExpired, err)
	s.file() // somebody downloads a token: the one in use dies
	_, err = acme.CheckServer(ctx(t), tech, s.id)
	require.NoError(t, err)
	h.pass(2 * time.Hour)
	view, err := acme.Renewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, renewal.AwaitingUpload, view.State)
}
