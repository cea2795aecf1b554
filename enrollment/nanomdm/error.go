package nanomdm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Sentinels that an error of this package may match, beside those of package enrollment.
var (
	// ErrKey: NanoMDM does not take the API key. Look at its -api option.
	ErrKey = errors.New("nanomdm: the server refused the API key")
	// ErrRefused: the server refused the request as it is; the same one never succeeds.
	ErrRefused = errors.New("nanomdm: the server refused the request")
	// ErrRedirect: the server answered with a redirect, which is never followed. Set BaseURL to where the API is.
	ErrRedirect = errors.New("nanomdm: a redirect was refused")
	// ErrAnswer: the answer cannot be used: too large, or not NanoMDM's.
	ErrAnswer = errors.New("nanomdm: the answer is not usable")
	// ErrForgetful: this NanoMDM forgets commands that devices have answered (storage option delete=1, or the file backend),
	// so it would let a device be erased twice. Start it without that option.
	ErrForgetful = errors.New("nanomdm: this server forgets answered commands and could erase a device twice; " +
		"start NanoMDM without the storage option delete=1, and not with the file backend")
	// ErrWipe: the order is not one that this device takes. Nothing was sent.
	ErrWipe = errors.New("nanomdm: this wipe is not sent")
)

func fatal(err error) error { return &enrollment.CallError{Outcome: enrollment.Fatal, Err: err} }

func wrongWipe(format string, args ...any) error {
	return fatal(fmt.Errorf("%w: %s", ErrWipe, fmt.Sprintf(format, args...)))
}

// silence is a request without an answer. The error of the transport can be asked with errors.Is, but not taken out, since
// it may quote what should not be printed.
type silence struct {
	op, text string
	cause    error
}

func (s *silence) Error() string { return fmt.Sprintf("nanomdm: no answer to %s: %s", s.op, s.text) }

func (s *silence) Is(target error) bool { return errors.Is(s.cause, target) }

func (s *Server) silent(k call, err error) error {
	return &silence{op: k.op(), text: s.foreign(err.Error()), cause: err}
}

// foreign makes a stranger's text fit for an error: bounded, one line, without the API key.
func (s *Server) foreign(text string) string {
	return printable(strings.ReplaceAll(text, s.key.Reveal(), "[redacted]"), 512)
}

// refusal is the error of an answer by which NanoMDM, or what stands before it, did nothing; nil: it is none such.
func (s *Server) refusal(k call, r reply) error {
	outcome, is, next := enrollment.Fatal, ErrRefused, ""
	switch {
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		is = ErrKey
	case r.status >= 300 && r.status < 400:
		is = ErrRedirect
	case r.status == http.StatusTooManyRequests:
		outcome = enrollment.Retry
	case r.status == http.StatusNotFound:
		next = "; is BaseURL where NanoMDM is, and was it started with -api?"
	case r.status == http.StatusBadRequest, r.status == http.StatusMethodNotAllowed,
		r.status == http.StatusRequestEntityTooLarge, r.status == http.StatusUnsupportedMediaType:
	default:
		return nil
	}
	e := &enrollment.CallError{Outcome: outcome, Err: fmt.Errorf("%w: %s: HTTP %d %s%s", is, k.op(), r.status, s.foreign(string(r.body[:min(len(r.body), 512)])), next)}
	if outcome == enrollment.Retry {
		e.After = retryAfter(r.header.Get("Retry-After"), s.now())
	}
	return e
}
