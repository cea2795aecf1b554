package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// run is a renewal as the RMM's page shows it.
type run struct {
	ID    enrollment.RenewalID
	State renewal.State
}

// A token that the RMM had for years is adopted, watched, and renewed by a technician through the RMM's own handlers.
func TestATokenIsRenewedThroughTheRMM(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	a, err := s.addAcme(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, s.adopted().Added)
	s.clock.Pass(24 * time.Hour) // the first probes are spread over a day
	s.first.app.RunJobs(t.Context())
	tess := s.hired("tess", rmm.Technicians, "acme")
	shown := tess.servers(t, "acme")
	require.Len(t, shown.Servers, 2)
	for _, server := range shown.Servers {
		assert.Equal(t, enrollment.Active, server.Health, "Apple was asked by the cron job")
		assert.Equal(t, 364, server.DaysLeft)
	}

	server := shown.Servers[0]
	site := a.from
	if server.Name == a.to.service.Name() {
		site = a.to
	}
	base := "/customers/acme/apple"
	var begun, again run
	require.NoError(t, tess.ask(t.Context(), "POST", base+"/"+string(server.ID)+"/renewal", nil, &begun))
	require.NoError(t, tess.ask(t.Context(), "POST", base+"/"+string(server.ID)+"/renewal", nil, &again))
	assert.Equal(t, begun.ID, again.ID, "a closed browser tab loses nothing")
	var certificate []byte
	require.NoError(t, tess.ask(t.Context(), "GET", base+"/renewals/"+string(begun.ID)+"/certificate", nil, &certificate))
	require.NoError(t, site.admin.ReplaceCertificate(site.service, certificate))
	s.clock.Pass(time.Minute)
	file, _, err := site.admin.DownloadToken(site.service)
	require.NoError(t, err)

	var refused *refusal
	require.ErrorAs(t, tess.ask(t.Context(), "POST", base+"/"+string(server.ID)+"/token", []byte("not a token"), nil), &refused)
	assert.Equal(t, 422, refused.Status)
	assert.Equal(t, "not_server_token", refused.Code)
	var done run
	require.NoError(t, tess.ask(t.Context(), "POST", base+"/"+string(server.ID)+"/token", file, &done))
	assert.Equal(t, begun.ID, done.ID)
	assert.Equal(t, renewal.Completed, done.State)
	require.NoError(t, tess.ask(t.Context(), "GET", base+"/renewals/"+string(begun.ID), nil, &done))
	assert.Equal(t, renewal.Completed, done.State)
}
