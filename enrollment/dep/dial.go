package dep

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"

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
	route := dialguard.Route{
		To: []*url.URL{base}, Guard: dialguard.Public, Proxy: o.Proxy, RootCAs: o.RootCAs, Resolver: o.Resolver, Refusal: ErrAddress,
	}
	if o.Loopback {
		route.Guard = dialguard.Loopback
	}
	transport, err := route.Transport()
	if err != nil {
		return nil, wrongOption("%v", err)
	}
	return transport, nil
}

// loopbackName reports whether a host of a URL is this machine whatever a resolver says.
func loopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && dialguard.Loopback(addr)
}
