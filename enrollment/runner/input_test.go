package runner_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// IDs come out of addresses that people type: one that cannot exist is not there, and no fault of the program.
func TestImpossibleIDsAreNotFound(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.newServer("Acme MDM")
	for _, id := range []string{"", strings.Repeat("x", 300), "a\x00b", "\xff", "../" + string(s.id), string(s.id) + "/"} {
		server, run := enrollment.ServerID(id), enrollment.RenewalID(id)
		for name, call := range map[string]func() error{
			"server":      func() error { _, err := acme.Server(ctx(t), server); return err },
			"check":       func() error { _, err := acme.CheckServer(ctx(t), tech, server); return err },
			"start":       func() error { _, err := acme.StartRenewal(ctx(t), tech, server); return err },
			"retire":      func() error { _, err := acme.RetireServer(ctx(t), tech, server); return err },
			"renewal":     func() error { _, err := acme.Renewal(ctx(t), tech, run); return err },
			"certificate": func() error { _, err := acme.Certificate(ctx(t), tech, run); return err },
			"confirm":     func() error { _, err := acme.Confirm(ctx(t), tech, run); return err },
			"cancel":      func() error { _, err := acme.Cancel(ctx(t), tech, run); return err },
			"settle":      func() error { return acme.Settle(ctx(t), id) },
			"token":       func() error { _, err := acme.Tokens(server).Token(ctx(t)); return err },
		} {
			err := call()
			require.ErrorIs(t, err, &enrollment.Problem{Code: enrollment.CodeNotFound}, "%s of %q", name, id)
		}
		entries, err := acme.Audit(ctx(t), id, 0, 10)
		require.NoError(t, err)
		assert.Empty(t, entries)
	}
}

// So do the names of tenants. Above all, none of them stands for another tenant, or for the installation.
func TestImpossibleTenantsAreInvalidInput(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").newServer("Acme MDM")
	before := dumpOf(t, h.store)
	for _, id := range []enrollment.TenantID{"", "a/b", "a\nb", "\xff", enrollment.TenantID(strings.Repeat("x", 129))} {
		tenant, run := h.Tenant(id), enrollment.RenewalID("rnw_1")
		for name, call := range map[string]func() error{
			"show":    func() error { _, err := tenant.Show(ctx(t)); return err },
			"add":     func() error { _, err := tenant.AddServer(ctx(t), tech, runner.NewServer{Name: "X"}); return err },
			"servers": func() error { _, err := tenant.Servers(ctx(t), runner.ServerQuery{}); return err },
			"server":  func() error { _, err := tenant.Server(ctx(t), s.id); return err },
			"check":   func() error { _, err := tenant.CheckServer(ctx(t), tech, s.id); return err },
			"quiet":   func() error { _, err := tenant.Quiet(ctx(t), tech, s.id, h.clock.Now()); return err },
			"start":   func() error { _, err := tenant.StartRenewal(ctx(t), tech, s.id); return err },
			"upload":  func() error { _, err := tenant.UploadToken(ctx(t), tech, runner.Upload{File: reader(nil)}); return err },
			"upload to": func() error {
				_, err := tenant.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: reader(nil)})
				return err
			},
			"renewal":  func() error { _, err := tenant.Renewal(ctx(t), tech, run); return err },
			"renewals": func() error { _, err := tenant.Renewals(ctx(t), tech, "", runner.Page{}); return err },
			"confirm":  func() error { _, err := tenant.Confirm(ctx(t), tech, run); return err },
			"recheck":  func() error { _, err := tenant.Recheck(ctx(t), tech, run); return err },
			"override": func() error { _, err := tenant.OverridePush(ctx(t), tech, run, "why"); return err },
			"settle":   func() error { return tenant.Settle(ctx(t), "srv_1") },
			"policy":   func() error { _, err := tenant.SetPolicy(ctx(t), tech, enrollment.PolicyChange{}); return err },
			"inherit":  func() error { _, err := tenant.InheritPolicy(ctx(t), tech); return err },
			"rules":    func() error { _, err := tenant.Policy(ctx(t)); return err },
			"plans":    func() error { _, err := tenant.Plans(ctx(t), tech, runner.Page{}); return err },
			"new plan": func() error { _, err := movers(h).Tenant(id).NewPlan(ctx(t), tech, runner.NewPlan{}); return err },
			"list":     func() error { _, err := tenant.ListDevices(ctx(t), tech, "pln_1", rows("MAC1")); return err },
			"submit":   func() error { _, err := tenant.SubmitPlan(ctx(t), tech, "pln_1"); return err },
			"word":     func() error { _, err := tenant.ApprovePlan(ctx(t), tech, "pln_1", runner.Approved{}); return err },
			"stop":     func() error { _, err := tenant.CancelAll(ctx(t), tech); return err },
			"moves":    func() error { _, err := tenant.Moves(ctx(t), tech, "pln_1", "", runner.Page{}); return err },
			"exclude":  func() error { _, err := tenant.ExcludeDevice(ctx(t), tech, "pln_1", "MAC1"); return err },
			"seen":     func() error { _, err := tenant.Observe(ctx(t), enrollment.DeviceEvent{Serial: "MAC1"}); return err },
			"dry run": func() error {
				for _, err := range movers(h).Tenant(id).DryRun(ctx(t), runner.NewPlan{}, rows("MAC1")) {
					return err
				}
				return nil
			},
			"switch":   func() error { _, err := tenant.Switch(ctx(t)); return err },
			"throw":    func() error { _, err := tenant.ThrowSwitch(ctx(t), tech, ""); return err },
			"lift":     func() error { _, err := tenant.LiftSwitch(ctx(t), tech); return err },
			"approve":  func() error { _, err := tenant.ApproveProposal(ctx(t), tech, "prp_1", runner.Approved{}); return err },
			"reject":   func() error { _, err := tenant.RejectProposal(ctx(t), tech, "prp_1", ""); return err },
			"proposed": func() error { _, err := tenant.Proposals(ctx(t), tech, runner.Page{}); return err },
			"audit":    func() error { _, err := tenant.Audit(ctx(t), "acme", 0, 10); return err },
			"close":    func() error { return tenant.Close(ctx(t), tech) },
			"erase":    func() error { return tenant.Erase(ctx(t), tech) },
			"token":    func() error { _, err := tenant.Tokens(s.id).Token(ctx(t)); return err },
			"answered": func() error { return tenant.Tokens(s.id).Answered(ctx(t), abmtoken.Token{}, nil) },
			"fact":     func() error { return h.In(h.store).TokenAnswered(ctx(t), id, s.id, "x", nil) },
			"warm":     func() error { return h.Warm(ctx(t), id) },
		} {
			require.ErrorIs(t, call(), &enrollment.Problem{Code: enrollment.CodeInvalidInput}, "%s of tenant %q", name, id)
		}
	}
	assert.Equal(t, before, dumpOf(t, h.store))
}

// A record that somebody put under no tenant is one record that cannot be worked on, and no more: neither in a round nor
// where a round that is stopped gives it back.
func TestRecordOfNoTenant(t *testing.T) {
	h := newHost(t)
	good := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(28 * time.Hour)
	for _, kind := range runner.Kinds() {
		require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: []storage.Record{{
			RecordKey: storage.RecordKey{Kind: kind, ID: "stray"}, Wake: h.clock.Now().Add(-time.Minute), Data: []byte(`{}`),
		}}}))
	}
	stopping, stop := context.WithCancel(ctx(t))
	v := &questions{answer: func(ctx context.Context, _ string) error {
		stop() // while the server, due longest, is worked on
		<-ctx.Done()
		return ctx.Err()
	}}
	asks := h.config.Verifier
	h.config.Verifier, h.config.Workers = v, 1
	h.restartWith(h.config)
	ran, err := h.RunDue(stopping, runner.Due{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1+len(runner.Kinds()), ran.Claimed)

	h.config.Verifier = asks
	h.restartWith(h.config)
	h.clock.Pass(2 * time.Minute)
	ran, err = h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, len(runner.Kinds()), ran.Failed)
	assert.Equal(t, h.clock.Now(), good.view().AnsweredAt)
}

// A form that was sent without its file is no panic of the host.
func TestNoFileIsInvalidInput(t *testing.T) {
	_, err := newHost(t).customer("acme").UploadToken(ctx(t), tech, runner.Upload{})
	requireProblem(t, enrollment.CodeInvalidInput, err)
}

// Limits come from outside as well.
func TestImpossiblePagesAreInvalidInput(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	for _, page := range []runner.Page{{Limit: -1}, {Limit: 1001}} {
		_, err := h.Servers(ctx(t), runner.ServerQuery{Page: page})
		requireProblem(t, enrollment.CodeInvalidInput, err)
		_, err = acme.Renewals(ctx(t), tech, "", page)
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
	for _, limit := range []int{-1, 0, 1001} {
		_, err := h.ExportAudit(ctx(t), 0, limit)
		requireProblem(t, enrollment.CodeInvalidInput, err)
		_, err = h.Audit(ctx(t), 0, limit)
		requireProblem(t, enrollment.CodeInvalidInput, err)
		_, err = acme.Audit(ctx(t), "acme", 0, limit)
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
	for _, limit := range []int{-1, 1001} {
		_, err := h.RunDue(ctx(t), runner.Due{Limit: limit})
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
}
