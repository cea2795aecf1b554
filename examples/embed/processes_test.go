package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// Two processes of the RMM, each with its own pool, serve the same people and run the same jobs at once: what is adopted,
// renewed and wiped is so once.
func TestTwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	ctx := t.Context()
	second := must(m.start(ctx))
	elsewhere := &person{id: "tess", password: m.tess.password, process: second}
	for i := range 3 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("MAC%d", i), OS: "15.1"})
	}
	m.world.Step()

	// A renewal goes on in whichever process a click lands.
	server := string(m.from.server)
	var here, there run
	require.NoError(t, m.tess.ask(ctx, "POST", "/customers/acme/apple/"+server+"/renewal", nil, &here))
	require.NoError(t, elsewhere.ask(ctx, "POST", "/customers/acme/apple/"+server+"/renewal", nil, &there))
	assert.Equal(t, here.ID, there.ID)
	var certificate []byte
	require.NoError(t, elsewhere.ask(ctx, "GET", "/customers/acme/apple/renewals/"+string(here.ID)+"/certificate", nil, &certificate))
	require.NoError(t, m.from.admin.ReplaceCertificate(m.from.service, certificate))
	m.clock.Pass(time.Minute)
	file, _, err := m.from.admin.DownloadToken(m.from.service)
	require.NoError(t, err)
	errs := make([]error, 2)
	var uploads sync.WaitGroup
	for i, p := range []*person{m.tess, elsewhere} { // both upload the file at once
		uploads.Go(func() { errs[i] = p.ask(ctx, "POST", "/customers/acme/apple/"+server+"/token", file, nil) })
	}
	uploads.Wait()
	require.False(t, errs[0] != nil && errs[1] != nil, "%v, %v", errs[0], errs[1])
	require.NoError(t, m.tess.ask(ctx, "GET", "/customers/acme/apple/renewals/"+string(here.ID), nil, &here))
	assert.Equal(t, renewal.Completed, here.State)

	plan := m.planned()
	var jobs sync.WaitGroup
	ended := func() bool { return !m.plan(plan.ID).State.Live() }
	for i := 0; i < 300 && !ended(); i++ { // minutes
		for _, p := range m.processes {
			jobs.Go(func() { p.app.RunJobs(ctx) })
		}
		jobs.Wait()
		require.NoError(t, m.push(ctx, nil))
		m.world.Step()
		m.clock.Pass(time.Minute)
	}
	assert.Equal(t, map[migration.MoveState]int{migration.MoveEnrolled: 3}, m.plan(plan.ID).Counts)
	for _, d := range m.world.Devices() {
		assert.Equal(t, 1, d.Erases(), d.Serial())
	}
	assert.Empty(t, m.log.String(), "nothing failed")
}

// Notices of one trouble are one ticket, which closes itself.
func TestATicketOpensAndCloses(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	ctx := t.Context()
	a := must(s.addAcme(ctx))
	s.adopted()
	jobs := func(d time.Duration) {
		for end := s.clock.Now().Add(d); s.clock.Now().Before(end); s.clock.Pass(12 * time.Hour) {
			s.first.app.RunJobs(ctx)
		}
	}
	jobs(48 * time.Hour)
	assert.Empty(t, must(s.first.app.Tickets(ctx, "acme")))

	a.admin.Leave() // whoever downloaded the tokens
	jobs(72 * time.Hour)
	tickets := must(s.first.app.Tickets(ctx, "acme"))
	require.Len(t, tickets, 2, "one for each server")
	for _, ticket := range tickets {
		assert.Contains(t, ticket.Subject, "rejected: Acme, ")
		assert.Len(t, ticket.Notes, 1)
		assert.Nil(t, ticket.Closed)
	}

	admin := a.org.AddAdmin("new@acme.example")
	tess := s.hired("tess", rmm.Technicians, "acme")
	for _, server := range tess.servers(t, "acme").Servers {
		service := a.from.service
		if server.Name != service.Name() {
			continue
		}
		var begun run
		require.NoError(t, tess.ask(ctx, "POST", "/customers/acme/apple/"+string(server.ID)+"/renewal", nil, &begun))
		var certificate []byte
		require.NoError(t, tess.ask(ctx, "GET", "/customers/acme/apple/renewals/"+string(begun.ID)+"/certificate", nil, &certificate))
		require.NoError(t, admin.ReplaceCertificate(service, certificate))
		s.clock.Pass(time.Minute)
		file, _, err := admin.DownloadToken(service)
		require.NoError(t, err)
		require.NoError(t, tess.ask(ctx, "POST", "/customers/acme/apple/"+string(server.ID)+"/token", file, nil))
		assert.Equal(t, enrollment.Active, tess.servers(t, "acme").Servers[0].Health)
	}
	jobs(24 * time.Hour)
	open := 0
	for _, ticket := range must(s.first.app.Tickets(ctx, "acme")) {
		if ticket.Closed == nil {
			open++
			assert.Contains(t, ticket.Subject, "second cluster")
			continue
		}
		assert.Equal(t, "Solved", ticket.Notes[len(ticket.Notes)-1])
	}
	assert.Equal(t, 1, open)
}

// A notice that is delivered once more, after its trouble is over, opens nothing again; a new trouble does.
func TestARepeatedNoticeOpensNoTicket(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	ctx := t.Context()
	require.NoError(t, s.first.app.AddCustomer(ctx, "acme", "Acme Inc."))
	p := ports{s.first.app}
	notice := func(id string, days int, cleared bool) enrollment.Notice {
		return enrollment.Notice{ID: id, Thread: "srv_1/expiry", Kind: enrollment.NoticeExpiry, Tenant: "acme", Name: "Acme MDM", Days: days, Cleared: cleared}
	}
	for _, n := range []enrollment.Notice{
		notice("n1", 30, false), notice("n2", 14, false), notice("n2", 14, false), notice("n3", 0, true),
		notice("n1", 30, false), notice("n3", 0, true), notice("n4", 0, true), notice("n5", 60, false),
	} {
		require.NoError(t, p.Notify(ctx, n))
	}
	tickets := must(s.first.app.Tickets(ctx, "acme"))
	require.Len(t, tickets, 2)
	assert.Equal(t, []string{"30 days left", "14 days left", "Solved"}, tickets[0].Notes)
	assert.NotNil(t, tickets[0].Closed)
	assert.Equal(t, []string{"60 days left"}, tickets[1].Notes)
	assert.Nil(t, tickets[1].Closed)
}
