package runner_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// Everything that a person or a key does to a token is written down with who it was and from where, in the same write.
func TestPain23_WhoDidWhatFromWhere(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	by := func(id string) enrollment.Actor {
		return enrollment.Actor{ID: id, Name: "N. " + id, Kind: enrollment.Person, Source: "198.51.100." + id[1:]}
	}
	must := func(_ any, err error) {
		t.Helper()
		require.NoError(t, err)
	}
	h.clock.Pass(time.Hour)
	h.push.set(apns.Report{NotAfter: h.clock.Now().Add(-time.Hour)}, nil)
	run, err := acme.StartRenewal(ctx(t), by("u1"), s.id)
	requireProblem(t, enrollment.CodePushExpired, err)
	must(acme.OverridePush(ctx(t), by("u2"), run.ID, "the customer knows"))
	must(acme.Certificate(ctx(t), by("u3"), run.ID))
	_, err = acme.UploadToken(ctx(t), by("u4"), runner.Upload{Renewal: run.ID, File: reader([]byte("<html>"))})
	requireProblem(t, enrollment.CodeNotServerToken, err)
	must(acme.UploadToken(ctx(t), by("u5"), runner.Upload{Renewal: run.ID, File: s.download()}))
	must(acme.CheckServer(ctx(t), by("u6"), s.id))
	must(acme.Quiet(ctx(t), by("u7"), s.id, h.clock.Now().Add(time.Hour)))
	h.push.set(apns.Report{NotAfter: h.clock.Now().AddDate(1, 0, 0)}, nil)
	run, err = acme.StartRenewal(ctx(t), by("u8"), s.id)
	require.NoError(t, err)
	must(acme.Cancel(ctx(t), by("u9"), run.ID))
	fresh := acme.newServer("Another")
	run, err = acme.UploadToken(ctx(t), by("u10"), runner.Upload{Server: fresh.id, File: fresh.download()})
	requireProblem(t, enrollment.CodeConfirm, err)
	_, err = acme.Recheck(ctx(t), by("u11"), run.ID)
	requireProblem(t, enrollment.CodeConfirm, err)
	must(acme.Confirm(ctx(t), by("u12"), run.ID))
	must(acme.RetireServer(ctx(t), by("u13"), s.id))
	days := 5 * 24 * time.Hour
	must(acme.SetPolicy(ctx(t), by("u14"), enrollment.PolicyChange{ExpiringWithin: &days}))
	must(h.SetPolicy(ctx(t), by("u15"), enrollment.PolicyChange{ExpiringWithin: &days}))
	require.NoError(t, h.NoteKeysRotated(ctx(t), by("u16")))
	require.NoError(t, acme.Close(ctx(t), by("u17")))

	done := map[string][]enrollment.Act{}
	all, err := h.ExportAudit(ctx(t), 0, 1000)
	require.NoError(t, err)
	for _, e := range all {
		done[e.By.ID] = append(done[e.By.ID], e.Act)
		if e.By.ID[0] == 'u' && e.By.ID != tech.ID {
			assert.Equal(t, by(e.By.ID), e.By, "the whole actor, with the address")
			assert.Equal(t, h.clock.Now(), e.At)
		}
	}
	for who, want := range map[string][]enrollment.Act{
		"u1": {enrollment.ActRenewalStarted}, "u2": {enrollment.ActPushOverridden}, "u3": {enrollment.ActCertificateTaken},
		"u4": {enrollment.ActFileRefused}, "u5": {enrollment.ActFileAccepted, enrollment.ActTokenActivated},
		"u6": {enrollment.ActCheckRequested}, "u7": {enrollment.ActQuieted}, "u8": {enrollment.ActRenewalStarted},
		"u9": {enrollment.ActRenewalCancelled}, "u10": {enrollment.ActFileAccepted}, "u11": {enrollment.ActRechecked},
		"u12": {enrollment.ActConfirmed, enrollment.ActTokenActivated}, "u13": {enrollment.ActServerRetired},
		"u14": {enrollment.ActPolicySet}, "u15": {enrollment.ActPolicySet}, "u16": {enrollment.ActKeysRotated},
		"u17": {enrollment.ActTenantClosed, enrollment.ActServerRetired},
	} {
		assert.Subset(t, done[who], want, who)
	}
	report, err := h.VerifyAudit(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
}

// An actor whom nobody knows does nothing.
func TestActorsMustBeKnown(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.newServer("Acme MDM")
	before := dumpOf(t, h.store)
	for _, by := range []enrollment.Actor{
		{}, {ID: "u-1"}, {Kind: enrollment.Person}, {ID: "u-1", Kind: "robot"}, {ID: "a\nb", Kind: enrollment.Person},
		{ID: "u-1", Kind: enrollment.Key, Source: "\x1b[2J"}, {ID: string(make([]byte, 600)), Kind: enrollment.Person},
	} {
		for name, call := range map[string]func() error{
			"add":    func() error { _, err := acme.AddServer(ctx(t), by, runner.NewServer{Name: "X"}); return err },
			"start":  func() error { _, err := acme.StartRenewal(ctx(t), by, s.id); return err },
			"upload": func() error { _, err := acme.UploadToken(ctx(t), by, runner.Upload{File: reader(nil)}); return err },
			"check":  func() error { _, err := acme.CheckServer(ctx(t), by, s.id); return err },
			"cancel": func() error { _, err := acme.Cancel(ctx(t), by, "rnw_1"); return err },
			"policy": func() error { _, err := h.SetPolicy(ctx(t), by, enrollment.PolicyChange{}); return err },
			"rules":  func() error { _, err := acme.SetPolicy(ctx(t), by, enrollment.PolicyChange{}); return err },
			"follow": func() error { _, err := acme.InheritPolicy(ctx(t), by); return err },
			"plan":   func() error { _, err := movers(h).Tenant("acme").NewPlan(ctx(t), by, runner.NewPlan{}); return err },
			"list":   func() error { _, err := acme.ListDevices(ctx(t), by, "pln_1", rows("MAC1")); return err },
			"pause":  func() error { _, err := acme.PausePlan(ctx(t), by, "pln_1", ""); return err },
			"all":    func() error { _, err := acme.CancelAll(ctx(t), by); return err },
			"skip":   func() error { _, err := acme.ExcludeDevice(ctx(t), by, "pln_1", "MAC1"); return err },
			"throw":  func() error { _, err := h.ThrowSwitch(ctx(t), by, ""); return err },
			"freeze": func() error { _, err := acme.ThrowSwitch(ctx(t), by, ""); return err },
			"lift":   func() error { _, err := acme.LiftSwitch(ctx(t), by); return err },
			"word":   func() error { _, err := h.ApproveProposal(ctx(t), by, "prp_1", runner.Approved{}); return err },
			"no":     func() error { _, err := acme.RejectProposal(ctx(t), by, "prp_1", ""); return err },
			"adopt":  func() error { _, err := h.Adopt(ctx(t), by, nil, nil); return err },
			"close":  func() error { return acme.Close(ctx(t), by) },
			"erase":  func() error { return acme.Erase(ctx(t), by) },
			"rotate": func() error { return h.NoteKeysRotated(ctx(t), by) },
		} {
			require.ErrorIs(t, call(), &enrollment.Problem{Code: enrollment.CodeInvalidInput}, "%s by %v", name, by)
		}
	}
	assert.Equal(t, before, dumpOf(t, h.store))
}

// An exporter that remembers only its last position gets every entry once, in one order, however it pages.
func TestExportHasACursor(t *testing.T) {
	h := newHost(t)
	h.customer("acme").addServer("Acme MDM")
	h.customer("beta").newServer("Beta MDM")
	var paged []runner.LoggedEntry
	for after := int64(0); ; {
		page, err := h.ExportAudit(ctx(t), after, 3)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		paged = append(paged, page...)
		after = page[len(page)-1].Position
	}
	for i, e := range paged {
		assert.EqualValues(t, i+1, e.Position)
		assert.NotEmpty(t, e.Tenant)
	}
	whole, err := h.ExportAudit(ctx(t), 0, 1000)
	require.NoError(t, err)
	assert.Equal(t, whole, paged)

	h.customer("aaa").newServer("Sorts before the others")
	more, err := h.ExportAudit(ctx(t), paged[len(paged)-1].Position, 1000)
	require.NoError(t, err)
	require.NotEmpty(t, more, "what came later is behind the cursor")
	assert.EqualValues(t, "aaa", more[0].Tenant)
}

// A renewal's entries are found under its own ID, too, page by page.
func TestAuditOfARenewal(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	page, err := s.c.Renewals(ctx(t), tech, s.id, runner.Page{})
	require.NoError(t, err)
	id := string(page.Renewals[0].ID)
	entries, err := s.c.Audit(ctx(t), id, 0, 1000)
	require.NoError(t, err)
	assert.Equal(t, []enrollment.Act{
		enrollment.ActRenewalStarted, enrollment.ActKeyMade, enrollment.ActCertificateTaken, enrollment.ActFileAccepted, enrollment.ActTokenActivated,
	}, acts(entries))
	rest, err := s.c.Audit(ctx(t), id, entries[2].Seq, 1)
	require.NoError(t, err)
	assert.Equal(t, entries[3:4], rest)
	_, err = s.c.Audit(ctx(t), "rnw_nobody", 0, 10)
	requireProblem(t, enrollment.CodeNotFound, err)
}
