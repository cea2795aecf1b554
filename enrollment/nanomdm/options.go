package nanomdm

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// Options of a [Server].
type Options struct {
	// BaseURL is where NanoMDM's API is: https, or http to localhost, 127.0.0.0/8 and ::1. A path is kept.
	BaseURL string
	// APIKey is what NanoMDM was started with (-api). It goes to that server and nowhere else.
	APIKey abmtoken.Secret
	// Private lets an https BaseURL lead to private addresses too (RFC 1918, RFC 4193), for a server in one's own network.
	// Leave it off where customers choose the URL.
	Private bool
	// NoPush keeps NanoMDM from asking Apple to wake the device: the device takes the command when it comes by itself.
	NoPush bool
	// Answered is the UUID of any command that a device of this server has answered, as evidence for [Server.Memory]. Empty:
	// the first wipe that is sent from here and answered will do.
	Answered string
	// RootCAs are who may certify the server; nil: the system's.
	RootCAs *x509.CertPool
	// Transport sends the requests; nil: one that connects to BaseURL only, and looks at the address when it dials.
	Transport http.RoundTripper
	// Resolver finds addresses; nil: the system's.
	Resolver *net.Resolver
	// Timeout bounds each request and its answer, beside the context; zero: half a minute.
	Timeout time.Duration
	// MaxAnswer bounds an answer after decompression, in bytes; zero: 256 KiB.
	MaxAnswer int64
	// Now is the clock that NotAfter of a wipe is held against; nil: time.Now.
	Now func() time.Time
}

// ErrOptions says which of the options is wrong.
var ErrOptions = errors.New("nanomdm: wrong options")

func wrongOption(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrOptions, fmt.Sprintf(format, args...))
}

// base checks where the server is.
func (o Options) base() (*url.URL, error) {
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || base.Hostname() == "" || base.Opaque != "":
		return nil, wrongOption("BaseURL is no URL")
	case base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return nil, wrongOption("BaseURL has to be a scheme, a host and a path only")
	case base.Scheme == "https", base.Scheme == "http" && onThisMachine(base.Hostname()):
		return base, nil
	}
	return nil, wrongOption("BaseURL has to be https, or http to localhost, 127.0.0.0/8 or ::1")
}

// onThisMachine reports whether a host of a URL is this machine whatever a resolver says.
func onThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
