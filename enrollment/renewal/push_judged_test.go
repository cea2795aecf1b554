package renewal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// uploaded gives a file to the renewal, which moves by it.
func (s *pushStory) uploaded(c renewal.PushCandidate) renewal.PushTransition {
	s.t.Helper()
	return s.give(s.now, renewal.CertificateUploaded{By: tess, Certificate: c, Push: s.w.Push, Devices: 120})
}

// ignores demands that an event changes nothing and is no mistake of anybody's.
func (s *pushStory) ignores(name, why string) {
	s.t.Helper()
	tr, err := s.w.Run.Step(policy, s.now, pushEventOf(s.t, name).Of(s.w, s.now))
	require.NoError(s.t, err, why)
	assert.False(s.t, tr.Moved, why)
}

func TestAFileIsKeptWithWhoBroughtItAndAskedAboutUnderItsSecret(t *testing.T) {
	s := waiting(t)
	s.now = noon.Add(hour)
	c := pushOf("renewed", 365*day)
	c.Expires = c.Expires.Add(999 * time.Nanosecond)
	tr := s.uploaded(c)
	want := pushOf("renewed", 365*day)
	want.UploadedBy, want.UploadedAt = tess, s.now
	assert.Equal(t, want, *tr.Renewal.Candidate, "times are stored in microseconds")
	require.Len(t, tr.Renewal.Pending, 1)
	assert.Equal(t, "push_renewed", tr.Renewal.Pending[0].Secret)

	s.do(renewed)
	newer := s.step(renewedAgain)
	require.Len(t, newer.Renewal.Pending, 1, "the first one is asked about no more")
	assert.Equal(t, "push_renewed again", newer.Renewal.Pending[0].Secret)
	assert.Equal(t, []string{"push_renewed"}, newer.Drop)
}

// A tie is no renewal, neither with the certificate in use nor with the candidate, and the person reads both expiries.
func TestAPushCertificateMustEndLaterThanTheOthers(t *testing.T) {
	for name, c := range map[string]struct {
		s    *pushStory
		file renewal.PushCandidate
		than string
	}{
		"as the one in use":      {waiting(t), pushOf("tie", 20*day), "2026-12-14 12:00:00 UTC"},
		"as the candidate":       {waiting(t).do(renewed), pushOf("tie", 365*day), "2027-11-24 12:00:00 UTC"},
		"before the candidate":   {waiting(t).do(renewed), pushOf("old", 300*day), "2027-11-24 12:00:00 UTC"},
		"before the one in use":  {waiting(t), pushOf("old", 10*day), "2026-12-14 12:00:00 UTC"},
		"after it was cancelled": {waiting(t).do("cancel"), pushOf("tie", 20*day), "2026-12-14 12:00:00 UTC"},
	} {
		tr := c.s.uploaded(c.file)
		require.NotNil(t, tr.Refused, name)
		assert.Equal(t, enrollment.CodePushOlder, tr.Refused.Code, name)
		assert.Equal(t, c.than, tr.Refused.Args["active"], name)
		assert.Equal(t, c.file.Expires.Format("2006-01-02 15:04:05 UTC"), tr.Refused.Args["expires"], name)
	}
	s := waiting(t)
	tr := s.uploaded(pushOf("at its end", 0))
	assert.Equal(t, enrollment.CodePushFileExpired, tr.Refused.Code, "it expires this very moment")
}

// Only a live renewal has a candidate: what ended with one judges no later file.
func TestTheCandidateOfAnEndedRenewalCountsNoMore(t *testing.T) {
	for _, end := range []string{"cancel", "probed: nobody can ask"} {
		s := waiting(t).do(renewed, end)
		s.w.Push = pushHeld() // as if the host had gone back to a backup of it
		assert.Nil(t, s.uploaded(pushOf("other", 300*day)).Refused, end)
	}
}

func TestAFileThatIsInUseOrAskedAboutIsNoNews(t *testing.T) {
	s := waiting(t).do(renewed)
	s.ignores(renewed, "Apple is being asked about it")
	s.do("probed: accepted").ignores(renewed, "it is in use")
}

// Why a file was not taken shows where the renewal waits for one, and not over a better file that Apple is asked about.
func TestTheProblemOfAFileShowsWhereAnotherOneIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		s    *pushStory
		want string
	}{
		"while the key is made": {pushFrom(t, pushHeld()), "push_other_topic"},
		"while waiting":         {waiting(t), "push_other_topic"},
		"while asking":          {waiting(t).do(renewed), "none"},
		"after the end":         {waiting(t).do("cancel"), "none"},
	} {
		tr := c.s.step(created)
		assert.Equal(t, enrollment.CodePushOtherTopic, tr.Refused.Code, name)
		assert.Equal(t, c.want, code(tr.Renewal.Problem), name)
	}
	s := pushFrom(t, pushHeld()).do(created, "key_made: done")
	assert.Equal(t, "push_other_topic", code(s.w.Run.Problem), "that the key is there now does not solve it")
}

// The push certificate may have changed while Apple was asked: the answer is judged by what is in use now, with the number of
// devices that listen now.
func TestPain24_TheTopicIsComparedAgainAtTheLastMoment(t *testing.T) {
	s := waiting(t).do(renewed)
	tr := s.step("probed: accepted, another topic meanwhile")
	assert.Nil(t, tr.Activate)
	assert.Equal(t, renewal.PushAwaiting, tr.Renewal.State)
	assert.Equal(t, enrollment.NewProblem(enrollment.CodePushOtherTopic, "new", ourTopic, "devices", "120", "old", otherTopic), tr.Renewal.Problem)
	assert.Equal(t, []string{"push_renewed"}, tr.Drop)

	// The same at the end of a day without an answer; one device is one, too.
	for devices, said := range map[int]string{120: "120", 1: "1", 0: "all"} {
		other := s.w.Push
		other.Certificate = &enrollment.PushCertificate{Generation: 2, Fingerprint: "fp_in", Topic: otherTopic, Expires: noon.Add(30 * day)}
		tr, err := s.w.Run.Step(policy, s.w.Run.LapseAt, renewal.PushTicked{Push: other, Devices: devices})
		require.NoError(t, err)
		assert.Nil(t, tr.Activate)
		assert.Equal(t, said, tr.Renewal.Problem.Args["devices"])
	}
}

func TestAnAnswerIsJudgedByWhatIsInUseByNow(t *testing.T) {
	s := waiting(t).do(renewed)
	older := s.step("probed: accepted, a newer one in use meanwhile")
	assert.Nil(t, older.Activate)
	assert.Equal(t, "push_older", code(older.Renewal.Problem))
	in := s.step("probed: accepted, in use meanwhile")
	assert.Nil(t, in.Activate)
	assert.Equal(t, renewal.PushSuperseded, in.Renewal.State)
	assert.Equal(t, []string{"push_renewed"}, in.Drop, "the host put it in use under a secret of its own")
}

func TestApplesWordForARefusalIsTold(t *testing.T) {
	tr := waiting(t).do(renewed).step("probed: refused")
	assert.Contains(t, tr.Renewal.Problem.Title, "(BadCertificate)")
	assert.Equal(t, "push_rejected", code(tr.Renewal.Problem))
	assert.Nil(t, tr.Activate, "the one before stays in use")
	assert.Equal(t, []string{"push_renewed"}, tr.Drop)
}

// Only a definite word of Apple's decides. Everything else is asked about again, at most until tomorrow.
func TestPain16_NoAnswerIsNeitherYesNorNo(t *testing.T) {
	for _, name := range []string{"probed: no answer", "probed: lost answer", "probed: an answer that is none"} {
		tr := waiting(t).do(renewed).step(name)
		assert.Equal(t, renewal.PushProbing, tr.Renewal.State, name)
		assert.Equal(t, "apple_unreachable", code(tr.Renewal.Problem), name)
		require.Len(t, tr.Renewal.Pending, 1, name)
		assert.Equal(t, 2, tr.Renewal.Pending[0].Attempt, name)
	}
	s := waiting(t).do(renewed)
	assert.Equal(t, noon.Add(day), s.w.Run.LapseAt)
	assert.Equal(t, noon.Add(policy.RemindWaiting), s.w.Run.RemindAt, "a person waits, too")
	short := waiting(t).uploaded(pushOf("short", 20*day+hour)) // it would not even live that long
	assert.Equal(t, noon.Add(day), short.Renewal.LapseAt)
	late := waiting(t)
	late.now = noon.Add(20 * day)
	tr := late.uploaded(pushOf("short", 20*day+hour))
	assert.Equal(t, noon.Add(20*day+hour), tr.Renewal.LapseAt)
	assert.Equal(t, late.now.Add(policy.RemindWaiting), tr.Renewal.RemindAt)
}

// What Apple, or the maker of keys, asks for is respected; without it the waits grow, up to the usual recheck.
func TestRepeatedQuestionsKeepTheirDistance(t *testing.T) {
	asked := enrollment.Result{Outcome: enrollment.Retry, RetryAfter: 5 * hour}
	s := waiting(t).do(renewed)
	result := asked
	result.Effect = s.w.pending(enrollment.ProbePush)
	assert.Equal(t, noon.Add(5*hour), s.give(noon, renewal.PushProbed{Result: result, Push: s.w.Push}).Renewal.Pending[0].NotBefore)

	making := pushFrom(t, pushHeld())
	result.Effect = making.w.pending(enrollment.MakePushKey)
	assert.Equal(t, noon.Add(5*hour), making.give(noon, renewal.KeyMade{Result: result}).Renewal.Pending[0].NotBefore)

	for name, s := range map[string]*pushStory{"probed: no answer": s, "key_made: without a name": making} {
		for range 16 {
			s.do(name)
		}
		wait := s.w.Run.Pending[0].NotBefore.Sub(s.now)
		assert.GreaterOrEqual(t, wait, policy.RecheckEvery, name)
		assert.LessOrEqual(t, wait, policy.RecheckEvery*5/4, name)
		assert.Nil(t, making.w.Run.Key, "a key without a name is none")
		s.do("recheck")
		assert.Equal(t, s.now, s.w.Run.Pending[0].NotBefore, "%s: unless a person asks", name)
	}
}
