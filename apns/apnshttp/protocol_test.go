package apnshttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns/apnshttp"
)

// eager takes all that was written to a pipe at once, as a network does, so that both sides may write.
type eager struct {
	net.Conn
	from *bufio.Reader
}

func (e eager) Read(p []byte) (int, error) { return e.from.Read(p) }

// signingIn makes a client of a service that signs in, and no more. It tells how many bytes came after the handshake.
func signingIn(t *testing.T, config *tls.Config) (client *apnshttp.Client, told <-chan int) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil) // for its certificate
	s.StartTLS()
	s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	config.Certificates, config.ClientAuth, config.SessionTicketsDisabled = s.TLS.Certificates, tls.RequireAnyClientCert, true
	read := make(chan int, 1)
	client, err := apnshttp.New(apnshttp.Options{
		Address: "127.0.0.1:2197", Loopback: true, RootCAs: roots,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				n, _ := tls.Server(eager{far, bufio.NewReaderSize(far, 64<<10)}, config).Read(make([]byte, 1<<10))
				_ = far.Close()
				read <- n
			}()
			return near, nil
		},
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client, read
}

// A service that speaks something else than HTTP/2 is told nothing, and says nothing of the certificate.
func TestAServiceWithoutHTTP2IsUnreachableAndToldNothing(t *testing.T) {
	for _, service := range []struct {
		name, says string
		protocols  []string
	}{
		{"it speaks HTTP/1.1 only", "a proxy that intercepts", []string{"http/1.1"}},
		{"it agrees on no protocol", "a proxy that intercepts", nil},
	} {
		t.Run(service.name, func(t *testing.T) {
			client, told := signingIn(t, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: service.protocols})
			r, err := client.Push(t.Context(), newWorld(t, nil).good(), apnshttp.Device{Token: []byte{1}, Magic: "M"})
			require.ErrorIs(t, err, apnshttp.ErrUnreachable)
			require.ErrorContains(t, err, service.says)
			assert.Empty(t, r.Outcome)
			select {
			case n := <-told:
				assert.Zero(t, n, "bytes beyond the handshake")
			case <-time.After(10 * time.Second):
				t.Error("the connection was left open")
			}
		})
	}
}

// With TLS 1.2 the alert that refuses a certificate ends the handshake, before there is a connection that could tell.
func TestARefusalThatEndsTheHandshakeIsOne(t *testing.T) {
	client, _ := signingIn(t, &tls.Config{
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2"},
		VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { return errors.New("revoked") },
	})
	r, err := client.Handshake(t.Context(), newWorld(t, nil).good())
	require.NoError(t, err)
	assert.Equal(t, apnshttp.Result{Outcome: apnshttp.Certificate, Reason: "bad certificate"}, r)
}
