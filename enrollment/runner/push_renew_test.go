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

// The way of every year: start, request, the portal, upload. The topic stays, and what is in use is the new one.
func TestPushRenewal(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	first := acme.firstPush()
	before := acme.push()
	assert.Equal(t, enrollment.Active, before.Health)
	assert.Equal(t, first.Topic, before.Certificate.Topic)
	assert.Equal(t, 365, before.DaysLeft)
	assert.True(t, before.Certificate.Proven(), "Apple was asked before it was put in use")

	h.clock.Pass(340 * 24 * time.Hour)
	id, file := acme.request()
	assert.Equal(t, id, acme.push().LiveRun.ID)
	renewed, err := acme.portal().Renew(first.Topic, file)
	require.NoError(t, err)
	view, err := acme.upload(id, renewed.PEM)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushCompleted, view.State)
	assert.Equal(t, apns.Pass, view.Report.Verdict(), "%+v", view.Report.Findings)

	after := acme.push()
	assert.Equal(t, renewed.Serial, after.Certificate.Serial)
	assert.EqualValues(t, 2, after.Certificate.Generation)
	assert.Nil(t, after.Previous, "Apple has accepted the new one")
	assert.Nil(t, after.LiveRun)
	assert.Len(t, after.Keys, 2)
	assert.Equal(t, enrollment.Active, after.Health)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}
