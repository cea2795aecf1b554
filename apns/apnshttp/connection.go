package apnshttp

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/apns"
)

// connections are kept by certificate: who renews one gets a new connection, and the old one falls idle.
type connections struct {
	options Options
	streams streams

	mu   sync.Mutex
	kept map[string]*connection
}

// connection is one certificate's way to Apple.
type connection struct {
	turn chan struct{} // of one element: who holds it may dial
	live *link
	used time.Time // guarded by connections.mu
}

func newConnections(o Options) *connections {
	return &connections{options: o, kept: map[string]*connection{}, streams: newStreams(o)}
}

// get returns the certificate's connection, the one in use if it takes another request. Fresh reports whether it is new.
// With an error, the connection may still know why Apple ended it.
func (c *connections) get(ctx context.Context, certificate apns.Certificate) (conn *link, fresh bool, err error) {
	one := c.of(certificate.Fingerprint())
	select {
	case one.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
	defer func() { <-one.turn }()
	if one.live != nil && one.live.CanTakeNewRequest() {
		return one.live, false, nil
	}
	one.live = nil
	signedIn, err := c.dial(ctx, certificate)
	if err != nil {
		return nil, false, err
	}
	conn, err = c.streams.open(signedIn)
	if err == nil {
		one.live = conn
	}
	return conn, true, err
}

// of finds or makes the place of a certificate, and forgets the one that was unused longest where there are too many.
func (c *connections) of(fingerprint string) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, known := c.kept[fingerprint]
	if !known {
		if len(c.kept) >= c.options.Connections {
			c.forgetOldest()
		}
		one = &connection{turn: make(chan struct{}, 1)}
		c.kept[fingerprint] = one
	}
	one.used = c.options.Now()
	return one
}

func (c *connections) forgetOldest() {
	oldest := ""
	for fingerprint, one := range c.kept {
		if oldest == "" || one.used.Before(c.kept[oldest].used) {
			oldest = fingerprint
		}
	}
	one := c.kept[oldest]
	delete(c.kept, oldest)
	go one.retire()
}

// retire lets what is under way end, and closes.
func (one *connection) retire() {
	one.turn <- struct{}{}
	defer func() { <-one.turn }()
	if one.live != nil {
		one.live.SetDoNotReuse()
		_ = one.live.Shutdown(context.Background())
	}
}

func (c *connections) closeAll() {
	c.mu.Lock()
	kept := c.kept
	c.kept = map[string]*connection{}
	c.mu.Unlock()
	for _, one := range kept {
		one.turn <- struct{}{}
		if one.live != nil {
			_ = one.live.Close()
		}
		<-one.turn
	}
}

// dial connects and signs in. The certificate is sent whatever authorities the service names.
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
	signedIn := tls.Client(raw, &tls.Config{
		ServerName: host, RootCAs: c.options.RootCAs, MinVersion: tls.VersionTLS12, NextProtos: []string{protocol},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil },
	})
	if err := signedIn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	if signedIn.ConnectionState().NegotiatedProtocol != protocol {
		_ = signedIn.Close()
		return nil, errNotHTTP2
	}
	return signedIn, nil
}
