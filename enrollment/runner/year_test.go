package runner_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

// longRun is a host that calls Run and nothing else, on the bubble's clock. The clock of its store may be set, and its
// store fails now and then.
type longRun struct {
	apple *appletest.Apple
	admin *appletest.Admin
	inbox *inbox
	ahead atomic.Int64 // of the store's clock
	calls atomic.Int64
	every int64 // which of the store's calls fail: one in so many; zero: none
	*runner.Runner
}

func newLongRun(t *testing.T, failEvery int64) *longRun {
	<-time.After(time.Until(newClock().Now())) // a bubble begins in a year that knew no tokens
	h := &longRun{inbox: &inbox{}}
	h.apple = appletest.New(appletest.Options{})
	h.admin = h.apple.AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	store := storagetest.Intercept(memory.New(func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }),
		storagetest.Hooks{Before: func(storagetest.Call) error {
			if n := h.calls.Add(1); h.every > 0 && n%h.every == 0 {
				return errFault
			}
			return nil
		}})
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, err)
	verifier, err := dep.NewVerifier(dep.Options{Transport: h.apple.Transport()})
	require.NoError(t, err)
	h.Runner, err = runner.New(runner.Config{Store: store, Sealer: sealer, Verifier: verifier, Notifier: h.inbox})
	require.NoError(t, err)
	h.MakeKeysWith((&keymaker{}).Pair)

	acme := h.Tenant("acme")
	_, err = acme.AddServer(ctx(t), tech, runner.NewServer{ID: theServer, Name: "Acme MDM"})
	require.NoError(t, err)
	run, err := acme.StartRenewal(ctx(t), tech, theServer)
	require.NoError(t, err)
	cert, err := acme.Certificate(ctx(t), tech, run.ID)
	require.NoError(t, err)
	service, err := h.admin.CreateService("Acme MDM", cert.PEM)
	require.NoError(t, err)
	file, _, err := h.admin.DownloadToken(service)
	require.NoError(t, err)
	_, err = acme.UploadToken(ctx(t), tech, runner.Upload{Server: theServer, Confirm: true, File: reader(file)})
	require.NoError(t, err)
	h.every = failEvery
	return h
}

// reminders returns the levels of the expiry notices in the order in which they came, each notice once, and says whether
// each came in its time.
func (h *longRun) reminders(t *testing.T, late time.Duration) (levels []int) {
	seen := map[string]bool{}
	for _, n := range h.inbox.all() {
		if n.Kind != enrollment.NoticeExpiry || seen[n.ID] {
			continue
		}
		seen[n.ID] = true
		levels = append(levels, n.Days)
		reached := n.ExpiresAt.Add(-time.Duration(n.Days) * 24 * time.Hour)
		assert.WithinRange(t, n.At, reached, reached.Add(late), "the reminder of %d days", n.Days)
	}
	return levels
}

func (h *longRun) health(t *testing.T) enrollment.Health {
	for {
		v, err := h.Tenant("acme").Server(ctx(t), theServer)
		if err == nil {
			return v.Health
		}
		require.ErrorIs(t, err, errFault)
	}
}

var everyLevel = []int{60, 30, 14, 7, 3, 1, 0, -7, -14, -21}

// A year and a month of one host that does nothing but call Run, over a store that fails time and again: every reminder
// comes once and in time, and new terms are seen, asked about again and seen to be accepted.
func TestRunThroughAYear(t *testing.T) {
	t.Parallel()
	somePrimes()
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		h := newLongRun(t, 13)
		running, stop := context.WithCancel(ctx(t))
		ended := make(chan error)
		go func() { ended <- h.Run(running, 6*time.Hour) }()

		<-time.After(100 * day)
		assert.Equal(t, enrollment.Active, h.health(t))
		h.admin.Organization().RequireTerms()
		<-time.After(3 * day)
		assert.Equal(t, enrollment.TermsPending, h.health(t))
		require.NoError(t, h.admin.Organization().AcceptTerms(h.admin))
		<-time.After(3 * time.Hour)
		assert.Equal(t, enrollment.Active, h.health(t), "while something is wrong Apple is asked every hour")
		<-time.After(365*day + 22*day - 103*day - 3*time.Hour)

		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
		assert.Equal(t, everyLevel, h.reminders(t, 7*time.Hour), "a run that fails is made up for by the next")
		var terms []bool
		for _, n := range h.inbox.all() {
			if n.Kind == enrollment.NoticeTerms {
				terms = append(terms, n.Cleared)
			}
		}
		assert.Equal(t, []bool{false, true}, slices.Compact(terms))
		assert.GreaterOrEqual(t, h.apple.Count("GET", "/account"), 300, "about once a day")
		assert.LessOrEqual(t, h.apple.Count("GET", "/account"), 500)
	})
}

// The store's clock is set a day forward and a day back, more than once, on the way through the year. Reminders still come
// once each, no good token is called bad, and nothing stands still.
func TestThreat16_AClockThatIsSetOnTheWayThroughTheYear(t *testing.T) {
	t.Parallel()
	somePrimes()
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		h := newLongRun(t, 0)
		running, stop := context.WithCancel(ctx(t))
		ended := make(chan error)
		go func() { ended <- h.Run(running, 6*time.Hour) }()
		for passed, step := time.Duration(0), 0; passed < 300*day; passed, step = passed+10*day, step+1 {
			h.ahead.Store(int64([]time.Duration{0, day, 0, -day}[step%4]))
			<-time.After(10 * day)
			assert.Equal(t, enrollment.Active, h.health(t), "%v after the start", passed)
		}
		// Around each level the clock jumps over it and back.
		for passed := 300 * day; passed < (365+22)*day; passed += 2 * day {
			for _, jump := range []time.Duration{day, 0, -day, 0} {
				h.ahead.Store(int64(jump))
				<-time.After(12 * time.Hour)
			}
		}
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
		levels := h.reminders(t, 2*day)
		// A jump of a day may pass the level of one day unseen, which is then not made up for; no other, and none comes twice.
		once := 0
		levels = slices.DeleteFunc(levels, func(days int) bool {
			if days == 1 {
				once++
			}
			return days == 1
		})
		assert.LessOrEqual(t, once, 1)
		want := slices.DeleteFunc(slices.Clone(everyLevel), func(days int) bool { return days == 1 })
		assert.Equal(t, want, levels)
		assert.GreaterOrEqual(t, h.apple.Count("GET", "/account"), 280, "probes went on")
	})
}
