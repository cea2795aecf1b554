package axm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// service is Apple's API as HTTP sees it: no accounts, no tokens.
type service struct {
	base, token       *url.URL
	http              *http.Client
	agent             string
	loopback          bool
	now               func() time.Time
	timeout           time.Duration
	maxAnswer, maxLog int64
	pageSize          int
	budget            Budget
}

// request is one request as it is sent.
type request struct {
	op          string // for errors; no address, which may hold a secret
	method      string
	to          *url.URL
	body        []byte
	contentType string
	bearer      string // empty: none
	hide        secrets
	limit       int64 // of the answer, in bytes
}

// send makes one request and reads its answer. A refusal is an [*Error].
func (s *service) send(ctx context.Context, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	res, err := s.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()                                       //nolint:errcheck // the answer has been read, or is not wanted
	body, err := io.ReadAll(io.LimitReader(res.Body, r.limit+1)) // of what comes out of decompression
	if err != nil {
		return nil, newSilence(r.op, err, r.hide)
	}
	if int64(len(body)) > r.limit {
		return nil, fmt.Errorf("%w: %s: larger than %d bytes", ErrAnswer, r.op, r.limit)
	}
	return body, nil
}

// open makes one request; the answer is a success whose body has not been read.
func (s *service) open(ctx context.Context, r request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.to.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, wrongInput("%s: the request cannot be made", r.op)
	}
	req.Header.Set("User-Agent", s.agent)
	req.Header.Set("Accept", "application/json") // without it Apple answers 406 (observed)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	hide := r.hide
	if r.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+r.bearer)
		hide = append(hide[:len(hide):len(hide)], r.bearer)
	}
	if ctx.Err() != nil {
		return nil, unbegun(ctx, r.op)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return nil, newSilence(r.op, err, hide)
	}
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusCreated {
		return res, nil
	}
	defer res.Body.Close() //nolint:errcheck // the status is the answer
	// Where the body breaks off, its beginning has to do.
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	return nil, refusal(r.op, res, body, s.now(), hide)
}

// decode reads an answer: one JSON object.
func decode(op string, body []byte, into any) error {
	if err := untrusted.CheckJSON(body); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAnswer, op, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		// The error of the json package may quote what it read.
		return fmt.Errorf("%w: %s: it is not as documented", ErrAnswer, op)
	}
	return nil
}
