package dialguard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Route is where the requests of an adapter may go.
type Route struct {
	// To are the services, of which the scheme, host and port count.
	To []*url.URL
	// Guard decides which addresses their names may lead to.
	Guard Guard
	// Proxy is the HTTP proxy that everything goes through; nil: none. The proxy resolves names itself, so it is its own
	// address that counts then, and it is where the host of the program says that it is.
	Proxy    *url.URL
	RootCAs  *x509.CertPool // nil: the system's
	Resolver *net.Resolver  // nil: the system's
	// Refusal is the error that a refused connection matches, beside ErrAddress.
	Refusal error
}

var errProxy = errors.New("a proxy has to be an http or https URL")

// Transport makes a transport that goes this way only. What the environment says about proxies is ignored, because the
// environment of a process is not who decides where credentials go.
func (r Route) Transport() (*http.Transport, error) {
	t := &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: r.RootCAs, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
	}
	d := dialer{guard: r.Guard, refusal: r.Refusal}
	for _, u := range r.To {
		d.allowed = append(d.allowed, address(u))
	}
	if r.Proxy != nil {
		if r.Proxy.Hostname() == "" || r.Proxy.Scheme != "http" && r.Proxy.Scheme != "https" {
			return nil, errProxy
		}
		t.Proxy = http.ProxyURL(r.Proxy)
		d.allowed, d.guard = []string{address(r.Proxy)}, Any
	}
	d.net = net.Dialer{Timeout: 15 * time.Second, Resolver: r.Resolver, Control: d.control}
	t.DialContext = d.dial
	return t, nil
}

// address is the host and port of a URL.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// dialer dials the hosts and ports of a route, and looks at the addresses that their names resolved to.
type dialer struct {
	allowed []string
	guard   Guard
	refusal error
	net     net.Dialer
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if !slices.Contains(d.allowed, address) {
		return nil, d.refuse("it is not the service's")
	}
	return d.net.DialContext(ctx, network, address)
}

// control runs after resolution and before the connection, once per address.
func (d *dialer) control(network, address string, c syscall.RawConn) error {
	if d.guard.Control(network, address, c) != nil {
		return d.refuse(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, address[:min(len(address), 64)]))
	}
	return nil
}

func (d *dialer) refuse(why string) error {
	if d.refusal == nil {
		return fmt.Errorf("%w: %s", ErrAddress, why)
	}
	return refused{fmt.Errorf("%w: %s", d.refusal, why)}
}

// refused is a refusal in the words of an adapter that matches ErrAddress as well.
type refused struct{ error }

func (e refused) Unwrap() error        { return e.error }
func (e refused) Is(target error) bool { return target == ErrAddress }
