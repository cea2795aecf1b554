package runner_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

func TestFirstTokenIsConfirmedByAPerson(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.newServer("Acme MDM")

	run, err := s.upload(s.file())
	requireProblem(t, enrollment.CodeConfirm, err)
	assert.Equal(t, renewal.AwaitingConfirmation, run.State)
	assert.Contains(t, run.Allowed, renewal.EventConfirm)

	_, err = acme.Confirm(ctx(t), robot, run.ID)
	requireProblem(t, enrollment.CodePersonNeeded, err)

	run, err = acme.Confirm(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, run.State)

	v := s.view()
	assert.Equal(t, enrollment.Active, v.Health)
	assert.Equal(t, s.apple.UUID(), v.Pin.ServerUUID)
	assert.EqualValues(t, 1, v.Token.Generation)
	assert.Nil(t, v.LiveRun)
}

func TestRenewalKeepsEverythingInOneWrite(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	h.pass(340 * 24 * time.Hour)
	require.Equal(t, enrollment.Expiring, s.view().Health)

	run, err := acme.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	again, err := acme.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.Equal(t, run.ID, again.ID, "starting again returns the live one")

	cert, err := acme.Certificate(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, "acme-mdm.pem", cert.FileName)
	require.NoError(t, acme.admin.ReplaceCertificate(s.apple, cert.PEM))
	run, err = s.upload(s.file())
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, run.State)

	v := s.view()
	assert.EqualValues(t, 2, v.Token.Generation)
	assert.Len(t, v.Keys, 2)
	assert.Equal(t, enrollment.Active, v.Health)

	token, err := acme.Tokens(s.id).Token(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, v.Token.Fingerprint, token.Fingerprint())
}

func TestTheShortWay(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.pass(30 * 24 * time.Hour)
	run, err := s.upload(s.file()) // no renewal was started, no certificate replaced
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, run.State)
}

func TestUploadFindsTheServerByRecipient(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	acme.addServer("One")
	two := acme.addServer("Two")
	h.pass(time.Hour)
	run, err := acme.UploadToken(ctx(t), tech, runner.Upload{File: two.download()})
	require.NoError(t, err)
	assert.Equal(t, two.id, run.Server)
}
