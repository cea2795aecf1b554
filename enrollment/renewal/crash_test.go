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

// acts finds events by name, for a story in which people act so long after one another.
func acts(t *testing.T, apart time.Duration, names ...string) []machinetest.Act[world, renewal.Event] {
	t.Helper()
	var all []machinetest.Act[world, renewal.Event]
	for i, name := range names {
		for _, ev := range events() {
			if ev.Name == name {
				all = append(all, machinetest.Act[world, renewal.Event]{Wait: min(1, time.Duration(i)) * apart, Event: ev})
			}
		}
	}
	require.Len(t, all, len(names))
	return all
}

// A host may crash before and after every write and every effect: nothing is lost, and nothing is done twice.
func TestCrashesOfARenewal(t *testing.T) {
	t.Parallel()
	// reluctant is a world in which each effect fails first, in the order given, and then works.
	reluctant := func(tokens map[string][]enrollment.Code) func(world, enrollment.Effect, time.Time) renewal.Event {
		return func(w world, x enrollment.Effect, now time.Time) renewal.Event {
			codes := tokens[x.Secret]
			if x.Attempt == 1 && x.Kind != enrollment.VerifyToken {
				return answer{outcome: enrollment.Retry}.to(w, x, now)
			}
			if x.Kind == enrollment.VerifyToken && x.Attempt <= len(codes) {
				return answer{outcome: enrollment.Unknown, code: codes[x.Attempt-1]}.to(w, x, now)
			}
			if x.Kind == enrollment.CheckPush {
				return renewal.PushChecked{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}}
			}
			return answer{outcome: enrollment.OK, verdict: "verified: the same identity"}.to(w, x, now)
		}
	}
	usual, first := start(t, pinned(), enrollment.Expiring), start(t, bare(), enrollment.Missing)
	for name, story := range map[string]struct {
		start world
		acts  []string
		apart time.Duration
		world map[string][]enrollment.Code // what Apple says of a token, before it accepts it
		ends  renewal.State
	}{
		"the usual way": {
			usual, []string{"certificate", "certificate_taken", "upload: the candidate again", "tick: at once"}, hour, nil, renewal.Completed,
		},
		"slowly": {
			usual, []string{"certificate", "certificate_taken", "upload: the candidate again", "tick: at once"}, 4 * day,
			map[string][]enrollment.Code{"tok_again": {enrollment.CodeUnreachable, enrollment.CodeTermsPending, "", enrollment.CodeTermsPending}},
			renewal.Completed,
		},
		"the newer file is no good": {
			usual, []string{"upload: the candidate again", "upload: the newest", "tick: at once", "tick: at once"}, 10 * minute,
			map[string][]enrollment.Code{
				"tok_again":  slices.Repeat([]enrollment.Code{enrollment.CodeUnreachable}, 6),
				"tok_newest": {enrollment.CodeRejected},
			},
			renewal.Completed,
		},
		"a first token": {
			first, []string{"upload: the candidate again", "confirm: by a person", "tick: at once"}, hour, nil, renewal.Completed,
		},
		"given up": {usual, []string{"certificate", "cancel", "tick: at once"}, 5 * day, nil, renewal.Cancelled},
		"revived":  {usual, []string{"cancel", "upload: the candidate again", "tick: at once"}, hour, nil, renewal.Completed},
		"lapsed":   {usual, []string{"certificate", "tick: at once"}, 40 * day, nil, renewal.Lapsed},
	} {
		t.Run(name, func(t *testing.T) {
			var end renewal.State
			points, err := machine().CrashEverywhere(machinetest.Story[world, renewal.Event]{
				Start: story.start, At: noon, Acts: acts(t, story.apart, story.acts...), Tick: renewal.Ticked{}, Do: reluctant(story.world),
				Bare: func(w world) world {
					end = w.Run.State
					w.Run.Revision = 0 // a repeated click counts
					return w
				},
			})
			require.NoError(t, err)
			assert.Equal(t, story.ends, end)
			assert.Greater(t, points, 10)
			t.Logf("%d points", points)
		})
	}
}

func TestCrashesOfAWatch(t *testing.T) { ofEach(t, crashesOfAWatch) }

func crashesOfAWatch(t *testing.T, k watched) {
	var story []machinetest.Act[renewal.Watch, renewal.WatchEvent]
	for _, name := range []string{
		"credential_activated: close to its end", "host_answered: rejected", "check", "certificate_left", "quiet",
		"credential_activated: verified", "check", "credential_retired", "tick: at once",
	} {
		for _, ev := range k.events() {
			if ev.Name != name {
				continue
			}
			if name == "credential_activated: verified" || name == "credential_activated: close to its end" {
				generation, expires := int64(1), 5*day
				if name == "credential_activated: verified" {
					generation, expires = 2, year
				}
				ev.Of = func(_ renewal.Watch, now time.Time) renewal.WatchEvent { // the host repeats the very same fact
					return renewal.CredentialActivated{Generation: generation, Expires: now.Add(expires), Verified: true}
				}
			}
			story = append(story, machinetest.Act[renewal.Watch, renewal.WatchEvent]{Wait: 30 * hour, Event: ev})
		}
	}
	points, err := watchMachine().CrashEverywhere(machinetest.Story[renewal.Watch, renewal.WatchEvent]{
		Start: k.start, At: noon, Acts: story, Tick: renewal.WatchTicked{},
		Do: func(_ renewal.Watch, x enrollment.Effect, _ time.Time) renewal.WatchEvent {
			result := enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
			if x.Kind == enrollment.SendNotice {
				if x.Attempt == 1 {
					result.Outcome = enrollment.Retry
				}
				return renewal.WatchNotified{Result: result}
			}
			return renewal.Probed{Result: result, Answer: enrollment.AnswerRejected}
		},
	})
	require.NoError(t, err)
	t.Logf("%d points", points)
	assert.Greater(t, points, 40)
}
