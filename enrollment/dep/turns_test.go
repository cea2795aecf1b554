package dep_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// How long four calls at the same time take, each a second, says whether they went together or one by one.
func TestWhichCallsGoTogether(t *testing.T) {
	for _, c := range []struct {
		name   string
		apple  appletest.Behavior
		expire bool
		want   time.Duration
	}{
		{name: "calls that share a session", want: time.Second},
		{name: "calls whose session an answer may replace", apple: appletest.Behavior{RotateSessions: true}, want: 4 * time.Second},
		{name: "calls that are repeated for their session", expire: true, want: (1 + 4) * time.Second}, // refused together,
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, appletest.Options{Now: inBubble, Behavior: c.apple})
				client := w.client(t, dep.Options{Now: inBubble})
				require.NoError(t, only(client.Account(t.Context())))
				if c.expire {
					w.apple.ExpireSessions()
				}
				w.apple.Fail(appletest.Fault{Kind: appletest.Latency, Delay: time.Second, Path: "/account"})
				begin := time.Now()
				require.NoError(t, together(4, func() error { return only(client.Account(t.Context())) }))
				assert.Equal(t, c.want, time.Since(begin))
			})
		})
	}
}

// Apple may repeat the session that it was asked with: that replaces nothing.
func TestASessionThatIsRepeatedKeepsCallsTogether(t *testing.T) {
	both, arrived := make(chan struct{}), make(chan struct{}, 2)
	first := true
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-ADM-Auth-Session", r.Header.Get("X-ADM-Auth-Session"))
		if first {
			first = false
		} else {
			arrived <- struct{}{}
			select {
			case <-both:
			case <-r.Context().Done():
			}
		}
		_, _ = w.Write([]byte(`{}`))
	}, dep.Options{})
	require.NoError(t, only(c.Account(t.Context())))
	go func() {
		<-arrived
		<-arrived
		close(both)
	}()
	patient, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	require.NoError(t, together(2, func() error { return only(c.Account(patient)) }), "one waited for the other")
}

// Who waits for his turn leaves when his context ends, and takes no turn with him.
func TestWhoWaitsForHisTurnLeavesWhenHisContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, appletest.Options{Now: inBubble, Behavior: appletest.Behavior{RotateSessions: true}})
		c := w.client(t, dep.Options{Now: inBubble})
		require.NoError(t, only(c.Account(t.Context())))
		w.apple.Fail(appletest.Fault{Kind: appletest.Latency, Delay: 10 * time.Second, Path: "/account", Times: 1})
		slow := make(chan error, 1)
		go func() { slow <- only(c.Account(t.Context())) }()
		synctest.Wait()
		for range 40 { // more than there are turns
			impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			require.ErrorIs(t, write(impatient, c, "A"), context.DeadlineExceeded)
			cancel()
		}
		require.NoError(t, <-slow)
		require.NoError(t, only(c.Account(t.Context())))
		assert.Zero(t, w.apple.Count("POST", "/profile/devices"))
	})
}
