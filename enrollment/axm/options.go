package axm

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/abmrenew/abmrenew/internal/dialguard"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// Where Apple's services are.
const (
	BusinessBaseURL = "https://api-business.apple.com"
	SchoolBaseURL   = "https://api-school.apple.com"
	// DefaultTokenURL is the token endpoint. Another address, without "v2", was seen to work as well.
	DefaultTokenURL = "https://account.apple.com/auth/oauth2/v2/token"
	// LogHost is where the logs of activities are (observed).
	LogHost = "store.blobstore.apple.com"
)

// DefaultUserAgent names the library; a product sets its own.
const DefaultUserAgent = "abmrenew/1.0 (+https://github.com/abmrenew/abmrenew)"

// Options of a [Client] or [NewTransport]. The zero Options are right for production.
type Options struct {
	// BaseURL is where the API is; empty: [BusinessBaseURL] or [SchoolBaseURL]. Another one needs Loopback.
	BaseURL string
	// TokenURL is the token endpoint; empty: [DefaultTokenURL]. One on another host needs Loopback.
	TokenURL string
	// Loopback allows other addresses, for tests and simulators: then connections go to loopback addresses only, and http is
	// allowed for localhost, 127.0.0.0/8 and ::1. Logs may then be at the BaseURL as well.
	Loopback bool
	// Transport sends the requests; nil: one as [NewTransport] makes. What it connects to is then its own matter.
	Transport http.RoundTripper
	// RootCAs are who may certify the services; nil: the system's.
	RootCAs *x509.CertPool
	// Proxy is an HTTP proxy to go through; nil: none. HTTPS_PROXY and its like are ignored.
	Proxy *url.URL
	// Resolver finds addresses; nil: the system's.
	Resolver *net.Resolver
	// UserAgent goes with every request; empty: [DefaultUserAgent]. Printable ASCII.
	UserAgent string
	// Timeout bounds each request and its answer, beside the context; zero: one minute.
	Timeout time.Duration
	// MaxAnswer bounds an answer after decompression, in bytes; zero: 16 MiB.
	MaxAnswer int64
	// MaxLog does so for the log of an activity; zero: 16 MiB.
	MaxLog int64
	// PageSize is how many entries of a list are asked for at a time; zero: 1000, which is Apple's maximum.
	PageSize int
	// Budget says whether a request that changes something may be sent now; nil: always. See [NewBudget].
	Budget Budget
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// ErrOptions says which of the options, or of the credentials, is wrong.
var ErrOptions = errors.New("axm: wrong options")

// ErrAddress says that the name of a service led to an address that Apple cannot have, or that a request named a host that
// is none of Apple's. Nothing was sent.
var ErrAddress = errors.New("axm: refused to connect to this address")

func wrongOption(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrOptions, fmt.Sprintf(format, args...))
}

// NewTransport makes the transport that clients with these options use: to the hosts of the API, of the token endpoint and of
// the logs only. Many clients may share one, so that they share connections too.
func NewTransport(o Options) (*http.Transport, error) {
	var to []*url.URL
	for _, prefix := range []string{businessPrefix, schoolPrefix} {
		base, token, err := o.urls(prefix)
		if err != nil {
			return nil, err
		}
		to = append(to, base, token)
	}
	route := dialguard.Route{
		To: append(to, &url.URL{Scheme: "https", Host: LogHost}), Guard: dialguard.Public,
		Proxy: o.Proxy, RootCAs: o.RootCAs, Resolver: o.Resolver, Refusal: ErrAddress,
	}
	if o.Loopback {
		route.Guard = dialguard.Loopback
	}
	t, err := route.Transport()
	if err != nil {
		return nil, wrongOption("%v", err)
	}
	return t, nil
}

// urls checks the addresses of the API and of the token endpoint.
func (o Options) urls(prefix string) (base, token *url.URL, err error) {
	apple := map[string]string{businessPrefix: BusinessBaseURL, schoolPrefix: SchoolBaseURL}[prefix]
	if base, err = o.address("BaseURL", o.BaseURL, apple); err != nil {
		return nil, nil, err
	}
	if base.Path != "" && base.Path != "/" {
		return nil, nil, wrongOption("BaseURL has to be a scheme and a host only")
	}
	base.Path = ""
	token, err = o.address("TokenURL", o.TokenURL, DefaultTokenURL)
	return base, token, err
}

// address checks an address that may be another than Apple's.
func (o Options) address(name, given, apple string) (*url.URL, error) {
	own, err := url.Parse(apple)
	if err != nil || given == "" {
		return own, err
	}
	u, err := url.Parse(given)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, wrongOption("%s is no URL", name)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, wrongOption("%s has to have no query and no user", name)
	case u.Scheme == "https" && u.Host == own.Host:
		return u, nil
	case !o.Loopback:
		return nil, wrongOption("a %s at another host than Apple's needs Loopback, which is for tests", name)
	case u.Scheme == "https", u.Scheme == "http" && loopbackName(u.Hostname()):
		return u, nil
	}
	return nil, wrongOption("%s has to be https, or http to localhost, 127.0.0.0/8 or ::1", name)
}

// loopbackName reports whether a host of a URL is this machine whatever a resolver says.
func loopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && dialguard.Loopback(addr)
}

// service makes the part of a client that is about HTTP.
func (o Options) service(prefix string) (*service, error) {
	base, token, err := o.urls(prefix)
	if err != nil {
		return nil, err
	}
	s := &service{base: base, token: token, agent: o.UserAgent, loopback: o.Loopback, now: o.Now, timeout: o.Timeout,
		maxAnswer: o.MaxAnswer, maxLog: o.MaxLog, pageSize: o.PageSize, budget: o.Budget}
	switch {
	case s.agent == "":
		s.agent = DefaultUserAgent
	case !untrusted.Printable(s.agent, 256):
		return nil, wrongOption("UserAgent has to be at most 256 characters of printable ASCII")
	}
	if s.timeout < 0 || s.maxAnswer < 0 || s.maxLog < 0 || s.pageSize < 0 || s.pageSize > maxPage {
		return nil, wrongOption("Timeout, MaxAnswer or MaxLog is negative, or PageSize not between 1 and %d", maxPage)
	}
	if s.timeout == 0 {
		s.timeout = time.Minute
	}
	if s.maxAnswer == 0 {
		s.maxAnswer = 16 << 20
	}
	if s.maxLog == 0 {
		s.maxLog = 16 << 20
	}
	if s.pageSize == 0 {
		s.pageSize = maxPage
	}
	if s.now == nil {
		s.now = time.Now
	}
	transport := o.Transport
	if transport == nil {
		if transport, err = NewTransport(o); err != nil {
			return nil, err
		}
	}
	s.http = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}
