package renewal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

const (
	renewed      = "upload_certificate: renewed"
	renewedAgain = "upload_certificate: renewed again"
	created      = "upload_certificate: created instead of renewed"
)

func pushFrom(t testing.TB, p enrollment.Push) *pushStory {
	t.Helper()
	return &pushStory{t: t, w: startPush(t, p), now: noon}
}

// waiting is a renewal whose request is out.
func waiting(t testing.TB) *pushStory {
	return pushFrom(t, pushHeld()).do("key_made: done", "request_taken")
}

// step gives what one event would change, which must be something.
func (s *pushStory) step(name string) renewal.PushTransition {
	s.t.Helper()
	ev := pushEventOf(s.t, name)
	now := s.now
	if ev.Late != nil {
		now = now.Add(ev.Late(s.w, now))
	}
	return s.give(now, ev.Of(s.w, now))
}

func (s *pushStory) give(now time.Time, ev renewal.PushEvent) renewal.PushTransition {
	s.t.Helper()
	if _, tick := ev.(renewal.PushTicked); tick {
		ev = renewal.PushTicked{Push: s.w.Push, Devices: 120}
	}
	tr, err := s.w.Run.Step(policy, now, ev)
	require.NoError(s.t, err)
	require.True(s.t, tr.Moved, "%s is ignored in %s", ev.Name(), s.w.Run.State)
	return tr
}

// Everything that a person did, and every change of a certificate, is in the audit, with who did it.
func TestPain23_WhatBecomesOfAPushCertificateIsAudited(t *testing.T) {
	fact := enrollment.NewAuditFact
	for name, c := range map[string]struct {
		s    *pushStory
		ev   string
		want []enrollment.AuditFact
	}{
		"key":     {pushFrom(t, pushHeld()), "key_made: done", []enrollment.AuditFact{fact(enrollment.ActKeyMade, enrollment.Nobody, "key", "key_1")}},
		"request": {waiting(t), "request_taken", []enrollment.AuditFact{fact(enrollment.ActRequestTaken, tess, "key", "key_1")}},
		"file": {waiting(t), renewed, []enrollment.AuditFact{
			fact(enrollment.ActFileAccepted, tess, "fingerprint", "fp_renewed", "key", "key_1", "topic", ourTopic),
		}},
		"no file": {waiting(t), created, []enrollment.AuditFact{fact(enrollment.ActFileRefused, tess, "problem", "push_other_topic")}},
		"in use": {waiting(t).do(renewed), "probed: accepted", []enrollment.AuditFact{
			fact(enrollment.ActPushActivated, tess, "fingerprint", "fp_renewed", "topic", ourTopic),
		}},
		"refused": {waiting(t).do(renewed), "probed: refused", []enrollment.AuditFact{
			fact(enrollment.ActFileRefused, enrollment.Nobody, "problem", "push_rejected"),
		}},
		"proven": {waiting(t).do(renewed, "probed: nobody can ask"), "proven: the one in use", []enrollment.AuditFact{
			fact(enrollment.ActPushProven, enrollment.Nobody, "fingerprint", "fp_renewed"),
		}},
		"recheck": {waiting(t).do(renewed), "recheck", []enrollment.AuditFact{fact(enrollment.ActRechecked, tess)}},
		"cancel":  {waiting(t), "cancel", []enrollment.AuditFact{fact(enrollment.ActRenewalCancelled, tess)}},
		"retired": {waiting(t), "retired", []enrollment.AuditFact{
			fact(enrollment.ActRenewalCancelled, tess, "reason", "push certificate retired"),
		}},
		"retired meanwhile": {waiting(t).do(renewed), "probed: accepted, retired meanwhile", []enrollment.AuditFact{
			fact(enrollment.ActRenewalCancelled, enrollment.Nobody, "reason", "push certificate retired"),
		}},
		"replaced": {waiting(t), "certificate_replaced: by the newest", []enrollment.AuditFact{
			fact(enrollment.ActRenewalEnded, enrollment.Nobody, "state", "superseded"),
		}},
		"lapsed": {waiting(t), "tick: the wait is over", []enrollment.AuditFact{fact(enrollment.ActRenewalLapsed, enrollment.Nobody)}},
	} {
		assert.Equal(t, c.want, c.s.step(c.ev).Audit, name)
	}
	tr, err := renewal.StartPush(policy, noon, renewal.PushRequest{ID: "rnw_1", Push: pushHeld(), By: tess})
	require.NoError(t, err)
	assert.Equal(t, []enrollment.AuditFact{fact(enrollment.ActRenewalStarted, tess, "push", "psh_1", "topic", ourTopic)}, tr.Audit)
}

func TestAPushRenewalRemembersWhoBeganItAndWhatItReplaces(t *testing.T) {
	r := startPush(t, pushHeld()).Run
	assert.Equal(t, tess, r.StartedBy)
	assert.Equal(t, noon, r.StartedAt)
	assert.Equal(t, [2]string{ourTopic, "fp_active"}, [2]string{r.Topic, r.Replaces})
	assert.Equal(t, noon.Add(policy.UploadWithin), r.LapseAt)
	assert.Equal(t, noon.Add(policy.RemindWaiting), r.RemindAt)
	first := startPush(t, pushBare()).Run
	assert.Empty(t, first.Topic+first.Replaces)
}

func TestARetiredPushCertificateIsNotRenewed(t *testing.T) {
	p := pushHeld()
	p.RetiredAt = noon
	_, err := renewal.StartPush(policy, noon, renewal.PushRequest{ID: "rnw_1", Push: p, By: tess})
	require.ErrorContains(t, err, "This push certificate is retired")
	_, err = waiting(t).w.Run.Step(policy, noon, renewal.CertificateUploaded{By: tess, Certificate: pushOf("renewed", 365*day), Push: p})
	require.ErrorContains(t, err, "This push certificate is retired")

	ended := waiting(t).do(renewed).step("probed: accepted, retired meanwhile")
	assert.Equal(t, renewal.PushCancelled, ended.Renewal.State, "retired while Apple was asked")
	assert.Nil(t, ended.Activate)
}

// A request that is lost on its way is taken again, by another person, too: each time is written down.
func TestARequestIsTakenAsOftenAsSomebodyNeedsIt(t *testing.T) {
	s := pushFrom(t, pushHeld())
	s.now = noon.Add(minute)
	s.do("key_made: done")
	assert.Equal(t, renewal.Key{ID: "key_1", MadeAt: noon.Add(minute)}, *s.w.Run.Key)
	s.now = noon.Add(hour)
	s.do("request_taken")
	assert.Equal(t, renewal.Key{ID: "key_1", MadeAt: noon.Add(minute), OutAt: noon.Add(hour), OutTo: tess}, *s.w.Run.Key)
	tr := s.give(noon.Add(day), renewal.RequestTaken{By: robot})
	assert.Equal(t, noon.Add(day), tr.Renewal.Key.OutAt)
	assert.Equal(t, robot, tr.Renewal.Key.OutTo)
	assert.Len(t, tr.Audit, 1)
}

// What is put in use is what was uploaded, to the last field.
func TestTheCertificateInUseIsTheOneThatWasUploaded(t *testing.T) {
	s := waiting(t).do(renewed)
	at := noon.Add(hour)
	want := enrollment.PushCertificate{
		Generation: 2, Secret: "push_renewed", Fingerprint: "fp_renewed", Topic: ourTopic, Serial: "1A", Issuer: "Apple",
		Expires: noon.Add(365 * day), KeyID: "key_1", ActivatedAt: at, ProvenAt: at,
	}
	accepted := renewal.PushProbed{
		Result: enrollment.Result{Effect: s.w.pending(enrollment.ProbePush), Outcome: enrollment.OK},
		Answer: enrollment.Accepted, Push: s.w.Push,
	}
	tr := s.give(at, accepted)
	assert.Equal(t, enrollment.PushActivation{Certificate: want}, *tr.Activate)
	assert.Equal(t, []string{"push_active"}, tr.Drop)
	assert.Equal(t, at, tr.Renewal.EndedAt)
	assert.Empty(t, tr.Renewal.Warnings)
}

// While Apple has not accepted the new one, the old one is kept beside it, and people know: by a host that cannot ask, and
// after a day without an answer.
func TestTheOldCertificateIsKeptUntilTheNewOneIsProven(t *testing.T) {
	for _, silent := range []string{"probed: nobody can ask", "tick: the wait is over"} {
		s := waiting(t).do(renewed)
		tr := s.step(silent)
		require.NotNil(t, tr.Activate, silent)
		assert.False(t, tr.Activate.Certificate.Proven(), silent)
		require.NotNil(t, tr.Activate.Previous, silent)
		assert.Equal(t, "push_active", tr.Activate.Previous.Secret, silent)
		assert.Empty(t, tr.Drop, silent)
		require.Len(t, tr.Renewal.Warnings, 1, silent)
		assert.Equal(t, enrollment.CodePushUnproven, tr.Renewal.Warnings[0].Code, silent)

		s.do(silent)
		s.now = s.now.Add(day)
		later := s.step("proven: the one in use")
		assert.Equal(t, s.now, later.Activate.Certificate.ProvenAt, silent)
		assert.Nil(t, later.Activate.Previous, silent)
		assert.Equal(t, []string{"push_active"}, later.Drop, silent)
		assert.Empty(t, later.Renewal.Warnings, "%s: nothing is left to look after", silent)
	}
}

func TestOnlyTheFirstWordForTheCertificateInUseProvesIt(t *testing.T) {
	s := waiting(t).do(renewed, "probed: nobody can ask")
	ignored := func(why, name string) {
		t.Helper()
		tr, err := s.w.Run.Step(policy, s.now, pushEventOf(t, name).Of(s.w, s.now))
		require.NoError(t, err)
		assert.False(t, tr.Moved, why)
	}
	ignored("Apple accepted another one", "proven: another one")
	s.do("proven: the one in use")
	ignored("it was proven", "proven: the one in use")
}

// A file that comes while one is unproven takes the warning with it: it was about that one.
func TestAnotherFileTakesTheWarningOfTheFirstWithIt(t *testing.T) {
	s := waiting(t).do(renewed, "probed: nobody can ask", renewedAgain)
	assert.Empty(t, s.w.Run.Warnings)
	assert.Zero(t, s.w.Run.EndedAt, "and the renewal is alive again")
	assert.Equal(t, "fp_renewed", s.w.Run.Replaces, "it replaces what is in use by now")
}
