package apnshttp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/internal/dialguard"
)

// Host is Apple's push service for production, the only one that MDM certificates are for.
const Host = "api.push.apple.com"

// Options of a [Client]. The zero Options are right for production.
type Options struct {
	// Port is 443, also if zero, or 2197, which Apple offers where 443 is filtered (Apple, Device Management documentation,
	// June 2025).
	Port int
	// Address is another service's, such as "127.0.0.1:2197", for tests. It needs Loopback.
	Address string
	// Loopback allows another Address: then connections go to loopback addresses only.
	Loopback bool
	// Dial makes connections; nil: the network, where only public addresses are dialed. What another one connects to is its
	// own matter.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// RootCAs are who may certify the service; nil: the system's.
	RootCAs *x509.CertPool
	// Timeout bounds one question with its answer, beside the context; zero: 30 seconds.
	Timeout time.Duration
	// Idle is how long an unused connection is kept; zero: 10 minutes.
	Idle time.Duration
	// Connections bounds how many are kept, one per certificate; zero: 64. Those in use at the moment come on top.
	Connections int
	// Now is the clock of what is kept; nil: time.Now.
	Now func() time.Time
}

// ErrOptions says which option is wrong.
var ErrOptions = errors.New("apnshttp: wrong options")

// ready checks the options and fills in what is left out.
func (o Options) ready() (Options, error) {
	if o.Port == 0 {
		o.Port = 443
	}
	switch {
	case o.Port != 443 && o.Port != 2197:
		return o, fmt.Errorf("%w: Port is 443 or 2197", ErrOptions)
	case o.Timeout < 0 || o.Idle < 0 || o.Connections < 0:
		return o, fmt.Errorf("%w: Timeout, Idle or Connections is negative", ErrOptions)
	case o.Address != "" && !o.Loopback:
		return o, fmt.Errorf("%w: another Address needs Loopback, which is for tests", ErrOptions)
	}
	if o.Address == "" {
		o.Address = net.JoinHostPort(Host, strconv.Itoa(o.Port))
	}
	if _, _, err := net.SplitHostPort(o.Address); err != nil {
		return o, fmt.Errorf("%w: Address is a host and a port", ErrOptions)
	}
	if o.Dial == nil {
		dialer := &net.Dialer{Timeout: 15 * time.Second, Control: dialguard.Public.Control}
		if o.Loopback {
			dialer.Control = dialguard.Loopback.Control
		}
		o.Dial = dialer.DialContext
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Idle == 0 {
		o.Idle = 10 * time.Minute
	}
	if o.Connections == 0 {
		o.Connections = 64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}
