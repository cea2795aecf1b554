package runner_test

import (
	"context"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
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

// A tenant gets its first one by the same way. However often somebody starts, there is one renewal, and one push certificate.
func TestTheFirstPushCertificate(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	_, err := acme.Push(ctx(t))
	requireProblem(t, enrollment.CodeNotFound, err)
	first, err := acme.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushAwaiting, first.State)
	assert.Subset(t, first.Allowed, []renewal.EventName{renewal.EventRequestTaken, renewal.EventCancel, renewal.EventCertificateUploaded})
	again, err := acme.StartPushRenewal(ctx(t), robot)
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)
	page, err := acme.Pushes(ctx(t), runner.PushQuery{})
	require.NoError(t, err)
	require.Len(t, page.Pushes, 1)
	assert.Equal(t, enrollment.Missing, page.Pushes[0].Health)
	_, err = acme.CheckPush(ctx(t), tech)
	p := requireProblem(t, enrollment.CodeRefused, err)
	assert.Contains(t, p.Next, "no push certificate to check yet")
}

// The key of a request is stored, sealed, before the request leaves, and who took it is written down. It may be taken again:
// it stays the same request.
func TestPushRequestLeavesBehindItsKey(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	run, err := acme.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
	h.reconfigure() // a new process, which has nothing in memory
	request, err := acme.now().PushRequest(ctx(t), tech, run.ID, vendor())
	require.NoError(t, err)
	again, err := acme.now().PushRequest(ctx(t), robot, "", nil)
	require.NoError(t, err)
	assert.Equal(t, request.PEM, again.PEM)
	assert.Nil(t, again.PortalFile)
	parsed := requestOf(t, request.PEM)
	assert.Equal(t, "acme", parsed.Subject.CommonName)
	kept, err := keep(ctx(t), h.store)
	require.NoError(t, err)
	require.Len(t, kept.pushes[0].Keys, 1)
	assert.Contains(t, kept.secrets, string(run.Push)+"/push_key/"+kept.pushes[0].Keys[0].ID)

	entries, err := acme.now().Audit(ctx(t), string(run.ID), 0, 100)
	require.NoError(t, err)
	var takers []string
	for _, e := range entries {
		if e.Act == enrollment.ActRequestTaken {
			takers = append(takers, e.By.ID)
		}
	}
	assert.Equal(t, []string{tech.ID, robot.ID}, takers)
}

// silentVendor signs nothing.
type silentVendor struct{ err error }

func (v silentVendor) SignRequest(context.Context, []byte) (apns.VendorSignature, error) {
	return apns.VendorSignature{}, v.err
}

func TestPushRequestThatNobodySigns(t *testing.T) {
	acme := newPushHost(t).customer("acme")
	_, err := acme.PushRequest(ctx(t), tech, "", nil)
	requireProblem(t, enrollment.CodeNotFound, err)
	run, err := acme.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
	for _, signer := range []apns.VendorSigner{silentVendor{errFault}, silentVendor{}} {
		_, err = acme.PushRequest(ctx(t), tech, run.ID, signer)
		requireProblem(t, enrollment.CodePushUnsigned, err)
	}
	_, err = acme.CancelPushRenewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	_, err = acme.PushRequest(ctx(t), tech, run.ID, vendor())
	requireProblem(t, enrollment.CodeRefused, err)
}

// What is refused while a renewal waits for its file changes nothing that is in use, lists every check, and stands in the
// renewal.
func TestUploadPushRefuses(t *testing.T) {
	h := newPushHost(t)
	acme, beta := h.customer("acme"), h.customer("beta")
	acme.importPush(ourTopic, 0, 20)
	id, _ := acme.request()
	run, err := beta.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
	files := badPushes(t, h)
	for _, name := range []string{"another key", "a key that is none", "a wrong password", "a web page", "nothing"} {
		delete(files, name) // that is no one file
	}
	for name, c := range files {
		files[name] = bad{runner.PushImport{Certificate: append(c.in.Key, c.in.Certificate...)}, c.code, c.says}
	}
	files["a web page"] = bad{runner.PushImport{Certificate: []byte("<html>")}, enrollment.CodePushUnfit, "web page"}
	files["for another tenant's request"] = bad{
		runner.PushImport{Certificate: h.certificateFor(t, beta, run.ID, ourTopic)}, enrollment.CodePushNoKeyFits, ""}
	files["of another topic"] = bad{
		runner.PushImport{Certificate: h.certificateFor(t, acme, id, otherTopic)}, enrollment.CodePushOtherTopic, otherTopic}
	files["no newer than the one in use"] = bad{
		runner.PushImport{Certificate: append(h.certificate(ourTopic, pushKey(4), -1, 10), pushKey(4).RevealPEM()...)},
		enrollment.CodePushOlder, ""}
	in := acme.push()
	for name, c := range files {
		view, err := acme.upload(id, c.in.Certificate)
		p := requireProblem(t, c.code, err)
		assert.Contains(t, p.Title, c.says, name)
		assert.Equal(t, renewal.PushAwaiting, view.State, name)
		assert.Equal(t, c.code, view.Problem.Code, name)
		if view.Report != nil {
			assert.Equal(t, apns.Fail, view.Report.Verdict(), name)
		}
		after := acme.push()
		assert.Equal(t, in.Push, after.Push, name)
		h.clock.Pass(time.Minute)
	}
	_, err = acme.UploadPush(ctx(t), tech, id, nil)
	requireProblem(t, enrollment.CodeInvalidInput, err)
	_, err = acme.UploadPush(ctx(t), tech, id, iotest.ErrReader(errFault))
	requireProblem(t, enrollment.CodeInvalidInput, err)
	_, err = acme.upload("prn_unknown", []byte("x"))
	requireProblem(t, enrollment.CodeNotFound, err)
	_, err = acme.upload(run.ID, []byte("x"))
	requireProblem(t, enrollment.CodeNotFound, err)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// The file that is in use already is no successor; but who sends the new one twice, because an answer was lost, is told that
// all is well.
func TestUploadingTheOneInUse(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	first := acme.firstPush()
	view, err := acme.upload("", first.PEM)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushCompleted, view.State)
	h.clock.Pass(300 * 24 * time.Hour)
	id, file := acme.request()
	_, err = acme.upload(id, first.PEM)
	requireProblem(t, enrollment.CodePushOlder, err)
	renewed, err := acme.portal().Renew(first.Topic, file)
	require.NoError(t, err)
	for range 2 {
		view, err = acme.upload(id, renewed.PEM)
		require.NoError(t, err)
		assert.Equal(t, renewal.PushCompleted, view.State)
	}
	assert.EqualValues(t, 2, acme.push().Certificate.Generation)
}

// Where nobody can ask Apple, the new one is put in use all the same, with a warning; the one before is kept until Apple has
// accepted the new one once, whoever hears that word.
func TestTheOneBeforeIsKeptUntilAppleHasAcceptedTheNewOne(t *testing.T) {
	for name, hear := range map[string]func(h *host, acme *customer) error{
		"the host's own word": func(h *host, acme *customer) error {
			cert, err := h.PushSource().Certificate(ctx(t), "acme")
			require.NoError(t, err)
			return h.PushSource().Answered(ctx(t), "acme", cert, apns.Answer{Finding: apns.Finding{Verdict: apns.Pass}})
		},
		"within the host's transaction": func(h *host, acme *customer) error {
			return h.In(h.store).PushAnswered(ctx(t), "acme", acme.push().Certificate.Fingerprint,
				apns.Answer{Finding: apns.Finding{Verdict: apns.Pass}})
		},
		"a probe of the watch": func(h *host, acme *customer) error {
			h.config.PushProber = prober(t, h.apple)
			h.reconfigure()
			h.pass(2 * 24 * time.Hour)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newPushHost(t, func(_ *host, c *runner.Config) { c.PushProber = nil })
			acme := h.customer("acme")
			acme.importPush(ourTopic, 0, 20)
			id, _ := acme.request()
			run, err := acme.upload(id, h.certificateFor(t, acme, id, ourTopic))
			require.NoError(t, err)
			assert.Equal(t, renewal.PushCompleted, run.State)
			require.Len(t, run.Warnings, 1)
			assert.Equal(t, enrollment.CodePushUnproven, run.Warnings[0].Code)
			view := acme.push()
			require.NotNil(t, view.Previous)
			assert.Equal(t, enrollment.NeverChecked, view.Health)
			require.NoError(t, wholeStore(ctx(t), h.store, h.keys), "its secret is still there")

			require.NoError(t, hear(h, acme))
			view = acme.push()
			assert.Nil(t, view.Previous)
			assert.True(t, view.Certificate.Proven())
			assert.Equal(t, enrollment.Active, view.Health)
			run, err = acme.now().PushRenewal(ctx(t), tech, id)
			require.NoError(t, err)
			assert.Empty(t, run.Warnings)
			require.NoError(t, wholeStore(ctx(t), h.store, h.keys), "its secret is gone")
		})
	}
}

// A certificate that Apple refuses is not put in use. That it does not answer puts it off.
func TestAppleHasAWordInIt(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 20)
	id, _ := acme.request()
	file := h.certificateFor(t, acme, id, ourTopic)
	cert, err := apns.Read(file, "")
	require.NoError(t, err)
	h.apple.Push().Revoke(appletest.PushCertificate{Serial: cert.Serial()})
	run, err := acme.upload(id, file)
	p := requireProblem(t, enrollment.CodePushRejected, err)
	assert.Contains(t, p.Title, "BadCertificate")
	assert.Equal(t, renewal.PushAwaiting, run.State)
	assert.EqualValues(t, 1, acme.push().Certificate.Generation)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))

	h.apple.Push().Fail(appletest.PushFault{Status: 503, Reason: "ServiceUnavailable", RetryAfter: "600"})
	run, err = acme.upload(id, h.certificateFor(t, acme, id, ourTopic))
	requireProblem(t, enrollment.CodeUnreachable, err)
	assert.Equal(t, renewal.PushProbing, run.State)
	h.pass(15 * time.Minute)
	view := acme.push()
	assert.EqualValues(t, 2, view.Certificate.Generation)
	assert.True(t, view.Certificate.Proven())
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// A person need not wait for the next try.
func TestRecheckPush(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	id, _ := acme.request()
	_, err := acme.RecheckPush(ctx(t), tech, id)
	requireProblem(t, enrollment.CodeRefused, err)
	h.apple.Push().Fail(appletest.PushFault{Status: 503, Reason: "ServiceUnavailable", RetryAfter: "600"})
	_, err = acme.upload(id, h.certificateFor(t, acme, id, ourTopic))
	requireProblem(t, enrollment.CodeUnreachable, err)
	run, err := acme.RecheckPush(ctx(t), tech, "")
	require.NoError(t, err)
	assert.Equal(t, renewal.PushCompleted, run.State)
}

// A renewal may be given up, and lapses by itself; a file that comes later is taken all the same.
func TestAPushRenewalThatEndsWithoutAFile(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 200)
	id, _ := acme.request()
	portalGave := h.certificateFor(t, acme, id, ourTopic)
	run, err := acme.CancelPushRenewal(ctx(t), tech, id)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushCancelled, run.State)
	assert.Nil(t, acme.push().LiveRun)

	h.clock.Pass(time.Hour)
	later, _ := acme.request()
	assert.NotEqual(t, id, later)
	h.pass(31 * 24 * time.Hour)
	run, err = acme.PushRenewal(ctx(t), tech, later)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushLapsed, run.State)
	assert.Equal(t, enrollment.CodePushLapsed, run.Problem.Code)

	page, err := acme.PushRenewals(ctx(t), tech, "", runner.Page{})
	require.NoError(t, err)
	assert.Len(t, page.Renewals, 2)
	run, err = acme.upload(id, portalGave)
	require.NoError(t, err)
	assert.Equal(t, id, run.ID)
	assert.Equal(t, renewal.PushCompleted, run.State)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}
