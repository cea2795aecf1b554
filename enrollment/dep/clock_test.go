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

func TestClockSkewIsTold(t *testing.T) {
	w := newWorld(t, appletest.Options{Behavior: appletest.Behavior{ClockSkew: 2 * time.Minute}})
	c := w.client(t, dep.Options{})
	_, known := c.ClockSkew()
	assert.False(t, known, "before the first answer")
	_, err := c.Account(t.Context())
	require.NoError(t, err)
	skew, known := c.ClockSkew()
	assert.True(t, known)
	assert.InDelta(t, 2*time.Minute, skew, float64(5*time.Second))

	v, err := dep.NewVerifier(dep.Options{Transport: w.apple.Transport()})
	require.NoError(t, err)
	_, err = v.Account(t.Context(), w.download(t))
	require.NoError(t, err)
	skew, known = v.ClockSkew()
	assert.True(t, known)
	assert.InDelta(t, 2*time.Minute, skew, float64(5*time.Second))
}

// Apple refuses a good token for a wrong clock exactly as it refuses a dead one. It must not be called dead.
func TestThreat16_AWrongClockIsNotADeadToken(t *testing.T) {
	for _, skew := range []time.Duration{6 * time.Minute, -6 * time.Minute} {
		w := newWorld(t, appletest.Options{Behavior: appletest.Behavior{ClockSkew: skew}})
		c := w.client(t, dep.Options{})
		_, err := c.Account(t.Context())
		require.ErrorIs(t, err, dep.ErrClock)
		require.NotErrorIs(t, err, abmtoken.ErrRejected)
		require.ErrorContains(t, err, "this machine's clock differs from Apple's by")
		assert.Equal(t, enrollment.Retry, dep.Outcome(err))
	}
	w := newWorld(t, appletest.Options{Behavior: appletest.Behavior{ClockSkew: 4 * time.Minute}})
	old := w.download(t)
	w.download(t)
	_, err := w.clientOf(t, abmtoken.Static(old), dep.Options{}).Account(t.Context())
	require.ErrorIs(t, err, abmtoken.ErrRejected, "a small difference is no excuse")
}

// late is a transport whose process is stopped after a request was signed, before it leaves.
type late struct {
	http.RoundTripper
	stop func()
}

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	l.stop()
	return l.RoundTripper.RoundTrip(r)
}

// A process that was stopped for minutes between signing and sending is refused as if its clock were wrong, although it is
// right by the time of the answer. The token is none the worse for it.
func TestThreat16_ALateRequestIsNotADeadToken(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	w := newWorld(t, appletest.Options{Now: now})
	o := dep.Options{Now: now, Transport: late{w.apple.Transport(), func() { at = at.Add(6 * time.Minute) }}}
	_, err := w.client(t, o).Account(t.Context())
	require.ErrorIs(t, err, dep.ErrClock)
	require.NotErrorIs(t, err, abmtoken.ErrRejected)
	assert.Equal(t, enrollment.Retry, dep.Outcome(err))
}
