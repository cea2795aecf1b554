package apnshttp

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// watched is a connection that knows whether it was closed.
type watched struct {
	net.Conn
	closed atomic.Bool
}

func (w *watched) Close() error {
	w.closed.Store(true)
	return w.Conn.Close()
}

// dialing returns a client whose dial gives a connection that works, after it did something else, and a certificate.
func dialing(t *testing.T, push *appletest.Push, meanwhile func()) (*Client, apns.Certificate, *watched) {
	t.Helper()
	wire := &watched{}
	client, err := New(Options{RootCAs: push.Roots(), Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		meanwhile()
		conn, err := push.Dial(ctx, network, address)
		wire.Conn = conn
		return wire, err
	}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	key, err := apns.GenerateKey()
	require.NoError(t, err)
	issued := push.Issue(key.Public(), "com.apple.mgmt.External.late", time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	cert, err := apns.Read(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued.Raw}), "")
	require.NoError(t, err)
	return client, cert.WithKey(key), wire
}

// Close may come between the end of a handshake and the moment when the connection is kept: nobody would close it later.
func TestAConnectionThatIsSignedInAfterCloseIsClosed(t *testing.T) {
	over := make(chan struct{})
	client, cert, wire := dialing(t, appletest.New(appletest.Options{}).Push(), func() { close(over) })
	client.connections.life = life{ // of which the dial hears too late
		over: over, end: func() {}, during: func(func()) func() bool { return func() bool { return true } },
	}
	conn, err := client.connections.connect(t.Context(), cert)
	require.ErrorIs(t, err, errClosed)
	assert.Nil(t, conn)
	assert.True(t, wire.closed.Load(), "nobody else closes it")
	assert.Empty(t, client.connections.open)
}

// A dial may pay no heed to its context. What it brings after the end of that is closed, not kept.
func TestADialThatComesBackAfterItsContextIsClosed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client, cert, wire := dialing(t, appletest.New(appletest.Options{}).Push(), cancel)
	_, err := client.Handshake(ctx, cert)
	require.ErrorIs(t, err, context.Canceled)
	assert.True(t, wire.closed.Load())
	assert.Empty(t, client.connections.open)
	assert.Nil(t, client.connections.kept[cert.Fingerprint()].live)
}

// A service that is not Apple's is not signed in to, and the connection to it does not stay.
func TestAConnectionToAnotherServiceIsClosed(t *testing.T) {
	client, cert, wire := dialing(t, appletest.New(appletest.Options{}).Push(), func() {})
	client.connections.options.RootCAs = x509.NewCertPool()
	_, err := client.Handshake(t.Context(), cert)
	require.ErrorIs(t, err, ErrUnreachable)
	assert.True(t, wire.closed.Load())
}

// With TLS 1.3 the alert that refuses a certificate comes when the client has signed in. Then what fails may be a write, whose
// error says nothing; what was read says why.
func TestALateAlertIsTheRefusalWhateverFailedFirst(t *testing.T) {
	push := appletest.New(appletest.Options{}).Push()
	client, cert, _ := dialing(t, push, func() {})
	push.Revoke(appletest.PushCertificate{Serial: cert.Serial()})
	push.Refuse(appletest.RefuseByAlert)
	signedIn, err := client.connections.dial(t.Context(), cert)
	require.NoError(t, err, "the alert is still to come")
	end := newFarewell(signedIn, client.connections.closed)
	end.drain()
	require.NoError(t, end.Close())
	r, err := understood(t.Context(), &link{end: end}, io.ErrClosedPipe)
	require.NoError(t, err)
	assert.Equal(t, Result{Outcome: Certificate, Reason: "bad certificate"}, r)
}

// body is an answer's body that knows whether it was closed.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

// An answer that stays open keeps a stream, and what it holds of the connection's window.
func TestAnAnswerIsClosedHoweverItEnds(t *testing.T) {
	for name, reader := range map[string]io.Reader{
		"short": strings.NewReader(`{"reason":"BadTopic"}`), "longer than is read": strings.NewReader(strings.Repeat(" ", 2*maxAnswer)),
		"broken off": iotest.ErrReader(errors.New("reset")),
	} {
		c, err := New(Options{})
		require.NoError(t, err)
		b := &body{Reader: reader}
		_, err = c.read(&http.Response{StatusCode: http.StatusBadRequest, Body: b})
		assert.Equal(t, name == "broken off", err != nil, name)
		assert.True(t, b.closed, name)
	}
}
