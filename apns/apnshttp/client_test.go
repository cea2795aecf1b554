package apnshttp_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func TestHandshakeProbeAndPush(t *testing.T) {
	w := newWorld(t, nil)
	cert := w.good()
	r, err := w.client.Handshake(t.Context(), cert)
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Accepted, r.Outcome)

	r, err = w.client.Probe(t.Context(), cert)
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Accepted, r.Outcome)
	assert.Equal(t, "BadDeviceToken", r.Reason, "that is how Apple says so")
	assert.Equal(t, http.StatusBadRequest, r.Status)

	device := w.push.AddDevice(topic)
	r, err = w.client.Push(t.Context(), cert, apnshttp.Device(device))
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Accepted, r.Outcome)
	assert.NotEmpty(t, r.ID)
	require.Len(t, w.push.Sent(), 1, "a probe reaches no device")
	assert.Equal(t, device.Magic, w.push.Sent()[0].Magic)
	assert.Equal(t, 1, w.push.Connections(), "one connection serves all")
}

func TestTheSameOverASocket(t *testing.T) {
	var address string
	w := newWorld(t, func(o *apnshttp.Options) { o.Address, o.Loopback = "127.0.0.1:1", true })
	address = w.listen()
	client, err := apnshttp.New(apnshttp.Options{Address: address, Loopback: true, RootCAs: w.push.Roots()})
	require.NoError(t, err)
	defer client.Close()
	r, err := client.Probe(t.Context(), w.good())
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Accepted, r.Outcome)
}

func TestADeviceThatIsGone(t *testing.T) {
	w := newWorld(t, nil)
	device := w.push.AddDevice(topic)
	w.push.RemoveDevice(device)
	r, err := w.client.Push(t.Context(), w.good(), apnshttp.Device(device))
	require.NoError(t, err)
	assert.Equal(t, apnshttp.DeviceGone, r.Outcome)
	assert.WithinDuration(t, time.Now(), r.Since, time.Minute)
}

func TestADeviceOfAnotherTopic(t *testing.T) {
	w := newWorld(t, nil)
	device := w.push.AddDevice("com.apple.mgmt.External.another")
	r, err := w.client.Push(t.Context(), w.good(), apnshttp.Device(device))
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Topic, r.Outcome, "all devices are deaf to it, and none of them is gone")
}

// However Apple refuses a certificate, the outcome says that it is the certificate.
func TestRefusedCertificates(t *testing.T) {
	for name, how := range map[string]appletest.PushRefusal{
		"answer": appletest.RefuseByAnswer, "goaway": appletest.RefuseByGoAway, "alert": appletest.RefuseByAlert,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.push.Refuse(how)
			cert := w.certificate(topic, keys()[0], -400, -1)
			r, err := w.client.Probe(t.Context(), cert)
			require.NoError(t, err)
			assert.Equal(t, apnshttp.Certificate, r.Outcome)
			assert.NotEmpty(t, r.Reason)
			if how == appletest.RefuseByAnswer {
				return // Apple says so only when something is pushed
			}
			r, err = w.client.Handshake(t.Context(), cert)
			require.NoError(t, err)
			assert.Equal(t, apnshttp.Certificate, r.Outcome)
			assert.NotEmpty(t, r.Reason)
		})
	}
}

func TestARevokedCertificateIsNoticedOnAKeptConnection(t *testing.T) {
	w := newWorld(t, nil)
	cert := w.good()
	device := apnshttp.Device(w.push.AddDevice(topic))
	_, err := w.client.Push(t.Context(), cert, device)
	require.NoError(t, err)
	w.push.Revoke(appletest.PushCertificate{Serial: cert.Serial()})
	r, err := w.client.Push(t.Context(), cert, device)
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Certificate, r.Outcome)
}

// Pain 25: a renewed certificate is used at once, without a restart.
func TestPain25_ARenewedCertificateIsUsedAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	old, renewed := w.certificate(topic, keys()[0], -400, -1), w.certificate(topic, keys()[1], -1, 364)
	device := apnshttp.Device(w.push.AddDevice(topic))
	r, err := w.client.Push(t.Context(), old, device)
	require.NoError(t, err)
	require.Equal(t, apnshttp.Certificate, r.Outcome)
	r, err = w.client.Push(t.Context(), renewed, device)
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Accepted, r.Outcome)
	assert.Equal(t, 2, w.push.Connections())
}

func TestGoAwayReasons(t *testing.T) {
	for reason, want := range map[string]apnshttp.Outcome{
		"BadCertificate": apnshttp.Certificate, "BadCertificateEnvironment": apnshttp.Environment, "Shutdown": apnshttp.Transient,
		"IdleTimeout": apnshttp.Transient, "SomethingNew": apnshttp.Transient,
	} {
		w := newWorld(t, nil)
		w.push.Fail(appletest.PushFault{Reason: reason}, appletest.PushFault{Reason: reason})
		r, err := w.client.Probe(t.Context(), w.good())
		require.NoError(t, err, reason)
		assert.Equal(t, want, r.Outcome, reason)
		assert.Equal(t, reason, r.Reason)
		r, err = w.client.Handshake(t.Context(), w.good())
		require.NoError(t, err, reason)
		assert.Equal(t, want, r.Outcome, reason)
		r, err = w.client.Probe(t.Context(), w.good())
		require.NoError(t, err, "the next question gets a new connection")
		assert.Equal(t, apnshttp.Accepted, r.Outcome, reason)
	}
}

func TestThrottling(t *testing.T) {
	w := newWorld(t, nil)
	w.push.Fail(appletest.PushFault{Status: 429, Reason: "TooManyRequests", RetryAfter: "120"},
		appletest.PushFault{Status: 503, Reason: "ServiceUnavailable", RetryAfter: time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)})
	device := apnshttp.Device(w.push.AddDevice(topic))
	r, err := w.client.Push(t.Context(), w.good(), device)
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Throttled, r.Outcome)
	assert.Equal(t, 2*time.Minute, r.RetryAfter)
	r, err = w.client.Push(t.Context(), w.good(), device)
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Transient, r.Outcome)
	assert.InDelta(t, time.Hour, r.RetryAfter, float64(time.Minute))
}

// An unreachable Apple says nothing about the certificate.
func TestUnreachable(t *testing.T) {
	silent := func(context.Context, string, string) (net.Conn, error) {
		conn, _ := net.Pipe()
		return conn, nil
	}
	synctest.Test(t, func(t *testing.T) {
		client, err := apnshttp.New(apnshttp.Options{Dial: silent, Timeout: time.Minute})
		require.NoError(t, err)
		began := time.Now()
		cert := (&world{T: t, push: appletest.New(appletest.Options{}).Push()}).good()
		_, err = client.Handshake(t.Context(), cert)
		require.ErrorIs(t, err, apnshttp.ErrUnreachable)
		assert.Equal(t, time.Minute, time.Since(began), "the deadline holds")

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = client.Push(ctx, cert, apnshttp.Device{Token: []byte{1}, Magic: "m"})
		require.ErrorIs(t, err, context.Canceled)
	})
	w := newWorld(t, func(o *apnshttp.Options) { o.RootCAs = nil })
	_, err := w.client.Handshake(t.Context(), w.good())
	require.ErrorIs(t, err, apnshttp.ErrUnreachable, "a service that is not Apple's")
	w = newWorld(t, func(o *apnshttp.Options) { o.Address, o.Loopback, o.Dial = "192.0.2.1:443", true, nil })
	_, err = w.client.Handshake(t.Context(), w.good())
	require.ErrorIs(t, err, apnshttp.ErrUnreachable, "an address that is none of this machine's")
}

func TestThreat09_OnlyPublicAddressesAreDialed(t *testing.T) {
	for address, loopback := range map[string]bool{"10.0.0.1:443": true, "169.254.169.254:443": true} {
		w := newWorld(t, func(o *apnshttp.Options) { o.Address, o.Loopback, o.Dial = address, loopback, nil })
		_, err := w.client.Handshake(t.Context(), w.good())
		require.ErrorContains(t, err, "refused to connect", address)
	}
	_, err := apnshttp.New(apnshttp.Options{Address: "127.0.0.1:443"})
	assert.ErrorIs(t, err, apnshttp.ErrOptions)
}

func TestWhatIsNotAsked(t *testing.T) {
	w := newWorld(t, nil)
	cert := w.good()
	_, err := w.client.Handshake(t.Context(), cert.WithKey(apns.Key{}))
	require.ErrorIs(t, err, apnshttp.ErrNoKey)
	_, err = w.client.Push(t.Context(), apns.Certificate{}, apnshttp.Device{Token: []byte{1}, Magic: "m"})
	require.ErrorIs(t, err, apnshttp.ErrNoKey)
	for _, d := range []apnshttp.Device{{}, {Token: []byte{1}}, {Magic: "m"}, {Token: make([]byte, 101), Magic: "m"}} {
		_, err = w.client.Push(t.Context(), cert, d)
		require.ErrorIs(t, err, apnshttp.ErrDevice)
	}
	assert.Zero(t, w.push.Connections())
	for _, o := range []apnshttp.Options{{Port: 80}, {Timeout: -1}, {Idle: -1}, {Connections: -1}, {Address: "nowhere", Loopback: true}} {
		_, err := apnshttp.New(o)
		require.ErrorIs(t, err, apnshttp.ErrOptions)
	}
}

// More certificates than connections are kept: the ones unused longest make room, and still work.
func TestConnectionsAreBounded(t *testing.T) {
	w := newWorld(t, func(o *apnshttp.Options) { o.Connections = 2 })
	certs := []apns.Certificate{w.good(), w.good(), w.good()}
	for range 2 {
		for _, cert := range certs {
			r, err := w.client.Probe(t.Context(), cert)
			require.NoError(t, err)
			assert.Equal(t, apnshttp.Accepted, r.Outcome)
		}
	}
	assert.Equal(t, 6, w.push.Connections())
}

func TestManyAtOnceShareAConnection(t *testing.T) {
	w := newWorld(t, nil)
	cert, device := w.good(), apnshttp.Device(w.push.AddDevice(topic))
	results := make(chan error, 50)
	for range cap(results) {
		go func() {
			_, err := w.client.Push(t.Context(), cert, device)
			results <- err
		}()
	}
	for range cap(results) {
		require.NoError(t, <-results)
	}
	assert.Len(t, w.push.Sent(), 50)
	assert.LessOrEqual(t, w.push.Connections(), 2, "they do not dial one each")
}
