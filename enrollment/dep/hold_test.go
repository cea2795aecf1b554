package dep_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

func TestWhoIsAskedToWaitWaits(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	for _, fault := range []appletest.Fault{appletest.Throttled(time.Minute), appletest.Unavailable(time.Minute)} {
		for _, path := range []string{"/account", "/session"} {
			w := newWorld(t, appletest.Options{Now: clock})
			c := w.client(t, dep.Options{Now: clock})
			fault.Path, fault.Times = path, 1
			w.apple.Fail(fault)
			_, err := c.Account(t.Context())
			var e *dep.Error
			require.ErrorAs(t, err, &e)
			require.ErrorIs(t, err, dep.ErrThrottled)
			require.NotErrorIs(t, err, abmtoken.ErrRejected)
			assert.Equal(t, time.Minute, e.RetryAfter())
			assert.False(t, e.Held)
			require.ErrorContains(t, err, "ask again in 1m0s")

			sent := len(w.apple.Requests())
			now = now.Add(59 * time.Second)
			_, err = c.AssignProfile(t.Context(), "P", "A")
			require.ErrorAs(t, err, &e)
			require.ErrorIs(t, err, dep.ErrThrottled)
			assert.True(t, e.Held)
			assert.Equal(t, time.Second, e.RetryAfter())
			assert.Equal(t, enrollment.Retry, dep.Outcome(err), "nothing was sent")
			assert.Contains(t, err.Error(), "was not sent, because Apple asked to wait")
			assert.Len(t, w.apple.Requests(), sent, "and nothing was")

			now = now.Add(time.Second)
			_, err = c.Account(t.Context())
			require.NoError(t, err, "the wait is over")
		}
	}
}

func TestAClockThatWasSetBackEndsAWait(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	w := newWorld(t, appletest.Options{Now: clock})
	c := w.client(t, dep.Options{Now: clock})
	fault := appletest.Throttled(time.Minute)
	fault.Times = 1
	w.apple.Fail(fault)
	_, err := c.Account(t.Context())
	require.ErrorIs(t, err, dep.ErrThrottled)
	now = now.Add(-time.Hour)
	_, err = c.Account(t.Context())
	require.NoError(t, err)
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	ahead := now.Add(time.Hour) // on Apple's clock
	for header, want := range map[string]time.Duration{
		"":                     0,
		"0":                    0,
		"120":                  2 * time.Minute,
		" 7 ":                  7 * time.Second,
		"86400":                24 * time.Hour,
		"86401":                24 * time.Hour,
		"18446744073709551615": 24 * time.Hour,
		"18446744073709551616": 0,
		"-1":                   0,
		"1.5":                  0,
		"soon":                 0,
		ahead.Add(time.Minute).Format(http.TimeFormat):                       time.Minute, // its date counts on its clock
		ahead.Add(-time.Minute).Format(http.TimeFormat):                      0,
		ahead.AddDate(50, 0, 0).Format(http.TimeFormat):                      24 * time.Hour,
		ahead.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05") + " GMT": time.Minute,
	} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", ahead.Format(http.TimeFormat))
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		}, dep.Options{Now: func() time.Time { return now }})
		_, err := c.Account(t.Context())
		var e *dep.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, want, e.RetryAfter(), "%q", header)
		assert.Equal(t, time.Hour, e.Skew)
		require.ErrorIs(t, err, dep.ErrThrottled)
	}
}
