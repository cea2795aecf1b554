package enrollment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
)

const day = 24 * time.Hour

// The whole table of what is known: how far the expiry is, Apple's last definite answer, how long it has been silent.
func TestHealthTruthTable(t *testing.T) {
	p := enrollment.DefaultPolicy()
	expiries := []struct {
		name string
		at   time.Time
	}{{"expired", t0}, {"in a month", t0.Add(p.ExpiringWithin)}, {"far", t0.Add(p.ExpiringWithin + time.Microsecond)}, {"unknown", time.Time{}}}
	answers := []enrollment.Answer{enrollment.NoAnswer, enrollment.Accepted, enrollment.AnswerRejected, enrollment.AnswerTerms}
	silences := []struct {
		name  string
		since time.Time
	}{{"answers", time.Time{}}, {"silent now", t0}, {"almost", t0.Add(-p.UnreachableAfter + time.Microsecond)}, {"for long", t0.Add(-p.UnreachableAfter)}}

	for _, e := range expiries {
		for _, a := range answers {
			for _, s := range silences {
				var want enrollment.Health
				switch long := s.name == "for long"; {
				case e.name == "expired":
					want = enrollment.Expired
				case a == enrollment.AnswerRejected:
					want = enrollment.Rejected
				case a == enrollment.AnswerTerms:
					want = enrollment.TermsPending
				case e.name == "in a month":
					want = enrollment.Expiring
				case long:
					want = enrollment.Unreachable
				case a == enrollment.NoAnswer:
					want = enrollment.NeverChecked
				default:
					want = enrollment.Active
				}
				v := enrollment.Vital{Held: true, Expires: e.at, Answer: a, Unanswered: s.since}
				assert.Equal(t, want, enrollment.HealthOf(v, p, t0), "expiry %s, answer %q, %s", e.name, a, s.name)
				v.Held = false
				assert.Equal(t, enrollment.Missing, enrollment.HealthOf(v, p, t0), "nothing is held")
			}
		}
	}
}

func TestHealthChangesAtTheInstant(t *testing.T) {
	p := enrollment.DefaultPolicy()
	v := enrollment.Vital{Held: true, Expires: t0, Answer: enrollment.Accepted}
	at := func(d time.Duration) enrollment.Health { return enrollment.HealthOf(v, p, t0.Add(d)) }
	assert.Equal(t, enrollment.Active, at(-30*day-1))
	assert.Equal(t, enrollment.Expiring, at(-30*day))
	assert.Equal(t, enrollment.Expiring, at(-1))
	assert.Equal(t, enrollment.Expired, at(0))
}

func vitals() *rapid.Generator[enrollment.Vital] {
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		return t0.Add(time.Duration(rapid.Int64Range(-int64(60*day), int64(60*day)).Draw(t, "microseconds")).Truncate(time.Microsecond))
	})
	return rapid.Custom(func(t *rapid.T) enrollment.Vital {
		return enrollment.Vital{
			Held: rapid.IntRange(0, 9).Draw(t, "held") > 0, Expires: instant.Draw(t, "expires"), Unanswered: instant.Draw(t, "silent since"),
			Answer: rapid.SampledFrom([]enrollment.Answer{
				enrollment.NoAnswer, enrollment.Accepted, enrollment.AnswerRejected, enrollment.AnswerTerms,
			}).Draw(t, "answer"),
		}
	})
}

// Whoever sleeps until the next change misses nothing: the health holds until then, and changes then.
func TestNextHealthChangeIsTheNextOne(t *testing.T) {
	p := enrollment.DefaultPolicy()
	rapid.Check(t, func(t *rapid.T) {
		v := vitals().Draw(t, "vital")
		now := t0.Add(time.Duration(rapid.Int64Range(-int64(90*day), int64(90*day)).Draw(t, "now")))
		health, next := enrollment.HealthOf(v, p, now), enrollment.NextHealthChange(v, p, now)
		until := now.Add(400 * day)
		if !next.IsZero() {
			require.True(t, next.After(now))
			require.NotEqual(t, health, enrollment.HealthOf(v, p, next), "at %v", next)
			until = next.Add(-time.Microsecond)
		}
		if !until.After(now) {
			return
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(until.Sub(now))).Draw(t, "between")))
		for _, at := range []time.Time{between, until} {
			require.Equal(t, health, enrollment.HealthOf(v, p, at), "at %v, before the next change %v", at, next)
		}
	})
}

// A year, waking up only when told to, shows every health that there is to see.
func TestAYearOfHealth(t *testing.T) {
	p := enrollment.DefaultPolicy()
	v := enrollment.Vital{Held: true, Expires: t0.Add(365 * day), Answer: enrollment.Accepted, Unanswered: t0.Add(100 * day)}
	var seen []enrollment.Health
	for now := t0; ; {
		seen = append(seen, enrollment.HealthOf(v, p, now))
		if now = enrollment.NextHealthChange(v, p, now); now.IsZero() {
			break
		}
	}
	require.Equal(t, []enrollment.Health{enrollment.Active, enrollment.Unreachable, enrollment.Expiring, enrollment.Expired}, seen)
}

func TestACauseOfARejectionIsNamedOnce(t *testing.T) {
	out, usual := enrollment.RejectionCauses(true), enrollment.RejectionCauses(false)
	assert.ElementsMatch(t, out, usual)
	assert.Len(t, out, 5)
	assert.Equal(t, enrollment.CauseReplaced, out[0], "a later download is the likeliest")
	assert.Equal(t, enrollment.CauseNewKey, out[1], "with a certificate on its way, its Save is the next")
}
