package dep

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// What an [*Error] may match with errors.Is, beside abmtoken's ErrRejected, ErrTermsPending and ErrAccessDenied. An
// Error that matches none of them is no definite answer: ask again later.
var (
	// ErrClock: Apple refused the token, but its clock and ours are more than five minutes apart, so that the refusal
	// may be about the OAuth timestamp. Set the clock of this machine; the refusal says nothing about the token.
	ErrClock = errors.New("dep: this machine's clock is wrong")
	// ErrCursor: Apple does not take the cursor (any more). Fetch all devices again without one.
	ErrCursor = errors.New("dep: the cursor is not valid any more")
	// ErrExhausted: the cursor belongs to a fetch that is complete. Go on with [Client.SyncDevices] from it.
	ErrExhausted = errors.New("dep: the fetch is complete")
	// ErrRedirect: the service answered with a redirect, which is never followed.
	ErrRedirect = errors.New("dep: a redirect was refused")
	// ErrNotFound: Apple does not know the profile.
	ErrNotFound = errors.New("dep: Apple does not know it")
)

// ErrAnswer: the answer cannot be used: too large, no JSON of the documented shape, or nested without end. It says
// nothing about the token; ask again later.
var ErrAnswer = errors.New("dep: Apple's answer is not usable")

// clockTolerance is how far clocks may be apart before a refusal says nothing about the token.
const clockTolerance = 5 * time.Minute

const sessionOp = "GET /session"

// Error is an answer of Apple's that is no success. It implements [abmtoken.Detailed]. It holds no secret.
type Error struct {
	Op     string        // method and path, such as "GET /account"
	Status int           // the HTTP status
	Code   Code          // Apple's word; empty where the body is none
	Body   string        // the body, bounded to 512 bytes and made printable
	Wait   time.Duration // how long Apple asked to wait (Retry-After); zero: it did not say
	Skew   time.Duration // how far Apple's clock is ahead of ours; zero: not known
}

var _ abmtoken.Detailed = (*Error)(nil)

// Reason is Apple's own word for the refusal.
func (e *Error) Reason() string { return string(e.Code) }

// RetryAfter is how long Apple asked to wait.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// Is matches the sentinel that the answer stands for.
func (e *Error) Is(target error) bool { return target != nil && target == e.kind() }

// kind is the definite meaning of an answer, or nil. A 5xx never has one, whatever its body.
func (e *Error) kind() error {
	denied := e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	switch {
	case denied && e.Code == CodeTermsNotSigned:
		return abmtoken.ErrTermsPending
	case denied && (e.Code == CodeAccessDenied || e.Code == CodeSeedTurnedOff),
		e.Status == http.StatusForbidden && e.Code == CodeForbidden:
		return abmtoken.ErrAccessDenied
	case denied && (e.Code == CodeTokenRejected || e.Code == CodeSignatureInvalid),
		e.Status == http.StatusUnauthorized && e.Op == sessionOp:
		if e.Skew.Abs() > clockTolerance {
			return ErrClock
		}
		return abmtoken.ErrRejected
	case e.Status == http.StatusBadRequest && e.Code == CodeCursorExhausted:
		return ErrExhausted
	case e.Status == http.StatusBadRequest &&
		(e.Code == CodeCursorInvalid || e.Code == CodeCursorExpired || e.Code == CodeCursorRequired):
		return ErrCursor
	case e.Status == http.StatusBadRequest && e.Code == CodeNotFound, e.Status == http.StatusNotFound:
		return ErrNotFound
	case e.Status >= 300 && e.Status < 400:
		return ErrRedirect
	}
	return nil
}

// Error says what Apple answered and what to do about it.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dep: Apple answered %s with HTTP %d", e.Op, e.Status)
	switch {
	case e.Code != "":
		fmt.Fprintf(&b, " %s", e.Code)
	case e.Body != "":
		fmt.Fprintf(&b, " and %q", e.Body)
	}
	if next := e.next(); next != "" {
		b.WriteString("; " + next)
	}
	return b.String()
}

// next is what a person does now.
func (e *Error) next() string {
	if e.kind() == ErrClock {
		return fmt.Sprintf("this machine's clock differs from Apple's by %s: set it, and ask again", e.Skew.Abs().Round(time.Second))
	}
	if text := advice[e.Code]; text != "" && e.Status < 500 {
		return text
	}
	switch {
	case e.kind() == abmtoken.ErrRejected:
		return advice[CodeTokenRejected]
	case e.kind() == ErrRedirect:
		return "it is not followed; check what stands between this machine and Apple"
	case e.Wait > 0:
		return "ask again in " + e.Wait.Round(time.Second).String()
	case e.Status == http.StatusTooManyRequests, e.Status >= 500, e.Status == http.StatusUnauthorized:
		return "ask again later"
	}
	return ""
}

// silence is a request that got no answer at all. Its text is made printable, because transports quote what they got.
type silence struct {
	op  string
	err error
}

func (e *silence) Error() string {
	return fmt.Sprintf("dep: no answer to %s: %s; ask again later", e.op, clean(e.err.Error(), 512))
}

func (e *silence) Unwrap() error { return e.err }
