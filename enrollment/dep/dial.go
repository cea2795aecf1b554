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
	guard := guard{allowed: net.JoinHostPort(base.Hostname(), port), address: publicAddress}
	if o.Loopback {
		guard.address = loopbackAddress
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
		guard.allowed, guard.address = net.JoinHostPort(o.Proxy.Hostname(), proxyPort), anyAddress
	}
	guard.dialer = net.Dialer{Timeout: 15 * time.Second, Resolver: o.Resolver, Control: guard.control}
	transport.DialContext = guard.dial
	return transport, nil
}

// guard dials one host and port, and looks at the address that its name resolved to.
type guard struct {
	allowed string
	address func(netip.Addr) bool
	dialer  net.Dialer
}

func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address != g.allowed {
		return nil, fmt.Errorf("%w: it is not the service's", ErrAddress)
	}
	return g.dialer.DialContext(ctx, network, address)
}

// control runs after resolution and before the connection, once per address.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" || !g.address(to.Addr()) {
		return fmt.Errorf("%w: %s", ErrAddress, clean(address, 64))
	}
	return nil
}

func anyAddress(netip.Addr) bool           { return true }
func loopbackAddress(addr netip.Addr) bool { return addr.Unmap().IsLoopback() }
func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, text := range all {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// special are address blocks that no public service has, beside those that net/netip knows (IANA, "IPv4 and IPv6
// Special-Purpose Address Registries").
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20", "fec0::/10",
)

// translated is where IPv6-only networks reach IPv4 addresses (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

func publicAddress(addr netip.Addr) bool {
	addr = addr.Unmap()
	if translated.Contains(addr) {
		bytes := addr.As16()
		addr = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false // loopback, link-local, multicast and unspecified ones are no global unicast
	}
	for _, block := range special {
		if block.Contains(addr) {
			return false
		}
	}
	return true
}

// loopbackName reports whether a host of a URL is this machine whatever a resolver says.
func loopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && loopbackAddress(addr)
}
