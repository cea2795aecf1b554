package renewal_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// A host may crash before and after every write and every effect of a push certificate's renewal: nothing is lost, and
// nothing is done twice.
func TestCrashesOfAPushRenewal(t *testing.T) {
	t.Parallel()
	const file, tick = "upload_certificate: renewed", "tick: at once"
	held, bare := startPush(t, pushHeld()), startPush(t, pushBare())
	silent := slices.Repeat([]enrollment.Outcome{enrollment.Unknown}, 40)
	for name, story := range map[string]struct {
		start  pushWorld
		acts   []string
		apart  time.Duration
		apple  []enrollment.Outcome // how the first probes end; after them Apple answers
		says   enrollment.Answer
		ends   renewal.PushState
		in     string // the secret of the certificate in use at the end
		before string // the secret of the one that is kept beside it
	}{
		"the usual way":       {held, []string{"request_taken", file, tick}, hour, nil, enrollment.Accepted, renewal.PushCompleted, "push_renewed", ""},
		"the first one":       {bare, []string{"request_taken", file, tick}, hour, nil, enrollment.Accepted, renewal.PushCompleted, "push_renewed", ""},
		"slowly":              {held, []string{"request_taken", file, tick}, 4 * day, silent[:3], enrollment.Accepted, renewal.PushCompleted, "push_renewed", ""},
		"Apple down":          {held, []string{file, tick, tick}, 2 * day, silent, enrollment.Accepted, renewal.PushCompleted, "push_renewed", "push_active"},
		"proven later":        {held, []string{file, tick, "proven: the one in use"}, 2 * day, silent, enrollment.Accepted, renewal.PushCompleted, "push_renewed", ""},
		"nobody can ask":      {held, []string{file, tick}, hour, []enrollment.Outcome{enrollment.Fatal}, enrollment.Accepted, renewal.PushCompleted, "push_renewed", "push_active"},
		"refused":             {held, []string{"request_taken", file, tick}, hour, nil, enrollment.AnswerRejected, renewal.PushAwaiting, "push_active", ""},
		"two downloads":       {held, []string{file, "upload_certificate: renewed again", "tick: at once", tick}, hour, silent[:4], enrollment.Accepted, renewal.PushCompleted, "push_renewed again", ""},
		"given up":            {held, []string{"request_taken", "cancel", tick}, 5 * day, nil, enrollment.Accepted, renewal.PushCancelled, "push_active", ""},
		"lapsed, and revived": {held, []string{"request_taken", tick, "upload_certificate: renewed again", tick}, 40 * day, nil, enrollment.Accepted, renewal.PushCompleted, "push_renewed again", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var acts []machinetest.Act[pushWorld, renewal.PushEvent]
			for i, act := range story.acts {
				wait := story.apart
				if i == 0 {
					wait = minute // the key was made
				}
				acts = append(acts, machinetest.Act[pushWorld, renewal.PushEvent]{Wait: wait, Event: pushEventOf(t, act)})
			}
			var end pushWorld
			points, err := pushes().CrashEverywhere(machinetest.Story[pushWorld, renewal.PushEvent]{
				Start: story.start, At: noon, Acts: acts, Tick: renewal.PushTicked{},
				Do: func(w pushWorld, x enrollment.Effect, now time.Time) renewal.PushEvent {
					a := answer{outcome: enrollment.OK}
					switch {
					case x.Kind == enrollment.ProbePush && x.Attempt <= len(story.apple):
						a.outcome = story.apple[x.Attempt-1]
					case x.Kind != enrollment.ProbePush && x.Attempt == 1:
						a.outcome = enrollment.Retry
					}
					return pushAnswer(a, story.says)(w, x, now)
				},
				Bare: func(w pushWorld) pushWorld {
					end = w
					w.Run.Revision = 0 // a repeated click counts
					return w
				},
			})
			require.NoError(t, err)
			assert.Equal(t, story.ends, end.Run.State)
			assert.Equal(t, story.in, secretOf(end.Push.Certificate))
			assert.Equal(t, story.before, secretOf(end.Push.Previous))
			assert.Greater(t, points, 8)
			t.Logf("%d points", points)
		})
	}
}

func secretOf(c *enrollment.PushCertificate) string {
	if c == nil {
		return ""
	}
	return c.Secret
}
