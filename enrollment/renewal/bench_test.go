package renewal_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// BenchmarkStep takes the steps that a busy installation takes most: time passes and nothing is due; Apple does not answer
// yet; a file is taken; and a whole renewal.
func BenchmarkStep(b *testing.B) {
	rows := shapes(b)
	row := func(name string) renewal.Renewal {
		i := slices.IndexFunc(rows, func(r machinetest.Row[world]) bool { return r.Name == name })
		require.GreaterOrEqual(b, i, 0)
		return rows[i].S.Run
	}
	waiting, verifying := row("awaiting_upload: certificate out"), row("verifying: certificate out")
	silence := enrollment.Result{
		Effect: verifying.Pending[0].ID, Outcome: enrollment.Retry, Problem: enrollment.NewProblem(enrollment.CodeUnreachable),
	}
	up := world{Run: waiting, Server: pinned()}.upload(newToken())
	accepted := renewal.Verified{
		Result: enrollment.Result{Effect: verifying.Pending[0].ID, Outcome: enrollment.OK}, Account: account(), Server: pinned(),
	}
	for _, c := range []struct {
		name string
		from renewal.Renewal
		ev   renewal.Event
	}{
		{"tick", waiting, renewal.Ticked{Health: enrollment.Active}},
		{"no answer", verifying, renewal.Verified{Result: silence}},
		{"upload", waiting, up},
		{"activation", verifying, accepted},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.from.Step(policy, noon, c.ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWatchStep does the same for a watch.
func BenchmarkWatchStep(b *testing.B) {
	held, probing := tokenWatched().story(b).do("credential_activated: verified").w, tokenWatched().story(b).do("credential_activated: verified", "check").w
	result := enrollment.Result{Effect: probing.Pending[0].ID, Outcome: enrollment.OK}
	silence := enrollment.Result{Effect: probing.Pending[0].ID, Outcome: enrollment.Retry}
	for _, c := range []struct {
		name string
		from renewal.Watch
		ev   renewal.WatchEvent
	}{
		{"tick", held, renewal.WatchTicked{}},
		{"check", held, renewal.CheckRequested{By: tess}},
		{"accepted", probing, renewal.Probed{Result: result, Answer: enrollment.Accepted}},
		{"no answer", probing, renewal.Probed{Result: silence}},
		{"host answered", held, renewal.HostAnswered{Generation: 1, Answer: enrollment.Accepted}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.from.Step(policy, noon.Add(hour), c.ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPushStep does the same for the renewal of a push certificate.
func BenchmarkPushStep(b *testing.B) {
	at := func(names ...string) pushWorld {
		return (&pushStory{t: b, w: startPush(b, pushHeld()), now: noon}).do(names...).w
	}
	waiting := at("key_made: done", "request_taken")
	probing := at("key_made: done", "request_taken", "upload_certificate: renewed")
	for _, c := range []struct {
		name  string
		from  pushWorld
		event string
	}{
		{"tick", waiting, "tick: at once"},
		{"upload", waiting, "upload_certificate: renewed"},
		{"no answer", probing, "probed: no answer"},
		{"activation", probing, "probed: accepted"},
	} {
		ev := pushEventOf(b, c.event).Of(c.from, noon)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.from.Run.Step(policy, noon, ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
