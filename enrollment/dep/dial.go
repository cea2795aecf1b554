package dep

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/abmrenew/abmrenew/internal/dialguard"
)

// ErrAddress says that the name of the service led to an address that Apple cannot have, such as a private one: a poisoned or
// rebinding resolver, or a proxy that intercepts (see [Options.Proxy]). Nothing was sent.
var ErrAddress = errors.New("dep: refused to connect to this address")

// NewTransport makes the transport that clients with these options use. It connects to the service only: to its host
// and port, on public addresses, or with [Options.Loopback] on loopback ones; the address is checked after resolution,
// when it is dialed. Many clients may share one, so that they share connections too.
func NewTransport(o Options) (*http.Transport, error) {
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	guard := guard{allowed: net.JoinHostPort(base.Hostname(), port), address: dialguard.Public}
	if o.Loopback {
		guard.address = dialguard.Loopback
	}
	transport := &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
	}
	if o.Proxy != nil {
		if o.Proxy.Hostname() == "" || o.Proxy.Scheme != "http" && o.Proxy.Scheme != "https" {
			return nil, wrongOption("Proxy has to be an http or https URL")
		}
		transport.Proxy = http.ProxyURL(o.Proxy)
		proxyPort := o.Proxy.Port()
		if proxyPort == "" {
			proxyPort = map[string]string{"http": "80", "https": "443"}[o.Proxy.Scheme]
		}
		// Everything goes through the proxy, which is where the host says that it is.
		guard.allowed, guard.address = net.JoinHostPort(o.Proxy.Hostname(), proxyPort), dialguard.Any
	}
	guard.dialer = net.Dialer{Timeout: 15 * time.Second, Resolver: o.Resolver, Control: guard.control}
	transport.DialContext = guard.dial
	return transport, nil
}

// guard dials one host and port, and looks at the address that its name resolved to.
type guard struct {
	allowed string
	address dialguard.Guard
	dialer  net.Dialer
}

func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address != g.allowed {
		return nil, fmt.Errorf("%w: it is not the service's", ErrAddress)
	}
	return g.dialer.DialContext(ctx, network, address)
}

// control runs after resolution and before the connection, once per address.
func (g *guard) control(network, address string, c syscall.RawConn) error {
	if g.address.Control(network, address, c) != nil {
		return fmt.Errorf("%w: %s", ErrAddress, clean(address, 64))
	}
	return nil
}

// loopbackName reports whether a host of a URL is this machine whatever a resolver says.
func loopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && dialguard.Loopback(addr)
}
