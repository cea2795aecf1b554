package dep

import (
	"crypto/fips140"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// DefaultBaseURL is where Apple's device assignment service is.
const DefaultBaseURL = "https://mdmenrollment.apple.com"

// DefaultUserAgent names the library. Apple demands a User-Agent and refuses some (USER_AGENT_INVALID); a product sets
// its own.
const DefaultUserAgent = "abmrenew/1.0 (+https://github.com/abmrenew/abmrenew)"

// DefaultProtocolVersion is the newest version of the protocol that the package reads: with it Apple tells about
// migration deadlines (8), throttled devices (9) and when to ask for them again (10).
const DefaultProtocolVersion = 10

// Options of a [Verifier], a [Client] or [NewTransport]. The zero Options are right for production.
type Options struct {
	// BaseURL is where the service is; empty: [DefaultBaseURL]. Another one needs Loopback.
	BaseURL string
	// Loopback allows another BaseURL, for tests and simulators: then connections go to loopback addresses only, and
	// http is allowed for localhost, 127.0.0.0/8 and ::1.
	Loopback bool
	// Transport sends the requests; nil: one as [NewTransport] makes. What it connects to is then its own matter, so
	// a transport that is not made by NewTransport loses the check of addresses, and RootCAs, Proxy and Resolver.
	Transport http.RoundTripper
	// RootCAs are who may certify the service; nil: the system's.
	RootCAs *x509.CertPool
	// Proxy is an HTTP proxy to go through, http or https; nil: none. HTTPS_PROXY and its like are ignored, because
	// the environment of a process is not who decides where credentials go. Behind a proxy it is the proxy that
	// resolves Apple's name; TLS still ends at Apple.
	Proxy *url.URL
	// Resolver finds addresses; nil: the system's.
	Resolver *net.Resolver
	// UserAgent goes with every request, also for a session; empty: [DefaultUserAgent]. Printable ASCII.
	UserAgent string
	// ProtocolVersion is the X-Server-Protocol-Version; zero: [DefaultProtocolVersion].
	ProtocolVersion int
	// Timeout bounds each request and its answer, beside the context; zero: one minute.
	Timeout time.Duration
	// MaxAnswer bounds an answer after decompression, in bytes; zero: 1 MiB.
	MaxAnswer int64
	// MaxPage does so for answers that list devices; zero: 16 MiB. Apple's largest known page has 5,000 devices.
	MaxPage int64
	// Now is the clock of OAuth timestamps; nil: time.Now.
	Now func() time.Time
	// AllowFIPSException allows the HMAC-SHA1 of OAuth, and nothing else, in a process with GODEBUG=fips140=only.
	AllowFIPSException bool
}

// ErrFIPS is what the constructors return in a process that runs with GODEBUG=fips140=only: Apple demands OAuth 1.0a
// with HMAC-SHA1. [Options.AllowFIPSException] allows exactly that call.
var ErrFIPS = errors.New("dep: Apple demands HMAC-SHA1, which fips140=only forbids; " +
	"set Options.AllowFIPSException if your policy allows this exception")

// ErrOptions says which of the options is wrong.
var ErrOptions = errors.New("dep: wrong options")

func wrongOption(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrOptions, fmt.Sprintf(format, args...))
}

// service makes the part that all clients with the same options share.
func (o Options) service() (*service, error) {
	if fips140.Enforced() && !o.AllowFIPSException {
		return nil, ErrFIPS
	}
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	agent := o.UserAgent
	if agent == "" {
		agent = DefaultUserAgent
	}
	if !untrusted.Printable(agent, 256) {
		return nil, wrongOption("UserAgent has to be at most 256 characters of printable ASCII")
	}
	version := o.ProtocolVersion
	if version == 0 {
		version = DefaultProtocolVersion
	}
	if version < 1 || version > 1000 {
		return nil, wrongOption("ProtocolVersion is not between 1 and 1000")
	}
	if o.Timeout < 0 || o.MaxAnswer < 0 || o.MaxPage < 0 {
		return nil, wrongOption("Timeout, MaxAnswer or MaxPage is negative")
	}
	transport := o.Transport
	if transport == nil {
		if transport, err = NewTransport(o); err != nil {
			return nil, err
		}
	}
	s := &service{
		base: base, agent: agent, version: strconv.Itoa(version), now: o.Now,
		timeout: orDefault(o.Timeout, time.Minute),
		maxBody: orDefault(o.MaxAnswer, 1<<20), maxPage: orDefault(o.MaxPage, 16<<20),
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// base checks the address of the service.
func (o Options) base() (*url.URL, error) {
	if o.BaseURL == "" || o.BaseURL == DefaultBaseURL {
		return url.Parse(DefaultBaseURL)
	}
	if !o.Loopback {
		return nil, wrongOption("a BaseURL other than Apple's needs Loopback, which is for tests")
	}
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || base.Hostname() == "" || base.Opaque != "":
		return nil, wrongOption("BaseURL is no URL")
	case base.User != nil || base.RawQuery != "" || base.Fragment != "" || base.Path != "" && base.Path != "/":
		return nil, wrongOption("BaseURL has to be a scheme and a host only")
	case base.Scheme == "https", base.Scheme == "http" && loopbackName(base.Hostname()):
		return &url.URL{Scheme: base.Scheme, Host: base.Host}, nil
	}
	return nil, wrongOption("BaseURL has to be https, or http to localhost, 127.0.0.0/8 or ::1")
}

func orDefault[T time.Duration | int64](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}
