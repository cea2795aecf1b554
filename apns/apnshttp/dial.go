package apnshttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/abmrenew/abmrenew/apns"
)

// life is the time between two calls of [Client.Close]: what is dialed in it ends with it.
type life struct {
	over <-chan struct{}
	end  func()
	// during calls do when the life ends, unless it is stopped before.
	during func(do func()) (stop func() bool)
}

func newLife() life {
	ctx, end := context.WithCancel(context.Background())
	return life{over: ctx.Done(), end: end, during: func(do func()) func() bool { return context.AfterFunc(ctx, do) }}
}

func (l life) ended() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

var (
	errClosed   = errors.New("the client was closed meanwhile")
	errNotHTTP2 = errors.New("it does not speak HTTP/2; a proxy that intercepts may be in the way")
	errNotAsked = errors.New("the connection ended before the push service had proved to be Apple's and asked for the certificate; " +
		"a proxy that intercepts may be in the way")
)

// connect dials, signs in and begins to speak. With an error, the link may still know why Apple ended the connection.
func (c *connections) connect(ctx context.Context, certificate apns.Certificate) (*link, error) {
	c.mu.Lock()
	now := c.life
	c.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer now.during(func() { cancel(errClosed) })()
	signedIn, err := c.dial(ctx, certificate)
	if err != nil {
		if now.ended() {
			err = errClosed
		}
		return nil, err
	}
	end := newFarewell(signedIn, c.closed)
	c.mu.Lock()
	late := now.ended()
	if !late {
		c.open[end] = struct{}{}
	}
	c.mu.Unlock()
	if late {
		_ = end.Close()
		return nil, errClosed
	}
	return c.streams.open(end)
}

// closed takes notice of the end of a connection.
func (c *connections) closed(end *farewell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, end)
}

// dial connects and signs in: HTTP/2 over TLS 1.2 or later (Apple, Establishing a connection to APNs, 2026). The certificate
// is sent whatever authorities the service names.
func (c *connections) dial(ctx context.Context, certificate apns.Certificate) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(c.options.Address)
	if err != nil {
		return nil, err
	}
	raw, err := c.options.Dial(ctx, "tcp", c.options.Address)
	if err != nil {
		return nil, err
	}
	own := &tls.Certificate{
		Certificate: append([][]byte{certificate.DER()}, certificate.Chain()...), PrivateKey: certificate.Key().Signer(),
	}
	var asked atomic.Bool // by a service that has proved who it is: crypto/tls looks at its certificate first
	signedIn := tls.Client(raw, &tls.Config{
		ServerName: host, RootCAs: c.options.RootCAs, MinVersion: tls.VersionTLS12, NextProtos: []string{protocol},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked.Store(true)
			return own, nil
		},
	})
	if err := signedIn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		switch {
		case refusesHTTP2(err):
			err = errNotHTTP2
		case !asked.Load() && alertOf(err) != "": // anybody on the way can say that
			err = fmt.Errorf("%w (%s)", errNotAsked, alertOf(err))
		}
		return nil, err
	}
	if signedIn.ConnectionState().NegotiatedProtocol != protocol {
		_ = signedIn.Close()
		return nil, errNotHTTP2
	}
	return signedIn, nil
}
