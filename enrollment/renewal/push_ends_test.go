package renewal_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// Somebody else's certificate ends the renewal only if it does what this one is for.
func TestOnlyASuccessorOfTheSameTopicEndsAPushRenewal(t *testing.T) {
	waiting(t).ignores("certificate_replaced: by the one before", "that is what it replaces")
	waiting(t).ignores("certificate_replaced: by nothing", "that is none")
	waiting(t).ignores("certificate_replaced: by one of another topic", "devices still listen to ours")
	asking := waiting(t).do(renewed)
	asking.ignores("certificate_replaced: by one older than the candidate", "the candidate is newer still")

	for _, by := range []string{"by the newest", "by the candidate"} {
		tr := asking.step("certificate_replaced: " + by)
		assert.Equal(t, renewal.PushSuperseded, tr.Renewal.State, by)
		assert.Equal(t, []string{"push_renewed"}, tr.Drop, by)
		assert.Equal(t, asking.now, tr.Renewal.EndedAt, by)
	}
	first := pushFrom(t, pushBare()).do("key_made: done")
	assert.Equal(t, renewal.PushSuperseded, first.step("certificate_replaced: by one of another topic").Renewal.State,
		"a customer's first one has no topic to keep")
}

// At rest nothing is owed but the word that somebody may stop waiting.
func TestAnEndedPushRenewalOwesNothing(t *testing.T) {
	for name, s := range map[string]*pushStory{
		"while the key is made": pushFrom(t, pushHeld()).do("cancel"),
		"while asking":          waiting(t).do(renewed, "cancel"),
		"completed":             waiting(t).do(renewed, "probed: accepted"),
		"superseded":            waiting(t).do(created, "certificate_replaced: by the newest"),
	} {
		assert.Empty(t, s.w.Run.Pending, name)
		assert.Nil(t, s.w.Run.Problem, name)
		assert.Equal(t, s.now, s.w.Run.EndedAt, name)
		assert.Zero(t, s.w.Run.Wake(), name)
		s.ignores("tick: at once", name)
	}
	lapsed := waiting(t).do("tick: the wait is over")
	assert.Equal(t, "push_renewal_lapsed", code(lapsed.w.Run.Problem), "why it ended")
}

func TestWhatAPersonRepeatsIsNoMistake(t *testing.T) {
	waiting(t).ignores("start", "a closed browser tab loses nothing")
	cancelled := waiting(t).do("cancel")
	cancelled.ignores("cancel", "it is cancelled")
	for _, name := range []string{"start", "request_taken", "recheck"} {
		_, err := cancelled.w.Run.Step(policy, noon, pushEventOf(t, name).Of(cancelled.w, noon))
		require.ErrorContains(t, err, "start a new one for the push certificate", name)
	}
	assert.Equal(t, []renewal.EventName{renewal.EventCertificateUploaded}, cancelled.w.Run.Allowed(policy, noon, tess),
		"what would change nothing is not offered")
	assert.Equal(t, []renewal.EventName{renewal.EventCertificateUploaded, renewal.EventRequestTaken, renewal.EventRecheck, renewal.EventCancel},
		waiting(t).do(renewed).w.Run.Allowed(policy, noon, tess))
}

// The certificate that comes after a renewal was given up is judged like any other, and the dead renewal does the work.
func TestPain11_AFileThatComesAfterTheEndStillKeepsTheDevices(t *testing.T) {
	for _, end := range []string{"cancel", "tick: the wait is over", "certificate_replaced: by one older than the candidate"} {
		s := waiting(t).do(end)
		s.now = noon.Add(2 * day)
		refused := s.step(created)
		assert.Equal(t, enrollment.CodePushOtherTopic, refused.Refused.Code, "%s: no device may go deaf", end)
		tr := s.do(renewed).step("probed: accepted")
		require.NotNil(t, tr.Activate, end)
		assert.Equal(t, ourTopic, tr.Activate.Certificate.Topic, end)
	}
}

// Does a renewal lose devices? Another project was asked again and again. Whatever happens, the topic that they listen to
// stays, and so does a certificate that Apple accepts.
func TestPain11_ARenewalNeverChangesWhatDevicesListenTo(t *testing.T) {
	for _, row := range pushShapes(t) {
		for _, ev := range pushEvents() {
			now := row.At
			if ev.Late != nil {
				now = now.Add(ev.Late(row.S, now))
			}
			if step, err := pushes().Step(row.S, now, ev.Of(row.S, now)); err == nil {
				assert.NoError(t, keepsReach(row.S, step.Next, ev.Name), row.Name)
			}
		}
	}
}

func TestPeopleHearWhichPushCertificateWaitsForThem(t *testing.T) {
	s := waiting(t).do(created)
	s.now = s.w.Run.RemindAt
	s.do("tick: at once")
	require.Len(t, s.w.Run.Pending, 1)
	first := *s.w.Run.Pending[0].Notice
	assert.Equal(t, enrollment.NoticeWaiting, first.Kind)
	assert.Equal(t, enrollment.Thread("psh_1", enrollment.NoticeWaiting), first.Thread)
	assert.EqualValues(t, "psh_1", first.Push)
	assert.Empty(t, first.Server)
	assert.EqualValues(t, "acme", first.Tenant)
	assert.Equal(t, s.now, first.At)
	assert.Equal(t, "push_other_topic", code(first.Problem), "and why it still waits")
	assert.Equal(t, s.now.Add(policy.RemindWaiting), s.w.Run.RemindAt)

	s.do("tick: the reminder is due")
	require.Len(t, s.w.Run.Pending, 1, "one that was not sent yet is replaced")
	assert.NotEqual(t, first.ID, s.w.Run.Pending[0].Notice.ID)
	s.do("cancel")
	require.Len(t, s.w.Run.Pending, 1)
	assert.True(t, s.w.Run.Pending[0].Notice.Cleared, "the ticket closes itself")
	assert.Nil(t, s.w.Run.Pending[0].Notice.Problem)
	assert.False(t, s.w.Run.Notified)
}

// A second question has another name than the first: the late answer to the first does not count for it.
func TestAnAnswerAboutAnEarlierFileIsStale(t *testing.T) {
	s := waiting(t).do(renewed)
	first := s.w.pending(enrollment.ProbePush)
	s.do(renewedAgain)
	assert.NotEqual(t, first, s.w.pending(enrollment.ProbePush))
	tr, err := s.w.Run.Step(policy, s.now, renewal.PushProbed{
		Result: enrollment.Result{Effect: first, Outcome: enrollment.OK}, Answer: enrollment.AnswerRejected, Push: s.w.Push,
	})
	require.NoError(t, err)
	assert.False(t, tr.Moved)
}

// A stored renewal that waits for the answer to nothing goes back to waiting for a file.
func TestAProbingRenewalWithoutACandidateWaitsForAFile(t *testing.T) {
	s := waiting(t).do(renewed)
	s.w.Run.Candidate = nil
	assert.Equal(t, renewal.PushAwaiting, s.step("probed: accepted").Renewal.State)
}
