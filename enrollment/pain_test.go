package enrollment_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Another product showed "Couldn't add. Please try again" while Apple waited for new terms to be accepted, and did not
// say by which of several organizations.
func TestPain15_PendingTermsNameTheOrganizationAndTheWayOut(t *testing.T) {
	p := enrollment.NewProblem(enrollment.CodeTermsPending, "organization", "Acme School")
	assert.Contains(t, p.Title, "Acme School")
	assert.Contains(t, p.Next, "administrator")
	assert.Contains(t, p.Next, "recheck", "nobody waits a day after the terms were accepted")
	assert.True(t, p.Retry)
	_, exit := p.Code.Status()
	assert.Equal(t, 9, exit, "Apple refused; the input was not wrong")
	rejected := enrollment.NewProblem(enrollment.CodeRejected, "reason", "", "admin", "tess@acme.example")
	assert.NotEqual(t, rejected.Title, p.Title)

	v := enrollment.Vital{Held: true, Expires: t0.Add(300 * day), Answer: enrollment.AnswerTerms}
	assert.Equal(t, enrollment.TermsPending, enrollment.HealthOf(v, enrollment.DefaultPolicy(), t0), "the token is not called dead")
}

// Another product marked a token invalid after a server error of Apple's, and cleared the mark after another.
func TestPain16_OnlyADefiniteAnswerChangesWhatIsThoughtOfAToken(t *testing.T) {
	p := enrollment.DefaultPolicy()
	for _, answer := range []enrollment.Answer{
		enrollment.NoAnswer, enrollment.Accepted, enrollment.AnswerRejected, enrollment.AnswerTerms,
	} {
		before := enrollment.Vital{Held: true, Expires: t0.Add(300 * day), Answer: answer}
		failedOnce := before
		failedOnce.Unanswered = t0
		for now := t0; now.Before(t0.Add(p.UnreachableAfter)); now = now.Add(p.RecheckEvery) {
			assert.Equal(t, enrollment.HealthOf(before, p, now), enrollment.HealthOf(failedOnce, p, now), "%q, silent for %v", answer, now.Sub(t0))
		}
	}
	// What stays silent for days is said, but a definite no stays a no.
	late := t0.Add(p.UnreachableAfter)
	rejected := enrollment.Vital{Held: true, Answer: enrollment.AnswerRejected, Unanswered: t0}
	accepted := enrollment.Vital{Held: true, Answer: enrollment.Accepted, Unanswered: t0}
	assert.Equal(t, enrollment.Rejected, enrollment.HealthOf(rejected, p, late))
	assert.Equal(t, enrollment.Unreachable, enrollment.HealthOf(accepted, p, late))
}

// Several services of one organization collided on its name elsewhere.
func TestPain19_TwoServicesOfOneOrganizationAreTwo(t *testing.T) {
	other := acme
	other.ServerUUID, other.ServerName = "F"+serviceUUID[1:], acme.ServerName
	pin := enrollment.PinTo(acme, enrollment.PinnedByPerson)
	assert.Equal(t, enrollment.OtherService, pin.Match(other), "same organization, same names: another service all the same")

	namesake := acme
	namesake.OrgID, namesake.OrgIDHash = "7654321", "bb22"
	assert.Equal(t, enrollment.OtherOrganization, pin.Match(namesake), "two organizations of one name are two")
}

// Behaviour changed in silence elsewhere once there was a second token. Here no word has a meaning without saying whose.
func TestPain20_NothingDependsOnBeingTheOnlyOne(t *testing.T) {
	p := enrollment.DefaultPolicy()
	first := enrollment.PolicyChange{Reminders: []int{90, 45}}
	mine := p.With(first)
	first.Reminders[0] = 1
	assert.Equal(t, []int{90, 45}, mine.Reminders, "a tenant's rules are its own copy")
	assert.Equal(t, enrollment.DefaultPolicy(), p, "and change nobody else's")
	merged := enrollment.PolicyChange{}.And(first)
	first.Reminders[0] = 2
	assert.Equal(t, []int{1, 45}, merged.Reminders)

	assert.NotEqual(t, enrollment.Thread("srv_1", enrollment.NoticeExpiry), enrollment.Thread("srv_2", enrollment.NoticeExpiry))
	assert.NotEqual(t, enrollment.NewEffectID("srv_1", 1, enrollment.SendNotice), enrollment.NewEffectID("srv_2", 1, enrollment.SendNotice))
}

// Users ask for a reminder 30 days before the end, and for more than one place where it shows: health, notices, and the
// expiry itself as a number.
func TestPain21_TheEndIsAnnouncedAMonthAhead(t *testing.T) {
	p := enrollment.DefaultPolicy()
	assert.Contains(t, p.Reminders, 30)
	assert.Greater(t, p.Reminders[0], 30, "and once before")
	assert.Equal(t, 0, p.Reminders[len(p.Reminders)-1], "and on the day itself")
	v := enrollment.Vital{Held: true, Expires: t0.Add(30 * day), Answer: enrollment.Accepted}
	assert.Equal(t, enrollment.Expiring, enrollment.HealthOf(v, p, t0))
}

// Providers with many customers drowned in alarms that came every day again. A level is reached once, because levels
// only fall, and asking Apple once a day is the default.
func TestPain22_NoAlarmIsRepeatedDaily(t *testing.T) {
	p := enrollment.DefaultPolicy()
	falling := slices.Clone(p.Reminders)
	slices.Reverse(falling)
	require.IsIncreasing(t, falling)
	require.Len(t, p.Reminders, 7, "seven reminders in the last two months, not sixty")
	require.GreaterOrEqual(t, p.ProbeEvery, day)
	require.Error(t, p.With(enrollment.PolicyChange{Reminders: []int{3, 3, 3}}).Validate())
}
