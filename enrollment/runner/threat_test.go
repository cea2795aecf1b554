package runner_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// unchanged runs what must be refused and says that credentials, key ring and pin are as they were.
func unchanged(t *testing.T, s *service, refuse func()) {
	t.Helper()
	before := s.view().Server
	refuse()
	after := s.view().Server
	before.Renewal, after.Renewal = "", ""
	assert.Equal(t, before, after)
}

func TestThreat01_TokenOfAnotherTenant(t *testing.T) {
	h := newHost(t)
	ours, theirs := h.customer("acme").addServer("Acme MDM"), h.customer("beta").addServer("Beta MDM")
	stranger := h.customer("gone")
	unknownCertificate := stranger.newServer("Gone MDM")
	require.NoError(t, stranger.Close(ctx(t), tech))
	require.NoError(t, stranger.Erase(ctx(t), tech))

	var foreign, unknown enrollment.Problem
	unchanged(t, ours, func() {
		_, err := ours.upload(theirs.file())
		foreign = requireProblem(t, enrollment.CodeNoKeyFits, err)
		_, err = ours.upload(unknownCertificate.file())
		unknown = requireProblem(t, enrollment.CodeNoKeyFits, err)
	})
	assert.Equal(t, unknown.Error(), foreign.Error(), "a tenant does not learn that another one has the key")
	entries, err := h.Audit(ctx(t), 0, 10)
	require.NoError(t, err)
	require.Len(t, entries, 1, "the installation does learn it")
	assert.Equal(t, "beta", entries[0].Detail["owner"])
}

func TestThreat02_TokenOfAnotherServer(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	one, two := acme.addServer("One"), acme.addServer("Two")
	unchanged(t, one, func() {
		_, err := one.upload(two.file())
		p := requireProblem(t, enrollment.CodeOtherServer, err)
		assert.Equal(t, "Two", p.Args["server"])
	})

	// The same key at another service: the file opens, and only Apple's answer tells.
	run, err := acme.StartRenewal(ctx(t), tech, one.id)
	require.NoError(t, err)
	cert, err := acme.Certificate(ctx(t), tech, run.ID)
	require.NoError(t, err)
	other, err := acme.admin.CreateService("Unknown here", cert.PEM)
	require.NoError(t, err)
	h.clock.Pass(time.Hour)
	file, _, err := acme.admin.DownloadToken(other)
	require.NoError(t, err)
	unchanged(t, one, func() {
		_, err := one.upload(file)
		requireProblem(t, enrollment.CodeOtherService, err)
	})
}

func TestThreat03_OldTokenReplayed(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").newServer("Acme MDM")
	old := s.file()
	h.clock.Pass(time.Hour)
	newer := s.file()
	_, err := s.c.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, Confirm: true, File: reader(newer)})
	require.NoError(t, err)
	unchanged(t, s, func() {
		_, err := s.upload(old)
		requireProblem(t, enrollment.CodeOlderToken, err)
	})
	generation := s.view().Token.Generation
	_, _ = s.upload(newer)
	assert.Equal(t, generation, s.view().Token.Generation, "the same file again activates nothing")
}

func TestThreat05_TwoAdminsRenewAtOnce(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(24 * time.Hour)
	file := s.file()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() { _, _ = s.upload(file) })
	}
	wait.Wait()
	h.pass(time.Minute)
	v := s.view()
	assert.EqualValues(t, 2, v.Token.Generation, "one file is activated once, whoever uploads it")
	assert.Equal(t, enrollment.Active, v.Health)
	page, err := s.c.Renewals(ctx(t), tech, s.id, runner.Page{})
	require.NoError(t, err)
	live := 0
	for _, r := range page.Renewals {
		if r.Live() {
			live++
		}
	}
	assert.Zero(t, live)
}

func TestThreat16_ClockJumps(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	for _, jump := range []time.Duration{24 * time.Hour, -48 * time.Hour, 30 * time.Minute, -time.Hour, 25 * time.Hour} {
		h.clock.Pass(jump)
		ran, err := h.RunDue(ctx(t), runner.Due{})
		require.NoError(t, err)
		require.Zero(t, ran.Failed)
		assert.Equal(t, enrollment.Active, s.view().Health)
	}
	h.clock.Pass(10 * time.Minute)
	run, err := s.upload(s.file())
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, run.State)
}

func TestThreat20_AuditIsTamperEvident(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	kept, err := h.AuditCheckpoint(ctx(t))
	require.NoError(t, err)
	report, err := h.VerifyAudit(ctx(t), kept)
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	require.Equal(t, kept.Size, report.Entries)

	records, err := h.store.List(ctx(t), storage.Query{Kind: runner.KindAudit, Tenant: "acme", Parent: string(s.id), Limit: 100})
	require.NoError(t, err)
	require.Greater(t, len(records), 3)

	edited := records[1]
	edited.Data = []byte(`{"schema":1,"mac":"AAAA","value":{}}`)
	require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: []storage.Record{edited}}))
	report, err = h.VerifyAudit(ctx(t), kept)
	require.NoError(t, err)
	require.NotEmpty(t, report.Faults)
	assert.EqualValues(t, 2, report.Faults[0].Seq, "the entry that was changed")

	other := newHost(t)
	cut := other.customer("acme").addServer("Acme MDM")
	records, err = other.store.List(ctx(t), storage.Query{Kind: runner.KindAudit, Tenant: "acme", Parent: string(cut.id), Limit: 100})
	require.NoError(t, err)
	last := records[len(records)-1]
	require.NoError(t, other.store.Commit(ctx(t), storage.Write{Delete: []storage.Ref{last.Ref()}}))
	report, err = other.VerifyAudit(ctx(t))
	require.NoError(t, err)
	require.Len(t, report.Faults, 1, "a history that was cut off")
	assert.EqualValues(t, len(records), report.Faults[0].Seq)
}

func TestThreat21_UploadsAreLimited(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(2 * time.Minute)
	for range enrollment.DefaultPolicy().UploadsPerMinute {
		_, err := s.upload([]byte("<html>"))
		requireProblem(t, enrollment.CodeNotServerToken, err)
	}
	_, err := s.upload([]byte("<html>"))
	requireProblem(t, enrollment.CodeTooManyUploads, err)
	h.clock.Pass(2 * time.Minute)
	_, err = s.upload([]byte("<html>"))
	requireProblem(t, enrollment.CodeNotServerToken, err)
}
