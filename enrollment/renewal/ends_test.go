package renewal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// answer is what a stubborn world says to everything that a renewal wants done.
type answer struct {
	name    string
	outcome enrollment.Outcome
	code    enrollment.Code
	after   time.Duration
	verdict string // of the verdicts, for a candidate; empty: outcome and code
}

func stubborn() []answer {
	return []answer{
		{name: "ok", outcome: enrollment.OK, verdict: "verified: the same identity"},
		{name: "ok, but foreign", outcome: enrollment.OK, verdict: "verified: another service"},
		{name: "ok, but another organization", outcome: enrollment.OK, verdict: "verified: another organization"},
		{name: "ok, but taken", outcome: enrollment.OK, verdict: "verified: a service of another tenant"},
		{name: "retry", outcome: enrollment.Retry},
		{name: "retry, much later", outcome: enrollment.Retry, after: 200 * year},
		{name: "fatal", outcome: enrollment.Fatal},
		{name: "unknown", outcome: enrollment.Unknown},
		{name: "rejected", outcome: enrollment.Fatal, code: enrollment.CodeRejected},
		{name: "denied", outcome: enrollment.Fatal, code: enrollment.CodeAccessDenied},
		{name: "terms", outcome: enrollment.Fatal, code: enrollment.CodeTermsPending},
		{name: "nonsense", outcome: "maybe"},
	}
}

func (a answer) to(w world, x enrollment.Effect, now time.Time) renewal.Event {
	result := enrollment.Result{Effect: x.ID, Outcome: a.outcome, RetryAfter: a.after}
	if a.code != "" {
		result.Problem = enrollment.NewProblem(a.code)
	}
	switch x.Kind {
	case enrollment.CheckPush:
		return renewal.PushChecked{Result: result, NotAfter: now} // expired, where it is looked at at all
	case enrollment.MakeKey:
		return renewal.KeyMade{Result: result, KeyID: "key_1"}
	case enrollment.VerifyToken:
		for _, ev := range verdicts() {
			if ev.Name == a.verdict {
				return ev.Of(w, now)
			}
		}
		return renewal.Verified{Result: result, Server: w.Server}
	}
	return renewal.Notified{Result: result}
}

// Whatever the world answers, and however often it says the same, every renewal ends within the life of its candidate.
func TestEveryRenewalEnds(t *testing.T) {
	t.Parallel()
	p := policy
	p.RecheckEvery = 8 * hour // fewer steps, the same way
	longest := 0
	for _, row := range shapes(t) {
		for _, a := range stubborn() {
			ended, err := machineUnder(p).Run(row.S, row.At, machinetest.World[world, renewal.Event]{
				Answer: a.to, Tick: renewal.Ticked{}, Steps: 10000, For: 3 * year,
			})
			require.NoError(t, err, "%s, %s", row.Name, a.name)
			require.True(t, ended.Rests, "%s, %s: after three years it is still %s", row.Name, a.name, ended.S.Run.State)
			assert.Less(t, ended.At.Sub(noon), 500*day, "%s, %s", row.Name, a.name)
			longest = max(longest, ended.Steps)
		}
	}
	t.Logf("the longest took %d steps", longest)
}

// A watch lives until its credential is retired. Until then it keeps its pace, whatever the world answers, and then ends.
func TestEveryWatchKeepsItsPaceAndEndsWhenRetired(t *testing.T) { ofEach(t, everyWatchEnds) }

func everyWatchEnds(t *testing.T, k watched) {
	for _, row := range k.shapes(t) {
		for _, a := range stubborn() {
			for _, said := range []enrollment.Answer{enrollment.NoAnswer, enrollment.Accepted, enrollment.AnswerRejected, enrollment.AnswerTerms} {
				w := machinetest.World[renewal.Watch, renewal.WatchEvent]{
					Answer: func(_ renewal.Watch, x enrollment.Effect, _ time.Time) renewal.WatchEvent {
						result := enrollment.Result{Effect: x.ID, Outcome: a.outcome, RetryAfter: a.after}
						if x.Kind == enrollment.SendNotice {
							return renewal.WatchNotified{Result: result}
						}
						return renewal.Probed{Result: result, Answer: said}
					},
					Tick: renewal.WatchTicked{}, Steps: 5000, For: 60 * day,
				}
				m := watchMachine()
				lived, err := m.Run(row.S, row.At, w)
				require.NoError(t, err, "%s, %s, %s", row.Name, a.name, said)
				assert.Equal(t, !m.Live(row.S), lived.Rests, row.Name)
				assert.Less(t, lived.Steps, 60*24*4, "%s, %s: at most a probe and a retried notice in an hour", row.Name, a.name)
				retired, err := m.Step(lived.S, lived.At, renewal.CredentialRetired{})
				require.NoError(t, err)
				w.For = year
				ended, err := m.Run(retired.Next, lived.At, w)
				require.NoError(t, err)
				assert.True(t, ended.Rests, "%s, %s: it does not end", row.Name, a.name)
			}
		}
	}
}
