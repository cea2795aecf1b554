package runner_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// pushCalls are all calls about push certificates that somebody is behind.
func pushCalls(t testing.TB, tenant *runner.Tenant, by enrollment.Actor, id enrollment.RenewalID) map[string]func() error {
	return map[string]func() error{
		"import": func() error {
			return second(tenant.ImportPush(ctx(t), by, runner.PushImport{Certificate: []byte("x")}))
		},
		"start":   func() error { return second(tenant.StartPushRenewal(ctx(t), by)) },
		"request": func() error { return second(tenant.PushRequest(ctx(t), by, id, nil)) },
		"upload":  func() error { return second(tenant.UploadPush(ctx(t), by, id, strings.NewReader("x"))) },
		"cancel":  func() error { return second(tenant.CancelPushRenewal(ctx(t), by, id)) },
		"recheck": func() error { return second(tenant.RecheckPush(ctx(t), by, id)) },
		"check":   func() error { return second(tenant.CheckPush(ctx(t), by)) },
		"quiet":   func() error { return second(tenant.QuietPush(ctx(t), by, newClock().Now())) },
		"retire":  func() error { return second(tenant.RetirePush(ctx(t), by)) },
	}
}

// Neither an impossible tenant nor an unknown actor does anything with push certificates.
func TestPushCallsOfNobodyAreInvalidInput(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 100)
	id, _ := acme.request()
	before := dumpOf(t, h.store)
	for name, call := range pushCalls(t, acme.Tenant, enrollment.Actor{ID: "u\n1", Kind: enrollment.Person}, id) {
		requireProblem(t, enrollment.CodeInvalidInput, call())
		assert.Equal(t, before, dumpOf(t, h.store), name)
	}
	for _, tenant := range []enrollment.TenantID{"", "a/b", enrollment.TenantID(strings.Repeat("x", 129))} {
		calls := pushCalls(t, h.Tenant(tenant), tech, id)
		calls["show"] = func() error { return second(h.Tenant(tenant).Push(ctx(t))) }
		calls["list"] = func() error { return second(h.Tenant(tenant).Pushes(ctx(t), runner.PushQuery{})) }
		calls["renewal"] = func() error { return second(h.Tenant(tenant).PushRenewal(ctx(t), tech, id)) }
		calls["renewals"] = func() error { return second(h.Tenant(tenant).PushRenewals(ctx(t), tech, "", runner.Page{})) }
		calls["source"] = func() error { return second(h.PushSource().Certificate(ctx(t), string(tenant))) }
		calls["fact"] = func() error {
			return h.In(h.store).PushAnswered(ctx(t), tenant, "x", apns.Answer{Finding: apns.Finding{Verdict: apns.Pass}})
		}
		for name, call := range calls {
			requireProblem(t, enrollment.CodeInvalidInput, call())
			assert.Equal(t, before, dumpOf(t, h.store), name)
		}
	}
	for _, name := range []string{strings.Repeat("x", 129), "a\nb", "  "} {
		_, err := acme.ImportPush(ctx(t), tech, runner.PushImport{Name: name})
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
	_, err := h.Pushes(ctx(t), runner.PushQuery{Page: runner.Page{Limit: -1}})
	requireProblem(t, enrollment.CodeInvalidInput, err)
	_, err = acme.PushRenewals(ctx(t), tech, "", runner.Page{Limit: 1001})
	requireProblem(t, enrollment.CodeInvalidInput, err)
}

// A customer has no part in another one's push certificate, by whatever ID.
func TestThreat01_PushRenewalOfAnotherTenant(t *testing.T) {
	h := newPushHost(t)
	acme, beta := h.customer("acme"), h.customer("beta")
	acme.importPush(ourTopic, 0, 100)
	beta.importPush(otherTopic, 1, 100)
	id, _ := acme.request()
	before := dumpOf(t, h.store)
	for name, call := range pushCalls(t, beta.Tenant, tech, id) {
		switch name {
		case "request", "upload", "cancel", "recheck":
			requireProblem(t, enrollment.CodeNotFound, call())
		}
	}
	_, err := beta.PushRenewal(ctx(t), tech, id)
	requireProblem(t, enrollment.CodeNotFound, err)
	_, err = beta.Audit(ctx(t), string(id), 0, 10)
	requireProblem(t, enrollment.CodeNotFound, err)
	entries, err := beta.Audit(ctx(t), string(acme.push().ID), 0, 10)
	require.NoError(t, err)
	assert.Empty(t, entries)
	page, err := beta.Pushes(ctx(t), runner.PushQuery{})
	require.NoError(t, err)
	assert.Len(t, page.Pushes, 1)
	assert.Equal(t, before, dumpOf(t, h.store))
}

// No server takes the place of a push certificate in the audit.
func TestNoServerHasTheIDOfAPushCertificate(t *testing.T) {
	acme := newHost(t).customer("acme")
	for _, id := range []enrollment.ServerID{"psh_1", "prn_1"} {
		_, err := acme.AddServer(ctx(t), tech, runner.NewServer{Name: "x", ID: id})
		requireProblem(t, enrollment.CodeInvalidInput, err)
	}
}

// What a user interface may offer follows from the state.
func TestWhatMayBeAskedOfAPushCertificate(t *testing.T) {
	h := newPushHost(t, content)
	acme := h.customer("acme")
	id, _ := acme.request()
	start, check, quiet := renewal.EventStart, renewal.EventCheckRequested, renewal.EventQuieted
	assert.Equal(t, []renewal.EventName{runner.EventImport, start, renewal.EventCertificateUploaded, runner.EventRetire}, acme.push().Allowed)
	_, err := acme.upload(id, h.certificateFor(t, acme, id, ourTopic))
	require.NoError(t, err)
	assert.Equal(t, []renewal.EventName{runner.EventImport, start, renewal.EventCertificateUploaded, check, quiet, runner.EventRetire}, acme.push().Allowed)
	view, err := acme.QuietPush(ctx(t), tech, h.clock.Now().AddDate(1, 1, 0))
	require.NoError(t, err)
	assert.Equal(t, h.clock.Now().AddDate(1, 1, 0), view.QuietUntil)
	h.pass(400 * 24 * time.Hour)
	for _, n := range h.inbox.all() {
		assert.False(t, n.Kind == enrollment.NoticeExpiry && n.At.Before(view.QuietUntil), "%+v", n)
	}
	view, err = acme.RetirePush(ctx(t), tech)
	require.NoError(t, err)
	assert.Empty(t, view.Allowed)
}

// A retired one owes nothing any more, its tickets are closed, and another topic may begin anew.
func TestARetiredPushCertificate(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	first := acme.importPush(ourTopic, 0, 20)
	id, _ := acme.request()
	file := h.certificateFor(t, acme, id, ourTopic)
	h.pass(24 * time.Hour)
	view, err := acme.RetirePush(ctx(t), tech)
	require.NoError(t, err)
	assert.True(t, view.Retired())
	_, err = acme.RetirePush(ctx(t), tech)
	requireProblem(t, enrollment.CodeNotFound, err)
	h.pass(time.Minute)
	open, _ := desk(h.inbox.all())
	assert.Empty(t, open)
	run, err := acme.PushRenewal(ctx(t), tech, id)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushCancelled, run.State)
	_, err = acme.upload(id, file)
	requireProblem(t, enrollment.CodeRefused, err)
	_, err = h.PushSource().Certificate(ctx(t), "acme")
	require.ErrorIs(t, err, apns.ErrNoCertificate)

	again := acme.importPush(otherTopic, 1, 300)
	assert.NotEqual(t, first.ID, again.ID)
	assert.EqualValues(t, 1, again.Certificate.Generation)
	page, err := acme.Pushes(ctx(t), runner.PushQuery{})
	require.NoError(t, err)
	assert.Len(t, page.Pushes, 2)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// A tenant that leaves takes its push certificate along: retired with it, and erased with it, secrets and all.
func TestOffboardingOfAPushCertificate(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 20)
	id, _ := acme.request()
	file := h.certificateFor(t, acme, id, ourTopic)
	push := acme.push().ID
	require.NoError(t, acme.Close(ctx(t), tech))
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
	page, err := acme.Pushes(ctx(t), runner.PushQuery{})
	require.NoError(t, err)
	require.Len(t, page.Pushes, 1, "what exists can be read")
	assert.True(t, page.Pushes[0].Retired())
	for name, err := range map[string]error{
		"import": second(acme.ImportPush(ctx(t), tech, runner.PushImport{
			Certificate: h.certificate(ourTopic, pushKey(1), -1, 300), Key: pushKey(1).RevealPEM(),
		})),
		"start":  second(acme.StartPushRenewal(ctx(t), tech)),
		"upload": second(acme.upload(id, file)),
	} {
		require.ErrorIs(t, err, &enrollment.Problem{Code: enrollment.CodeTenantClosed}, name)
	}
	require.NoError(t, acme.Erase(ctx(t), tech))
	for key := range dumpOf(t, h.store) {
		if key.Tenant == "acme" {
			assert.Contains(t, []string{runner.KindAudit, runner.KindTenant, seal.Kind}, key.Kind, "what is left: %v", key)
		}
	}
	entries, err := acme.Audit(ctx(t), string(push), 0, 100)
	require.NoError(t, err)
	assert.NotEmpty(t, entries)
	report, err := h.VerifyAudit(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
	for name, call := range pushCalls(t, acme.Tenant, tech, id) {
		require.Error(t, call(), name)
	}
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// Who cuts the history of a push certificate off, or drops it as a whole, is found out.
func TestThreat20_HistoryOfAPushCertificate(t *testing.T) {
	for name, cut := range map[string]int{"the end": 1, "all of it": 100} {
		t.Run(name, func(t *testing.T) {
			h := newPushHost(t)
			acme := h.customer("acme")
			id := acme.importPush(ourTopic, 0, 20).ID
			report, err := h.VerifyAudit(ctx(t))
			require.NoError(t, err)
			require.Empty(t, report.Faults)
			entries, err := h.store.List(ctx(t), storage.Query{Kind: runner.KindAudit, Tenant: "acme", Parent: string(id), Limit: 100})
			require.NoError(t, err)
			for _, rec := range entries[max(0, len(entries)-cut):] {
				require.NoError(t, h.store.Commit(ctx(t), storage.Write{Delete: []storage.Ref{rec.Ref()}}))
			}
			report, err = h.VerifyAudit(ctx(t))
			require.NoError(t, err)
			require.NotEmpty(t, report.Faults)
			assert.Equal(t, string(id), report.Faults[0].Subject)
		})
	}
}

// Settle knows push certificates and their renewals by ID.
func TestSettleOfPushes(t *testing.T) {
	h := newPushHost(t, func(_ *host, c *runner.Config) { c.SettleFor = -1 })
	acme := h.customer("acme")
	run, err := acme.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushMakingRequest, run.State)
	_, err = acme.PushRequest(ctx(t), tech, run.ID, nil)
	requireProblem(t, enrollment.CodeStillWorking, err)
	h.config.SettleFor = time.Minute
	h.reconfigure()
	require.NoError(t, acme.now().Settle(ctx(t), string(run.ID)))
	require.NoError(t, acme.now().Settle(ctx(t), string(run.Push)))
	requireProblem(t, enrollment.CodeNotFound, acme.now().Settle(ctx(t), "psh_nobody"))
	run, err = acme.now().PushRenewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushAwaiting, run.State)
}

// A key that cannot be made is tried again, and a certificate whose secret was damaged is told of and never used.
func TestTroubleWithinAPushRenewal(t *testing.T) {
	h := newPushHost(t, content)
	acme := h.customer("acme")
	tries := 0
	h.MakePushKeysWith(func() (apns.Key, error) {
		if tries++; tries < 3 {
			return apns.Key{}, errFault
		}
		return pushKey(0), nil
	})
	run, err := acme.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushMakingRequest, run.State)
	h.pass(10 * time.Minute)
	run, err = acme.PushRenewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushAwaiting, run.State)
	assert.NotContains(t, h.log.String(), "PRIVATE")
	_, err = acme.upload(run.ID, h.certificateFor(t, acme, run.ID, ourTopic))
	require.NoError(t, err)

	secret := acme.push().Certificate.Secret
	key := storage.RecordKey{Kind: storage.KindSecret, Tenant: "acme", ID: string(run.Push) + "/push/" + secret}
	rec, err := h.store.Get(ctx(t), key)
	require.NoError(t, err)
	rec.Data = []byte(strings.Replace(string(rec.Data), `"sealed":"`, `"sealed":"AAAA`, 1))
	require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: []storage.Record{rec}}))
	_, err = h.PushSource().Certificate(ctx(t), "acme")
	require.Error(t, err)
	h.pass(5 * 24 * time.Hour)
	page, err := h.Pushes(ctx(t), runner.PushQuery{})
	require.NoError(t, err)
	assert.Equal(t, enrollment.Unreachable, page.Pushes[0].Health)
	require.NotNil(t, page.Pushes[0].Problem)
}
