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

// most bounds an exploration; fewer snapshots in a short run.
func most(n int) int {
	if testing.Short() {
		return n / 2
	}
	return n
}

// Everything that can be reached from a start is walked through: each snapshot knows when to go on, owes nothing at rest
// but notices, and reads the same after it was stored; what a user interface may offer agrees with what is taken.
func TestExploreRenewal(t *testing.T) {
	t.Parallel()
	exploreRenewal(t, events(), []time.Duration{3 * day}, 60)
}

// With the plainest variant of each event only, the walk goes deep.
func TestExploreRenewalDeeply(t *testing.T) {
	t.Parallel()
	plain := []string{
		"override_push: with a reason", "certificate", "certificate_taken", "confirm: by a person", "recheck", "cancel",
		"push_checked: valid", "push_checked: expired", "push_checked: no answer", "key_made: done",
		"upload: the candidate again", "upload: the newest", "upload: older than the active one",
		"verified: the same identity", "verified: another organization", "verified: rejected", "verified: terms pending",
		"verified: unreachable", "token_replaced: by the newest", "tick: the reminder is due", "tick: the wait is over",
		"notified: delivered",
	}
	some := slices.DeleteFunc(events(), func(ev event) bool { return !slices.Contains(plain, ev.Name) })
	require.Len(t, some, len(plain))
	exploreRenewal(t, some, nil, 250)
}

func exploreRenewal(t *testing.T, events []event, jumps []time.Duration, snapshots int) {
	t.Helper()
	seen, err := machine().Explore(machinetest.Exploration[world, renewal.Event]{
		Start: shapes(t), Events: events, Jumps: jumps, Most: most(snapshots), Essence: essence,
		CheckStep: func(before world, now time.Time, _ event, after world, _ error) error {
			if before.Run.Revision == after.Run.Revision {
				return nil
			}
			return offers(after, now)
		},
	})
	require.NoError(t, err)
	t.Logf("%d snapshots, %d edges, complete: %v: %v", seen.Snapshots, seen.Edges, seen.Complete, seen.States)
	for _, state := range renewal.States() {
		assert.Positive(t, seen.States[string(state)], "%s was never reached", state)
	}
}

// essence leaves out of a renewal what is kept for people only.
func essence(w world) world {
	strip := func(c renewal.Candidate) renewal.Candidate {
		c.UploadedBy, c.UploadedAt, c.Secret, c.ConsumerKey = enrollment.Actor{}, time.Time{}, "", ""
		return c
	}
	r := w.Run
	r.StartedAt, r.EndedAt, r.Warnings, r.TokenExpires = time.Time{}, time.Time{}, nil, time.Time{}
	if r.Key != nil {
		r.Key = &renewal.Key{OutAt: r.Key.OutAt}
	}
	for _, c := range []**renewal.Candidate{&r.Candidate, &r.Refused} {
		if *c != nil {
			stripped := strip(**c)
			*c = &stripped
		}
	}
	r.Spares = slices.Clone(r.Spares)
	for i := range r.Spares {
		r.Spares[i] = strip(r.Spares[i])
	}
	r.Pending = slices.Clone(r.Pending)
	for i := range r.Pending {
		r.Pending[i].Secret = ""
		if r.Pending[i].Notice != nil {
			r.Pending[i].Notice, r.Pending[i].Attempt = nil, 0
		}
	}
	w.Run = r
	if w.Server.Token != nil {
		w.Server.Token = &enrollment.Token{Fingerprint: w.Server.Token.Fingerprint, Expires: w.Server.Token.Expires}
	}
	w.Server.Pin, w.Server.Admin = enrollment.Pin{ServerUUID: w.Server.Pin.ServerUUID, OrgID: w.Server.Pin.OrgID}, ""
	return w
}

// watchEssence does the same for a watch.
func watchEssence(w renewal.Watch) renewal.Watch {
	w.AnsweredAt, w.Since, w.Reason, w.Problem, w.Failures = time.Time{}, time.Time{}, "", nil, min(w.Failures, 1)
	w.Pending = slices.Clone(w.Pending)
	for i, x := range w.Pending {
		if x.Notice != nil {
			w.Pending[i].Notice, w.Pending[i].Attempt = &enrollment.Notice{Kind: x.Notice.Kind, Cleared: x.Notice.Cleared}, 0
		}
	}
	return w
}

// offers demands that what Allowed offers is taken, and that what would change something is offered.
func offers(w world, now time.Time) error {
	for _, by := range []enrollment.Actor{tess, robot} {
		offered := w.Run.Allowed(policy, now, by)
		for _, ev := range []renewal.Event{
			renewal.TokenUploaded{By: by, Token: tokenOf("offered", 3*year), Server: w.Server},
			renewal.CertificateRequested{By: by}, renewal.PushOverridden{By: by, Reason: "asked"},
			renewal.Confirmed{By: by, Server: w.Server}, renewal.RecheckRequested{By: by}, renewal.CancelRequested{By: by},
		} {
			tr, err := w.Run.Step(policy, now, ev)
			is := slices.Contains(offered, ev.Name())
			useful := ev.Name() != renewal.EventOverridePush || code(w.Run.Problem) == string(enrollment.CodePushExpired)
			switch {
			case is && err != nil:
				return fmt.Errorf("%s is offered to a %s and refused: %w", ev.Name(), by.Kind, err)
			case !is && tr.Moved && useful:
				return fmt.Errorf("%s would be taken from a %s in %s and is not offered", ev.Name(), by.Kind, w.Run.State)
			}
		}
	}
	return nil
}

func TestExploreWatch(t *testing.T) {
	ofEach(t, func(t *testing.T, k watched) {
		seen, err := watchMachine().Explore(machinetest.Exploration[renewal.Watch, renewal.WatchEvent]{
			Start: k.shapes(t), Events: k.events(), Jumps: []time.Duration{hour}, Most: most(120), Essence: watchEssence,
			CheckStep: func(before renewal.Watch, now time.Time, ev watchEvent, after renewal.Watch, _ error) error {
				return noFlip(before, after, now, ev.Name)
			},
		})
		require.NoError(t, err)
		t.Logf("%d snapshots, %d edges, complete: %v: %v", seen.Snapshots, seen.Edges, seen.Complete, seen.States)
		for _, state := range renewal.WatchStates() {
			assert.Positive(t, seen.States[string(state)], "%s was never reached", state)
		}
	})
}

// noFlip demands that nothing but a definite answer, a new credential or the passing of time changes a health.
func noFlip(before, after renewal.Watch, now time.Time, by string) error {
	was, is := before.Health(policy, now), after.Health(policy, now)
	if was == is {
		return nil
	}
	for _, definite := range []string{
		"credential_activated: verified", "credential_activated: unverified", "credential_activated: close to its end",
		"credential_activated: without an expiry", "probed: accepted", "probed: accepted, of another service", "probed: accepted, of another issuer", "probed: rejected",
		"probed: terms pending", "host_answered: accepted", "host_answered: rejected", "host_answered: terms pending",
	} {
		if by == definite {
			return nil
		}
	}
	return fmt.Errorf("the health went from %s to %s without an answer", was, is)
}

// Steps from one snapshot share nothing that they change, so that a host may try one and take another.
func TestStepsShareNothing(t *testing.T) {
	t.Parallel()
	rows, watched := shapes(t), append(tokenWatched().shapes(t), pushWatched().shapes(t)...)
	for i := range rows {
		r := &rows[i].S.Run
		r.Pending, r.Spares, r.Warnings = slices.Grow(r.Pending, 4), slices.Grow(r.Spares, 4), slices.Grow(r.Warnings, 4)
	}
	for i := range watched {
		w := &watched[i].S
		w.Pending, w.Open = slices.Grow(w.Pending, 4), slices.Grow(w.Open, 4)
	}
	require.NoError(t, machine().Apart(rows, events()))
	require.NoError(t, watchMachine().Apart(watched, append(tokenWatched().events(), pushWatched().events()...)))
}
