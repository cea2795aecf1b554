package renewal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// Everything that can be reached from any shape is walked through.
func TestExplorePushRenewal(t *testing.T) {
	t.Parallel()
	seen, err := pushes().Explore(machinetest.Exploration[pushWorld, renewal.PushEvent]{
		Start: pushShapes(t), Events: pushEvents(), Jumps: []time.Duration{2 * day}, Most: most(120), Essence: pushEssence,
		CheckStep: func(before pushWorld, now time.Time, ev pushEvent, after pushWorld, _ error) error {
			if err := keepsReach(before, after, ev.Name); err != nil {
				return err
			}
			return pushOffers(after, now)
		},
	})
	require.NoError(t, err)
	t.Logf("%d snapshots, %d edges, complete: %v: %v", seen.Snapshots, seen.Edges, seen.Complete, seen.States)
	for _, state := range renewal.PushStates() {
		assert.Positive(t, seen.States[string(state)], "%s was never reached", state)
	}
}

// pushEssence leaves out of a renewal what is kept for people only.
func pushEssence(w pushWorld) pushWorld {
	r := w.Run
	r.StartedAt, r.EndedAt, r.Warnings = time.Time{}, time.Time{}, nil
	if r.Key != nil {
		r.Key = &renewal.Key{}
	}
	if c := r.Candidate; c != nil {
		r.Candidate = &renewal.PushCandidate{Fingerprint: c.Fingerprint, Topic: c.Topic, Expires: c.Expires}
	}
	r.Pending = slices.Clone(r.Pending)
	for i, x := range r.Pending {
		r.Pending[i].Secret = ""
		if x.Notice != nil {
			r.Pending[i].Notice, r.Pending[i].Attempt = nil, 0
		}
	}
	w.Run = r
	return w
}

// keepsReach demands that no step leaves devices without a certificate that they listen to.
func keepsReach(before, after pushWorld, by string) error {
	was, is := before.Push, after.Push
	switch {
	case was.Certificate == nil:
		return nil
	case is.Certificate == nil:
		return fmt.Errorf("%s leaves no certificate", by)
	case was.Certificate.Topic != is.Certificate.Topic && by != "probed: accepted, another topic meanwhile":
		return fmt.Errorf("%s changes the topic", by)
	case was.Certificate.Fingerprint != is.Certificate.Fingerprint && !is.Certificate.Proven() && is.Previous == nil:
		return fmt.Errorf("%s keeps nothing beside a certificate that Apple has not accepted", by)
	}
	return nil
}

// pushOffers demands that what Allowed offers is taken, and that what would change something is offered.
func pushOffers(w pushWorld, now time.Time) error {
	offered := w.Run.Allowed(policy, now, tess)
	up := pushOf("offered", 3*year)
	for _, ev := range []renewal.PushEvent{
		renewal.CertificateUploaded{By: tess, Certificate: up, Push: w.Push},
		renewal.RequestTaken{By: tess}, renewal.RecheckRequested{By: tess}, renewal.CancelRequested{By: tess},
	} {
		tr, err := w.Run.Step(policy, now, ev)
		switch is := slices.Contains(offered, ev.Name()); {
		case is && err != nil:
			return fmt.Errorf("%s is offered and refused: %w", ev.Name(), err)
		case !is && tr.Moved:
			return fmt.Errorf("%s would be taken in %s and is not offered", ev.Name(), w.Run.State)
		}
	}
	return nil
}

// Steps from one snapshot share nothing that they change.
func TestPushStepsShareNothing(t *testing.T) {
	t.Parallel()
	rows := pushShapes(t)
	for i := range rows {
		r := &rows[i].S.Run
		r.Pending, r.Warnings = slices.Grow(r.Pending, 4), slices.Grow(r.Warnings, 4)
	}
	require.NoError(t, pushes().Apart(rows, pushEvents()))
}

// pushAnswer is what a stubborn world says to everything that a push certificate's renewal wants done.
func pushAnswer(a answer, said enrollment.Answer) func(pushWorld, enrollment.Effect, time.Time) renewal.PushEvent {
	return func(w pushWorld, x enrollment.Effect, _ time.Time) renewal.PushEvent {
		result := enrollment.Result{Effect: x.ID, Outcome: a.outcome, RetryAfter: a.after}
		switch x.Kind {
		case enrollment.MakePushKey:
			return renewal.KeyMade{Result: result, KeyID: "key_1"}
		case enrollment.ProbePush:
			return renewal.PushProbed{Result: result, Answer: said, Push: w.Push, Devices: 120}
		}
		return renewal.Notified{Result: result}
	}
}

// pushRun leaves a renewal to itself in a world that always answers the same.
func pushRun(t testing.TB, w pushWorld, at time.Time, a answer, said enrollment.Answer) machinetest.Ended[pushWorld] {
	t.Helper()
	ended, err := pushes().Run(w, at, machinetest.World[pushWorld, renewal.PushEvent]{
		Answer: pushAnswer(a, said), Tick: renewal.PushTicked{}, Steps: 3000, For: year,
	})
	require.NoError(t, err, a.name)
	return ended
}

// Whatever the world answers, and however often it says the same, every renewal ends.
func TestEveryPushRenewalEnds(t *testing.T) {
	t.Parallel()
	longest := 0
	for _, row := range pushShapes(t) {
		for _, a := range stubborn() {
			for _, said := range []enrollment.Answer{enrollment.NoAnswer, enrollment.Accepted, enrollment.AnswerRejected, enrollment.AnswerTerms, "maybe"} {
				ended := pushRun(t, row.S, row.At, a, said)
				require.True(t, ended.Rests, "%s, %s, %s: it is still %s", row.Name, a.name, said, ended.S.Run.State)
				assert.Less(t, ended.At.Sub(row.At), 60*day, "%s, %s, %s", row.Name, a.name, said)
				if row.S.Run.State == renewal.PushProbing && said != enrollment.AnswerRejected {
					assert.Equal(t, renewal.PushCompleted, ended.S.Run.State, "%s, %s, %s", row.Name, a.name, said)
				}
				longest = max(longest, ended.Steps)
			}
		}
	}
	t.Logf("the longest took %d steps", longest)
}
