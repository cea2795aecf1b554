package dep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

const (
	contentType   = "application/json;charset=UTF8" // exactly so, also without a body
	sessionHeader = "X-Adm-Auth-Session"
)

// service is Apple's service as HTTP sees it: no tokens, no sessions.
type service struct {
	base             *url.URL
	http             *http.Client
	agent, version   string
	now              func() time.Time
	timeout          time.Duration
	maxBody, maxPage int64
	clock            clock
}

// call is one request.
type call struct {
	method, path string
	query        url.Values
	body         any  // nil: none
	page         bool // the answer lists devices and may be large
	write        bool // Apple changes something
	hide         []string
}

func (k call) op() string { return k.method + " " + k.path }

// reply is an answer: its body if it is a success, and the session that it hands over, if any.
type reply struct {
	body    []byte
	session string
}

// send makes one request. A refusal is an [*Error] and comes with the reply's session; authorize adds what says who asks.
func (s *service) send(ctx context.Context, k call, authorize func(*http.Request) error, hide secrets) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var written attempts
	ctx = written.counted(ctx)
	req, err := s.request(ctx, k)
	if err != nil {
		return reply{}, err
	}
	made := s.now()
	if err := authorize(req); err != nil {
		return reply{}, err
	}
	if header := req.Header.Get("Authorization"); header != "" {
		hide = append(hide, header)
	}
	if ctx.Err() != nil {
		return reply{}, unbegun(ctx, k.op())
	}
	res, err := s.http.Do(req)
	if err != nil {
		return reply{}, newSilence(k.op(), err, hide)
	}
	defer res.Body.Close() //nolint:errcheck // the answer has been read, or is not wanted
	s.clock.note(res, s.now())
	out := reply{session: res.Header.Get(sessionHeader)}
	if !untrusted.Identifier(out.session, maxSession) {
		out.session = ""
	} else {
		hide = append(hide, out.session)
	}
	if res.StatusCode != http.StatusOK {
		// Where the body breaks off, its beginning has to do: the status is the answer.
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
		refused := refusal(k.op(), res, body, made, s.now(), hide)
		if written.several() && errors.Is(refused, abmtoken.ErrRejected) {
			return out, newSilence(k.op(), errRepeated, hide)
		}
		return out, refused
	}
	limit := s.maxBody
	if k.page {
		limit = s.maxPage
	}
	out.body, err = io.ReadAll(io.LimitReader(res.Body, limit+1)) // of what comes out of decompression
	if err != nil {
		return out, newSilence(k.op(), err, hide)
	}
	if int64(len(out.body)) > limit {
		return out, fmt.Errorf("%w: %s: larger than %d bytes", ErrAnswer, k.op(), limit)
	}
	return out, nil
}

func (s *service) request(ctx context.Context, k call) (*http.Request, error) {
	to := *s.base
	to.Path, to.RawQuery = k.path, k.query.Encode()
	var body io.Reader
	if k.body != nil {
		text, err := json.Marshal(k.body)
		if err != nil {
			return nil, wrongInput("%s: %v", k.op(), err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, to.String(), body)
	if err != nil {
		return nil, fmt.Errorf("dep: %s: %w", k.op(), err)
	}
	req.Header.Set("User-Agent", s.agent)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Server-Protocol-Version", s.version)
	return req, nil
}
