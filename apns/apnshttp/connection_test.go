package apnshttp_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
)

// wires remembers the connections that were dialed, to cut them.
type wires struct {
	mu  sync.Mutex
	all []net.Conn
}

func (w *wires) through(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all = append(w.all, conn)
		return conn, err
	}
}

func (w *wires) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.all {
		_ = conn.Close()
	}
}

// inBubble runs a test on a clock of its own, at a time when certificates are valid. It fails where a goroutine outlives
// the client.
func inBubble(t *testing.T, change func(*apnshttp.Options), test func(t *testing.T, w *world)) {
	t.Helper()
	keys()
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)))
		test(t, newWorld(t, change))
	})
}

// A connection may end before the first push went over it. The HTTP/2 library offers it again and again; we do not.
func TestAConnectionThatEndedBeforeItsFirstRequestIsReplaced(t *testing.T) {
	for name, ask := range map[string]func(*world, apns.Certificate) (apnshttp.Result, error){
		"handshake": func(w *world, c apns.Certificate) (apnshttp.Result, error) { return w.client.Handshake(w.Context(), c) },
		"probe":     func(w *world, c apns.Certificate) (apnshttp.Result, error) { return w.client.Probe(w.Context(), c) },
	} {
		t.Run(name, func(t *testing.T) {
			var cable wires
			inBubble(t, func(o *apnshttp.Options) { o.Dial = cable.through(o.Dial) }, func(t *testing.T, w *world) {
				cert := w.good()
				_, err := w.client.Handshake(t.Context(), cert)
				require.NoError(t, err)
				cable.cut()
				synctest.Wait()
				began := time.Now()
				r, err := ask(w, cert)
				require.NoError(t, err)
				assert.Equal(t, apnshttp.Accepted, r.Outcome)
				assert.Less(t, time.Since(began), 2*time.Second)
				assert.Equal(t, 2, w.push.Connections())
			})
		})
	}
}

// Whatever became of a connection, Close ends it: the bubble would hang otherwise.
func TestCloseEndsEveryConnection(t *testing.T) {
	inBubble(t, func(o *apnshttp.Options) { o.Connections = 1 }, func(t *testing.T, w *world) {
		device := apnshttp.Device(w.push.AddDevice(topic))
		results := make(chan error, 30)
		for i := range cap(results) {
			cert := w.certificate(topic, keys()[i%2], -1, 300+i%5)
			go func() {
				_, err := w.client.Push(t.Context(), cert, device)
				results <- err
			}()
		}
		for range cap(results) {
			require.NoError(t, <-results)
		}
		w.client.Close()
		w.client.Close()
		_, err := w.client.Push(t.Context(), w.good(), device)
		require.NoError(t, err, "it may be used again")
	})
}

// Close does not wait for a service that does not answer, and neither does who asks.
func TestCloseEndsDialing(t *testing.T) {
	hanging := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	silent := func(context.Context, string, string) (net.Conn, error) {
		conn, _ := net.Pipe()
		return conn, nil
	}
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){"dialing": hanging, "handshake": silent} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(o *apnshttp.Options) { o.Dial = dial }, func(t *testing.T, w *world) {
				cert, began, failed := w.good(), time.Now(), make(chan error, 1)
				go func() {
					_, err := w.client.Handshake(t.Context(), cert)
					failed <- err
				}()
				synctest.Wait()
				w.client.Close()
				err := <-failed
				require.ErrorIs(t, err, apnshttp.ErrUnreachable)
				require.ErrorContains(t, err, "closed")
				assert.Zero(t, time.Since(began))
			})
		})
	}
}

// One who waits while another dials goes on when that one gives up, and gives up itself when its own time is over.
func TestWhoWaitsForADialDoesNotShareItsEnd(t *testing.T) {
	first := make(chan struct{}, 1)
	inBubble(t, func(o *apnshttp.Options) {
		dial := o.Dial
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			select {
			case first <- struct{}{}:
				<-ctx.Done()
				return nil, context.Cause(ctx)
			default:
				return dial(ctx, network, address)
			}
		}
	}, func(t *testing.T, w *world) {
		cert := w.good()
		ask := func(within time.Duration) chan error {
			done := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				_, err := w.client.Handshake(ctx, cert)
				done <- err
			}()
			synctest.Wait()
			return done
		}
		dials, waits, impatient := ask(10*time.Second), ask(20*time.Second), ask(5*time.Second)
		began := time.Now()
		require.ErrorIs(t, <-impatient, apnshttp.ErrUnreachable)
		assert.Equal(t, 5*time.Second, time.Since(began))
		require.ErrorIs(t, <-dials, apnshttp.ErrUnreachable)
		require.NoError(t, <-waits)
		assert.Equal(t, 10*time.Second, time.Since(began).Truncate(time.Second))
	})
}

// Where there are more certificates than connections are kept, none is taken from who waits for it.
func TestAPlaceIsNotForgottenUnderWhoWaitsForIt(t *testing.T) {
	var dialed atomic.Bool
	inBubble(t, func(o *apnshttp.Options) {
		o.Connections = 1
		dial := o.Dial
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if !dialed.Swap(true) {
				<-ctx.Done()
				return nil, errors.New("no route")
			}
			return dial(ctx, network, address)
		}
	}, func(t *testing.T, w *world) {
		one, other := w.certificate(topic, keys()[0], -1, 100), w.certificate(topic, keys()[1], -1, 100)
		short, cancel := context.WithCancel(t.Context())
		results := make(chan error, 3)
		ask := func(ctx context.Context, c apns.Certificate) {
			go func() {
				_, err := w.client.Handshake(ctx, c)
				results <- err
			}()
			synctest.Wait()
		}
		ask(short, one)       // dials
		ask(t.Context(), one) // waits for it
		ask(t.Context(), other)
		require.NoError(t, <-results, "another certificate is not kept waiting")
		cancel()
		require.ErrorIs(t, <-results, context.Canceled)
		require.NoError(t, <-results)
		_, err := w.client.Handshake(t.Context(), one)
		require.NoError(t, err)
		assert.Equal(t, 2, w.push.Connections(), "the one who waited made the connection that is kept")
	})
}

// Anybody on the way can end a connection with an alert that blames the certificate. It counts once the service has proved
// that it is Apple's.
func TestAnAlertOfAnybodySaysNothingOfTheCertificate(t *testing.T) {
	for name, alert := range map[string]byte{"bad certificate": 42, "expired": 45, "revoked": 44, "access denied": 49} {
		w := newWorld(t, func(o *apnshttp.Options) {
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go func() {
					_, _ = server.Read(make([]byte, 16<<10)) // the ClientHello
					_, _ = server.Write([]byte{21, 3, 3, 0, 2, 2, alert})
				}()
				return client, nil
			}
		})
		r, err := w.client.Handshake(t.Context(), w.good())
		require.ErrorIs(t, err, apnshttp.ErrUnreachable, name)
		require.ErrorContains(t, err, "proxy", name)
		assert.Empty(t, r.Outcome, name)
	}
}

// A certificate with another's key is not shown to Apple, even where a connection of the right one is open.
func TestAForeignKeyIsNotTried(t *testing.T) {
	w := newWorld(t, nil)
	cert := w.good()
	_, err := w.client.Handshake(t.Context(), cert)
	require.NoError(t, err)
	_, err = w.client.Handshake(t.Context(), cert.WithKey(keys()[1]))
	require.ErrorIs(t, err, apnshttp.ErrNoKey)
	_, err = w.client.Push(t.Context(), cert.WithKey(keys()[1]), apnshttp.Device{Token: []byte{1}, Magic: "m"})
	require.ErrorIs(t, err, apnshttp.ErrNoKey)
	assert.Equal(t, 1, w.push.Connections())
}

// More pushes than Apple takes at once wait for each other; they do not open a connection each.
func TestMoreAtOnceThanAConnectionTakes(t *testing.T) {
	w := newWorld(t, nil)
	cert, device := w.good(), apnshttp.Device(w.push.AddDevice(topic))
	results := make(chan error, 400)
	for range cap(results) {
		go func() {
			_, err := w.client.Push(t.Context(), cert, device)
			results <- err
		}()
	}
	for range cap(results) {
		require.NoError(t, <-results)
	}
	assert.Len(t, w.push.Sent(), cap(results))
	assert.Equal(t, 1, w.push.Connections())
}

func TestACheckerWithoutItsPartsSaysSo(t *testing.T) {
	for _, c := range []apnshttp.Checker{{}, {Source: source{}, Ask: apnshttp.AskHandshake}} {
		_, err := c.Check(t.Context(), "acme")
		require.ErrorIs(t, err, apnshttp.ErrOptions)
	}
}
