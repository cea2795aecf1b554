package dep

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
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
	// ErrRequest: Apple does not take a value of the request; its word says which. The same request never succeeds.
	ErrRequest = errors.New("dep: Apple does not take a value of the request")
	// ErrThrottled: Apple asks to wait, with HTTP 429, with 503 and a Retry-After, or for one device. Nothing is wrong with
	// the token; ask again after RetryAfter of the error, or later where it is zero.
	ErrThrottled = errors.New("dep: Apple asks to wait")
)

// ErrAnswer says that the answer cannot be used: too large, no JSON of the documented shape, or nested without end. It says
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
	Skew   time.Duration // how far Apple's clock was ahead of ours when the request was made; zero: not known
	Held   bool          // nothing was sent: an earlier answer, whose status this is, asked to wait
}

var _ abmtoken.Detailed = (*Error)(nil)

// Reason is Apple's own word for the refusal.
func (e *Error) Reason() string { return string(e.Code) }

// RetryAfter is how long Apple asked to wait.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// Is matches the sentinel that the answer stands for.
func (e *Error) Is(target error) bool { return target != nil && target == e.kind() }

// kind is the definite meaning of an answer, or nil. A 5xx says nothing about the token or the request, whatever its body.
func (e *Error) kind() error {
	is := meanings[e.Code].is
	denied := e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	switch {
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusServiceUnavailable && e.Wait > 0:
		return ErrThrottled
	case denied && errors.Is(is, abmtoken.ErrTermsPending):
		return is
	case denied && errors.Is(is, abmtoken.ErrAccessDenied) && (e.Code != CodeForbidden || e.Status == http.StatusForbidden):
		return is
	case denied && errors.Is(is, abmtoken.ErrRejected), e.Status == http.StatusUnauthorized && e.Op == sessionOp:
		if e.Skew.Abs() > clockTolerance {
			return ErrClock
		}
		return abmtoken.ErrRejected
	case e.Status == http.StatusBadRequest && isAny(is, ErrCursor, ErrExhausted, ErrNotFound, ErrRequest):
		return is
	case e.Status == http.StatusNotFound:
		return ErrNotFound
	case e.Status >= 300 && e.Status < 400:
		return ErrRedirect
	}
	return nil
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// Error says what Apple answered and what to do about it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Held {
		fmt.Fprintf(&b, "dep: %s was not sent, because Apple asked to wait with HTTP %d", e.Op, e.Status)
	} else {
		fmt.Fprintf(&b, "dep: Apple answered %s with HTTP %d", e.Op, e.Status)
	}
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
	if errors.Is(e.kind(), ErrClock) {
		return fmt.Sprintf("this machine's clock differs from Apple's by %s, or the request was so long on its way: set the clock, and ask again", e.Skew.Abs().Round(time.Second))
	}
	if text := meanings[e.Code].next; text != "" && e.Status < 500 {
		return text
	}
	switch {
	case errors.Is(e.kind(), abmtoken.ErrRejected):
		return meanings[CodeTokenRejected].next
	case errors.Is(e.kind(), ErrRedirect):
		return "it is not followed; check what stands between this machine and Apple"
	case e.Wait > 0:
		return "ask again in " + e.Wait.Round(time.Second).String()
	case e.Status == http.StatusTooManyRequests, e.Status >= 500, e.Status == http.StatusUnauthorized:
		return "ask again later"
	}
	return ""
}
