package renewal_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// noticeOf is the newest notice of a kind that waits to be sent.
func noticeOf(t *testing.T, w renewal.Watch, kind enrollment.NoticeKind) enrollment.Notice {
	t.Helper()
	for i := len(w.Pending) - 1; i >= 0; i-- {
		if n := w.Pending[i].Notice; n != nil && n.Kind == kind {
			return *n
		}
	}
	require.Fail(t, "nobody is told of it", kind)
	return enrollment.Notice{}
}

func TestANoticeSaysWhetherATokenOrAPushCertificateIsRefused(t *testing.T) {
	for _, c := range []struct {
		k            watched
		code         enrollment.Code
		server, push string
	}{
		{tokenWatched(), enrollment.CodeRejected, "srv_1", ""},
		{pushWatched(), enrollment.CodePushDead, "", "psh_1"},
	} {
		w := c.k.story(t).do("credential_activated: verified", "host_answered: rejected").w
		n := noticeOf(t, w, enrollment.NoticeRejected)
		assert.Equal(t, c.code, n.Problem.Code)
		assert.EqualValues(t, c.server, n.Server)
		assert.EqualValues(t, c.push, n.Push)
		assert.Equal(t, enrollment.TenantID("acme"), n.Tenant)
	}
}

func TestARefusalIsAuditedAsThatOfItsCredential(t *testing.T) {
	for act, k := range map[enrollment.Act]watched{
		enrollment.ActTokenRejected: tokenWatched(), enrollment.ActPushRejected: pushWatched(),
	} {
		s := k.story(t).do("credential_activated: verified", "check")
		tr, err := s.w.Step(policy, noon, renewal.Probed{
			Result: enrollment.Result{Effect: watchEffect(s.w, k.probe), Outcome: enrollment.OK},
			Answer: enrollment.AnswerRejected, Reason: "word",
		})
		require.NoError(t, err)
		require.Len(t, tr.Audit, 1)
		assert.Equal(t, act, tr.Audit[0].Act)
		assert.Equal(t, "word", tr.Audit[0].Detail["reason"])
	}
}

// Apple's own word for it stands in the text that a person reads.
func TestTheRefusalOfAPushCertificateQuotesApple(t *testing.T) {
	s := pushWatched().story(t).do("credential_activated: verified")
	tr, err := s.w.Step(policy, noon, renewal.HostAnswered{Generation: 1, Answer: enrollment.AnswerRejected, Reason: "BadCertificate"})
	require.NoError(t, err)
	p := noticeOf(t, tr.Watch, enrollment.NoticeRejected).Problem
	assert.Contains(t, p.Title, "(BadCertificate)")
	assert.Contains(t, p.Next, "revoked")
	assert.NotContains(t, p.Next, "password", "that ends a server token")
}

func TestWhatIsRefusedNamesTheCredential(t *testing.T) {
	for word, k := range map[string]watched{"token": tokenWatched(), "push certificate": pushWatched()} {
		for _, ev := range []renewal.WatchEvent{renewal.CheckRequested{By: tess}, renewal.Quieted{By: tess}} {
			_, err := k.start.Step(policy, noon, ev)
			require.ErrorContains(t, err, word)
			retired := k.story(t).do("credential_retired").w
			_, err = retired.Step(policy, noon, ev)
			if k.start.Of == renewal.PushCertificate {
				require.ErrorContains(t, err, word)
				require.NotContains(t, err.Error(), "server")
			} else {
				require.ErrorContains(t, err, "server")
			}
		}
	}
}

// Apple has terms for organizations, none for push certificates: such an answer is a mistake, and no reason to think
// otherwise of the certificate, or to send anybody to accept something.
func TestPendingTermsAreNoAnswerAboutAPushCertificate(t *testing.T) {
	s := pushWatched().story(t).do("credential_activated: verified")
	tr, err := s.w.Step(policy, noon, renewal.HostAnswered{Generation: 1, Answer: enrollment.AnswerTerms})
	require.NoError(t, err)
	assert.False(t, tr.Moved)

	s.do("check", "probed: terms pending")
	assert.Equal(t, enrollment.Active, s.w.Health(policy, s.now))
	assert.Equal(t, 1, s.w.Failures, "it counts as a question that Apple did not answer")
	for _, x := range s.w.Pending {
		assert.Nil(t, x.Notice, "nobody is told")
	}
}

// A push watch does not take the answer to another kind of question, nor a token's watch.
func TestAWatchAsksInTheWayOfItsCredential(t *testing.T) {
	ofEach(t, func(t *testing.T, k watched) {
		w := k.story(t).do("credential_activated: verified", "check").w
		require.Len(t, w.Pending, 1)
		assert.Equal(t, k.probe, w.Pending[0].Kind)
		assert.Equal(t, enrollment.NewEffectID(k.start.Subject, 1, k.probe), w.Pending[0].ID)
	})
}

// What was stored before there were push certificates is a token's, and is stored as it was.
func TestATokensWatchIsStoredAsBefore(t *testing.T) {
	text, err := json.Marshal(renewal.NewWatch("acme", "srv_1"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"subject":"srv_1","tenant":"acme","state":"missing","seq":0}`, string(text))
	text, err = json.Marshal(renewal.NewPushWatch("acme", "psh_1"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"of":"push_certificate","subject":"psh_1","tenant":"acme","state":"missing","seq":0}`, string(text))
}

// A kind that is not known, as a later version may store one, stops no host.
func TestAWatchOfAnUnknownKindStillSteps(t *testing.T) {
	k := tokenWatched()
	k.start.Of = "of_the_future"
	k.story(t).do("credential_activated: verified", "check", "probed: rejected", "credential_retired")
}

// Documents of other products contradict each other on whether a renewal after the expiry still keeps the devices. The
// person who reads this has one certificate and one try: they are told what is known, and by whom.
func TestPain27_AfterTheExpiryPeopleHearWhatIsKnownAndNoGuess(t *testing.T) {
	s := pushWatched().story(t).do("credential_activated: close to its end", "notified: delivered").pass(5 * day).do("tick: at once")
	n := noticeOf(t, s.w, enrollment.NoticeExpiry)
	require.NotNil(t, n.Problem, "the reminder itself says it: after the expiry nobody looks for documents first")
	assert.Equal(t, enrollment.CodePushOver, n.Problem.Code)
	assert.Equal(t, "2026-11-27", n.Problem.Args["expired"])
	for _, words := range []string{"Renew on its row, not Create", "Apple does not say", "some vendors", "30 days", "same topic"} {
		assert.Contains(t, n.Problem.Next, words)
	}

	refused := pushWatched().story(t).do("credential_activated: close to its end").pass(5 * day).do("host_answered: rejected").w
	assert.Equal(t, enrollment.CodePushOver, noticeOf(t, refused, enrollment.NoticeRejected).Problem.Code,
		"the expiry explains the refusal")

	before := pushWatched().story(t).do("credential_activated: close to its end").w
	assert.Nil(t, noticeOf(t, before, enrollment.NoticeExpiry).Problem, "before the end there is nothing to explain")
}
