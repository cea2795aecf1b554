package nanomdm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/abmrenew/abmrenew/internal/dialguard"
)

// ErrAddress says that the server's name led to an address that it cannot have, such as a private one without
// [Options.Private]. Nothing was sent.
var ErrAddress = errors.New("nanomdm: refused to connect to this address")

// transport makes the transport to one server. It connects to its host and port only, on the kind of addresses that it
// may have, and never through a proxy that the environment names: an order to erase devices goes nowhere else.
func (o Options) transport(base *url.URL) *http.Transport {
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	guard := dialguard.Public
	switch {
	case onThisMachine(base.Hostname()):
		guard = dialguard.Loopback
	case o.Private:
		guard = func(addr netip.Addr) bool { return dialguard.Public(addr) || addr.Unmap().IsPrivate() }
	}
	allowed := net.JoinHostPort(base.Hostname(), port)
	dialer := net.Dialer{Timeout: 15 * time.Second, Resolver: o.Resolver, Control: guard.Control}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != allowed {
				return nil, fmt.Errorf("%w: it is not the server's", ErrAddress)
			}
			c, err := dialer.DialContext(ctx, network, address)
			if errors.Is(err, dialguard.ErrAddress) {
				err = fmt.Errorf("%w: %w", ErrAddress, err)
			}
			return c, err
		},
		TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    4,
	}
}
