package dep_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// write and read are a call that changes something and one that only asks, both at /profile/devices or /devices.
func write(ctx context.Context, c *dep.Client, serial string) error {
	_, err := c.AssignProfile(ctx, "P", serial)
	return err
}

func read(ctx context.Context, c *dep.Client, serial string) error {
	_, err := c.DeviceDetails(ctx, serial)
	return err
}

// For everything that can go wrong on the way, an answer that never came is no answer: what Apple may have done is
// Unknown, and never taken for "did not happen".
func TestOutcomesOfEverythingThatGoesWrong(t *testing.T) {
	unknown, retry, ok := enrollment.Unknown, enrollment.Retry, enrollment.OK
	for _, c := range []struct {
		fault       appletest.Fault
		write, read enrollment.Outcome
	}{
		{appletest.Fault{Kind: appletest.Down}, retry, retry}, // no connection: nothing was sent
		{appletest.Fault{Kind: appletest.CutBefore}, unknown, retry},
		{appletest.Fault{Kind: appletest.CutAfter}, unknown, retry},
		{appletest.Fault{Kind: appletest.CutDuring}, unknown, retry},
		{appletest.Fault{Kind: appletest.Latency, Delay: time.Hour}, unknown, retry},
		{appletest.Fault{Kind: appletest.SlowBody, Delay: time.Hour}, unknown, retry},
		{appletest.Fault{Kind: appletest.SlowBody, Delay: time.Millisecond}, ok, ok},
		{appletest.Fault{Kind: appletest.WrongStatus}, unknown, retry},
		{appletest.Fault{Kind: appletest.WrongStatus, Status: 302}, unknown, retry},
		{appletest.Fault{Kind: appletest.WrongStatus, Status: 408}, unknown, retry},
		{appletest.Fault{Kind: appletest.WrongStatus, Status: 201}, unknown, retry},
		{appletest.Fault{Kind: appletest.Garbage}, unknown, retry},
		{appletest.Fault{Kind: appletest.Oversized}, unknown, retry},
		{appletest.Fault{Kind: appletest.Redirect}, unknown, retry},
		{appletest.Fault{Kind: appletest.Status, Status: 500}, unknown, retry},
		{appletest.Unavailable(0), unknown, retry},
		{appletest.Unavailable(time.Minute), unknown, retry},
		{appletest.Throttled(time.Minute), retry, retry},
		{appletest.Fault{Kind: appletest.Status, Status: 403, Code: "WHATEVER"}, retry, retry},
		{appletest.Fault{Kind: appletest.Status, Status: 401}, retry, retry},
		{appletest.Fault{Kind: appletest.Status, Status: 413}, retry, retry},
		{appletest.Fault{Kind: appletest.Status, Status: 415}, retry, retry},
	} {
		t.Run(fmt.Sprint(c.fault.Kind, c.fault.Status, c.fault.Delay), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for want, do := range map[string]func(context.Context, *dep.Client, string) error{"write": write, "read": read} {
					w := newWorld(t, appletest.Options{Now: inBubble})
					serial := w.devices(t, 1)[0]
					client := w.client(t, dep.Options{MaxPage: 1 << 20, Now: inBubble})
					uuid := profile(t, client)
					fault := c.fault
					fault.Path = map[string]string{"write": "/profile/devices", "read": "/devices"}[want]
					end := w.apple.Fail(fault)
					before := w.apple.Count("POST", fault.Path)
					var err error
					if want == "write" {
						_, err = client.AssignProfile(t.Context(), uuid, serial)
					} else {
						err = do(t.Context(), client, serial)
					}
					expected := map[string]enrollment.Outcome{"write": c.write, "read": c.read}[want]
					assert.Equal(t, expected, dep.Outcome(err), "%s: %v", want, err)
					assert.Equal(t, expected == unknown, errors.Is(err, dep.ErrUnknown))
					synctest.Wait() // the fake notes a request when it is done with it
					times := w.apple.Count("POST", fault.Path) - before
					if fault.Status != 401 {
						assert.Equal(t, 1, times, "%s: nothing but a refused session is repeated", want)
					}
					end()
				}
			})
		})
	}
}

// A session that cannot be opened is before the request: nothing was sent.
func TestAWriteWithoutASessionDidNotHappen(t *testing.T) {
	for _, fault := range []appletest.Fault{
		{Kind: appletest.CutAfter}, {Kind: appletest.Garbage}, {Kind: appletest.Status, Status: 500}, {Kind: appletest.Redirect},
	} {
		w := newWorld(t, appletest.Options{})
		client := w.client(t, dep.Options{})
		fault.Path = "/session"
		w.apple.Fail(fault)
		err := write(t.Context(), client, "A")
		require.Error(t, err)
		assert.Equal(t, enrollment.Retry, dep.Outcome(err), "%s: %v", fault.Kind, err)
		assert.Zero(t, w.apple.Count("POST", "/profile/devices"))
	}
}

// A connection that is reset after the request was read is an error of the network like the one of a connection that
// never came about, and means the opposite.
func TestAResetConnectionProvesNothing(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			assert.NoError(t, conn.(*net.TCPConn).SetLinger(0))
			assert.NoError(t, conn.Close())
		}
	}, dep.Options{})
	err := write(t.Context(), c, "A")
	require.ErrorContains(t, err, "reset")
	assert.Equal(t, enrollment.Unknown, dep.Outcome(err))
	assert.Equal(t, enrollment.Retry, dep.Outcome(read(t.Context(), c, "A")))
}

func TestACallThatNeverBeganDidNotHappen(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	client := w.client(t, dep.Options{})
	_, err := client.Account(t.Context())
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // where a call notices its end is a matter of chance
		err = write(ended, client, "A")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, enrollment.Retry, dep.Outcome(err))
	}
	assert.Zero(t, w.apple.Count("POST", "/profile/devices"))
}

func TestOutcomeOfTheRest(t *testing.T) {
	assert.Equal(t, enrollment.OK, dep.Outcome(nil))
	for _, err := range []error{dep.ErrInput, dep.ErrOptions, dep.ErrFIPS, fmt.Errorf("a host says: %w", dep.ErrCursor)} {
		assert.Equal(t, enrollment.Fatal, dep.Outcome(err), "%v", err)
	}
	for _, err := range []error{dep.ErrAnswer, dep.ErrLoop, dep.ErrClock, dep.ErrAddress, dep.ErrThrottled, context.Canceled, errors.New("else")} {
		assert.Equal(t, enrollment.Retry, dep.Outcome(err), "%v", err)
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, appletest.Options{Now: inBubble})
		client := w.client(t, dep.Options{Timeout: 5 * time.Second, Now: inBubble})
		w.apple.Fail(appletest.Fault{Kind: appletest.Latency, Delay: time.Hour})
		begin := time.Now()
		_, err := client.Account(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var slow interface{ Timeout() bool }
		require.ErrorAs(t, err, &slow)
		assert.True(t, slow.Timeout())
		assert.Equal(t, 5*time.Second, time.Since(begin))

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		_, err = client.Account(short)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(begin), "the caller's own deadline counts if it is earlier")
		<-time.After(time.Hour) // the session that was asked for ends by itself: see the promise of Client
	})
}
