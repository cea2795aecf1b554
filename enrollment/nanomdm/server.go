package nanomdm

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// apiUser is the user name of NanoMDM's API (v0.9.0, cmd/nanomdm).
const apiUser = "nanomdm"

// Server is one NanoMDM server as its HTTP API shows it. It is safe for concurrent use.
type Server struct {
	base    *url.URL
	key     abmtoken.Secret
	http    *http.Client
	noPush  bool
	timeout time.Duration
	max     int64
	now     func() time.Time
	// turn lets one command be queued at a time. NanoMDM's key-value backends look for a command and then write it, so that
	// of two at the same moment both may be taken, and the device's queue becomes a ring that never ends (v0.9.0, observed).
	turn chan struct{}

	mu       sync.Mutex
	sent     map[string]bool // commands that were queued here, while memory is not known
	answered string          // one of them that a device has answered
	memory   Memory
}

// NewServer makes one. Its error is [ErrOptions].
func NewServer(o Options) (*Server, error) {
	base, err := o.base()
	switch {
	case err != nil:
		return nil, err
	case o.APIKey.IsZero():
		return nil, wrongOption("there is no APIKey")
	case o.Timeout < 0 || o.MaxAnswer < 0:
		return nil, wrongOption("Timeout or MaxAnswer is negative")
	case o.Answered != "" && !identifier(o.Answered):
		return nil, wrongOption("Answered is no UUID")
	}
	s := &Server{
		base: base, key: o.APIKey, noPush: o.NoPush, timeout: o.Timeout, max: o.MaxAnswer, now: o.Now, answered: o.Answered,
		sent: map[string]bool{}, turn: make(chan struct{}, 1),
		http: &http.Client{
			Transport:     o.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if s.http.Transport == nil {
		s.http.Transport = o.transport(base)
	}
	if s.timeout == 0 {
		s.timeout = 30 * time.Second
	}
	if s.max == 0 {
		s.max = 256 << 10
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// Format writes no more than the type's name, whatever the verb.
func (*Server) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("nanomdm.Server")) }

// call is one request.
type call struct {
	method, path, contentType string
	query                     url.Values
	body                      *gate
}

func (k call) op() string { return k.method + " " + k.path }

// reply is an answer, whatever its status.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// send makes one request. An error means that no whole answer came; the body tells whether the request may have arrived.
func (s *Server) send(ctx context.Context, k call) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	to := s.base.JoinPath(k.path)
	to.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, to.String(), k.body.reader())
	if err != nil {
		return reply{}, s.silent(k, err)
	}
	req.ContentLength = k.body.size
	req.SetBasicAuth(apiUser, s.key.Reveal())
	req.Header.Set("Content-Type", k.contentType)
	req.Header.Set("User-Agent", "abmrenew")
	res, err := s.http.Do(req)
	if err != nil {
		return reply{}, s.silent(k, err)
	}
	defer res.Body.Close() //nolint:errcheck // the answer has been read, or is not wanted
	out := reply{status: res.StatusCode, header: res.Header}
	out.body, err = io.ReadAll(io.LimitReader(res.Body, s.max+1)) // of what comes out of decompression
	if err != nil {
		return reply{}, s.silent(k, err)
	}
	if int64(len(out.body)) > s.max {
		return reply{}, fmt.Errorf("%w: %s: larger than %d bytes", ErrAnswer, k.op(), s.max)
	}
	return out, nil
}
