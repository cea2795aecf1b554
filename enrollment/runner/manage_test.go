package runner_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// Rules have one home: the installation's hold for every tenant but where one has its own; both are audited, and hold from the
// next step on.
func TestPolicyHasOneHome(t *testing.T) {
	h := newHost(t)
	acme, beta := h.customer("acme").addServer("Acme MDM"), h.customer("beta").addServer("Beta MDM")
	day := func(n int) *time.Duration { d := time.Duration(n) * 24 * time.Hour; return &d }
	_, err := h.SetPolicy(ctx(t), tech, enrollment.PolicyChange{ExpiringWithin: day(90), Reminders: []int{90, 10}})
	require.NoError(t, err)
	set, err := acme.c.SetPolicy(ctx(t), tech, enrollment.PolicyChange{ExpiringWithin: day(10)})
	require.NoError(t, err)
	assert.Equal(t, 10*24*time.Hour, set.ExpiringWithin)
	assert.Equal(t, []int{90, 10}, set.Reminders, "what the tenant leaves out is the installation's")
	assert.Nil(t, set.Proposal, "nothing about wipes is looser by it")
	p, err := beta.c.Policy(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, 90*24*time.Hour, p.ExpiringWithin)
	p, err = h.Policy(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, 90*24*time.Hour, p.ExpiringWithin)

	h.pass(300 * 24 * time.Hour)
	assert.Equal(t, enrollment.Active, acme.view().Health)
	assert.Equal(t, enrollment.Expiring, beta.view().Health)
	page, err := h.Servers(ctx(t), runner.ServerQuery{})
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, page.Servers[0].Health, "each by its own rules in one list")
	assert.Equal(t, enrollment.Expiring, page.Servers[1].Health)

	for _, bad := range []enrollment.PolicyChange{{ProbeEvery: new(time.Duration)}, {Reminders: []int{1, 2}}, {UploadsPerMinute: new(int)}} {
		_, err = h.SetPolicy(ctx(t), tech, bad)
		requireProblem(t, enrollment.CodeInvalidInput, err)
		_, err = acme.c.SetPolicy(ctx(t), tech, bad)
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
	entries, err := h.Audit(ctx(t), 0, 10)
	require.NoError(t, err)
	require.Len(t, entries, 1, "a refused change is none")
	assert.Contains(t, entries[0].Detail["change"], "90")
}

// What was set for a tenant can be taken back: the installation's rules hold for it again, also those of later.
func TestATenantInheritsTheRulesAgain(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	_, err := acme.AddServer(ctx(t), tech, runner.NewServer{Name: "Acme MDM"})
	require.NoError(t, err)
	day := func(n int) *time.Duration { d := time.Duration(n) * 24 * time.Hour; return &d }
	_, err = acme.SetPolicy(ctx(t), tech, enrollment.PolicyChange{ExpiringWithin: day(10), Wipes: &enrollment.WipeChange{Cooling: day(1)}})
	require.NoError(t, err)

	set, err := acme.InheritPolicy(ctx(t), tech)
	require.NoError(t, err)
	require.NotNil(t, set.Proposal, "a shorter cooling period takes another person")
	assert.Equal(t, 10*24*time.Hour, set.ExpiringWithin, "nothing has changed yet")
	_, err = acme.ApproveProposal(ctx(t), bob, set.Proposal.ID, word(*set.Proposal))
	require.NoError(t, err)

	set, err = acme.InheritPolicy(ctx(t), tech)
	require.NoError(t, err)
	assert.Nil(t, set.Proposal, "they are as loose as the installation's now")
	assert.Equal(t, enrollment.DefaultPolicy(), set.Policy)
	_, err = h.SetPolicy(ctx(t), tech, enrollment.PolicyChange{ExpiringWithin: day(90)})
	require.NoError(t, err)
	p, err := acme.Policy(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, 90*24*time.Hour, p.ExpiringWithin, "what the installation changes holds for it too")
	entries, err := acme.Audit(ctx(t), "acme", 0, 100)
	require.NoError(t, err)
	assert.Equal(t, "inherit", entries[len(entries)-1].Detail["change"])
}

// A closed tenant can be read and takes nothing new; an erased one has nothing left but its audit, and its key is destroyed:
// what a backup still holds opens no more.
func TestOffboarding(t *testing.T) {
	h := newHost(t)
	acme, beta := h.customer("acme"), h.customer("beta").addServer("Beta MDM")
	s := acme.addServer("Acme MDM")
	for i := range 130 { // more than one chunk
		_, err := acme.AddServer(ctx(t), tech, runner.NewServer{Name: fmt.Sprint("MDM ", i)})
		require.NoError(t, err)
	}
	run, err := acme.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	requireProblem(t, enrollment.CodeRefused, acme.Erase(ctx(t), tech)) // close it first
	backup := dumpOf(t, h.store)

	require.NoError(t, acme.Close(ctx(t), tech))
	require.NoError(t, acme.Close(ctx(t), tech), "again is no harm")
	tenant, err := acme.Show(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, enrollment.TenantClosed, tenant.State)
	page, err := acme.Servers(ctx(t), runner.ServerQuery{Page: runner.Page{Limit: 1000}})
	require.NoError(t, err)
	require.Len(t, page.Servers, 131)
	for _, v := range page.Servers {
		assert.True(t, v.Retired())
	}
	run, err = acme.Renewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.EqualValues(t, "cancelled", run.State)
	_, err = acme.AddServer(ctx(t), tech, runner.NewServer{Name: "New"})
	requireProblem(t, enrollment.CodeTenantClosed, err)
	_, err = s.upload(s.file())
	requireProblem(t, enrollment.CodeTenantClosed, err)

	require.NoError(t, acme.Erase(ctx(t), tech))
	require.NoError(t, acme.Erase(ctx(t), tech), "again is no harm")
	for key := range dumpOf(t, h.store) {
		if key.Tenant == "acme" {
			assert.Contains(t, []string{runner.KindAudit, runner.KindTenant, seal.Kind}, key.Kind, "what is left: %v", key)
		}
	}
	for key, rec := range backup { // somebody puts a backup's secrets back
		if key.Tenant == "acme" && key.Kind == storage.KindSecret {
			rec.Version = 0
			require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: []storage.Record{rec}}))
			part := strings.Split(key.ID, "/")
			_, err = storage.NewVault(h.store, h.config.Sealer).Open(ctx(t), storage.SecretRef{
				Tenant: "acme", Owner: part[0], Kind: part[1], ID: part[2], Generation: 1,
			})
			require.ErrorIs(t, err, storage.ErrShredded)
		}
	}
	_, err = acme.AddServer(ctx(t), tech, runner.NewServer{Name: "Back"})
	requireProblem(t, enrollment.CodeTenantErased, err)
	_, err = s.upload(s.file())
	require.Error(t, err)
	entries, err := acme.Audit(ctx(t), "acme", 0, 100)
	require.NoError(t, err)
	assert.Equal(t, []enrollment.Act{enrollment.ActTenantOpened, enrollment.ActTenantClosed, enrollment.ActTenantErased}, acts(entries))
	entries, err = acme.Audit(ctx(t), string(s.id), 0, 100)
	require.NoError(t, err)
	assert.NotEmpty(t, entries, "the audit of what was erased is kept")
	report, err := h.VerifyAudit(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
	assert.Equal(t, enrollment.Active, beta.view().Health, "nobody else is touched")

	requireProblem(t, enrollment.CodeNotFound, h.Tenant("nobody").Close(ctx(t), tech))
	requireProblem(t, enrollment.CodeNotFound, h.Tenant("nobody").Erase(ctx(t), tech))
}

// A retired server owes nothing any more, and its service may be given to another one.
func TestRetiredServerLetsItsServiceGo(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	h.pass(310 * 24 * time.Hour)
	v, err := acme.RetireServer(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.True(t, v.Retired())
	_, err = acme.RetireServer(ctx(t), tech, s.id)
	require.NoError(t, err, "again is no harm")
	h.pass(time.Minute)
	open, _ := desk(h.inbox.all())
	assert.Empty(t, open, "its tickets are closed")
	for name, err := range map[string]error{
		"check": second(acme.CheckServer(ctx(t), tech, s.id)),
		"start": second(acme.StartRenewal(ctx(t), tech, s.id)),
	} {
		require.Error(t, err, name)
	}
	heir, err := acme.AddServer(ctx(t), tech, runner.NewServer{Name: "Acme MDM"})
	require.NoError(t, err)
	again := &service{acme, heir.ID, s.apple}
	require.NoError(t, acme.admin.ReplaceCertificate(s.apple, again.certificate().PEM))
	_, err = acme.UploadToken(ctx(t), tech, runner.Upload{Server: heir.ID, Confirm: true, File: again.download()})
	require.NoError(t, err)
	assert.Equal(t, s.apple.UUID(), again.view().Pin.ServerUUID)
}

func second[T any](_ T, err error) error { return err }

// The same ID twice is the same server; a site groups servers; what is no name is none.
func TestAddServer(t *testing.T) {
	h := newHost(t)
	acme := h.Tenant("acme")
	first, err := acme.AddServer(ctx(t), tech, runner.NewServer{ID: "host-7", Name: "Acme MDM", Site: "berlin"})
	require.NoError(t, err)
	again, err := acme.AddServer(ctx(t), tech, runner.NewServer{ID: "host-7", Name: "Other name"})
	require.NoError(t, err)
	assert.Equal(t, first.Server, again.Server)
	_, err = acme.AddServer(ctx(t), tech, runner.NewServer{Name: "Acme School", Site: "paris"})
	require.NoError(t, err)
	page, err := acme.Servers(ctx(t), runner.ServerQuery{Site: "berlin"})
	require.NoError(t, err)
	require.Len(t, page.Servers, 1)
	assert.EqualValues(t, "host-7", page.Servers[0].ID)
	_, err = h.Tenant("beta").AddServer(ctx(t), tech, runner.NewServer{ID: "host-7", Name: "Beta's own"})
	require.NoError(t, err, "IDs of the host are a tenant's own")
	for _, n := range []runner.NewServer{
		{}, {Name: "  "}, {Name: "a\nb"}, {Name: "x", Site: "\x00"}, {Name: "x", ID: "a/b"}, {Name: "x", ID: "rnw_1"},
	} {
		_, err = acme.AddServer(ctx(t), tech, n)
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
}
