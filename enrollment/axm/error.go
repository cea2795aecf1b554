package axm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What an [*Error] may match with errors.Is. One that matches none of them (5xx, say) is no definite answer: ask again later.
var (
	// ErrUnauthorized: Apple does not take the API account: its key was revoked, or the account was removed.
	ErrUnauthorized = errors.New("axm: Apple does not take the API account")
	// ErrForbidden: the API account may not do this, or the organization does not have this version of the API yet.
	ErrForbidden = errors.New("axm: the API account may not do this")
	// ErrNotFound: Apple does not know the device, the service or the activity.
	ErrNotFound = errors.New("axm: Apple does not know it")
	// ErrConflict: what is asked for does not fit what Apple knows: the service, a serial number, a deadline, a name.
	ErrConflict = errors.New("axm: it does not fit what Apple knows")
	// ErrDevices: the answer is about the devices that were named, such as a serial number that the organization does not
	// have. Nothing was done for any of them.
	ErrDevices = errors.New("axm: Apple does not take a device that was named")
	// ErrRequest: Apple does not take a value of the request. The same request never succeeds.
	ErrRequest = errors.New("axm: Apple does not take a value of the request")
	// ErrThrottled: Apple asks to wait. Ask again after RetryAfter of the error, or later where it is zero.
	ErrThrottled = errors.New("axm: Apple asks to wait")
	// ErrRedirect: the service answered with a redirect, which is never followed.
	ErrRedirect = errors.New("axm: a redirect was refused")
	// ErrClock: Apple refused the account, but its clock and ours are more than five minutes apart, so that the refusal may be
	// about the times in the client assertion. Set the clock of this machine.
	ErrClock = errors.New("axm: this machine's clock is wrong")
)

// ErrAnswer says that the answer cannot be used: too large, no JSON of the documented shape, or nested without end.
var ErrAnswer = errors.New("axm: Apple's answer is not usable")

// ErrLoop says that a list of Apple's does not end.
var ErrLoop = errors.New("axm: Apple's list goes in circles")

// ErrInput says that what was asked for is not possible, and why. Nothing was sent.
var ErrInput = errors.New("axm: wrong input")

func wrongInput(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, args...))
}

// clockTolerance is how far clocks may be apart before a refusal says nothing about the account.
const clockTolerance = 5 * time.Minute

// Error is an answer of Apple's that is no success. It holds no secret.
type Error struct {
	Op     string        // method and path, such as "GET /v1/orgDevices"
	Status int           // the HTTP status
	Code   Code          // Apple's word, of the first of Details; empty where there is none
	Reason []Detail      // all that Apple said, at most ten
	Body   string        // the body where it is not as documented, bounded and made printable
	Wait   time.Duration // how long Apple asked to wait (Retry-After); zero: it did not say
	Skew   time.Duration // how far Apple's clock is ahead of ours; zero: not known
	Held   bool          // nothing was sent: an earlier answer, whose status this is, asked to wait
}

// Detail is one of the errors of an answer (Apple, "ErrorResponse"). Texts are made printable and bounded.
type Detail struct {
	Code               Code
	Title, Detail      string
	Pointer, Parameter string // which part of the request it is about
}

// RetryAfter is how long Apple asked to wait.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// Is matches the sentinel that the answer stands for.
func (e *Error) Is(target error) bool {
	return target != nil && (target == e.kind() || target == ErrDevices && e.aboutDevices())
}

// aboutDevices reports whether Apple points at the devices of the request.
func (e *Error) aboutDevices() bool {
	if e.Status != http.StatusConflict && e.Status != http.StatusBadRequest && e.Status != http.StatusUnprocessableEntity {
		return false
	}
	for _, d := range e.Reason {
		if strings.HasPrefix(d.Pointer, "/data/relationships/devices") {
			return true
		}
	}
	return false
}

// kind is the definite meaning of an answer, or nil.
func (e *Error) kind() error {
	switch {
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusServiceUnavailable && e.Wait > 0:
		return ErrThrottled
	case e.Op == tokenOp && e.Code.aboutAccount(), e.Status == http.StatusUnauthorized:
		if e.Skew.Abs() > clockTolerance {
			return ErrClock
		}
		return ErrUnauthorized
	case e.Status == http.StatusForbidden:
		return ErrForbidden
	case e.Status == http.StatusNotFound:
		return ErrNotFound
	case e.Status == http.StatusConflict:
		return ErrConflict
	case e.Status >= 300 && e.Status < 400:
		return ErrRedirect
	case e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout:
		return ErrRequest
	}
	return nil
}

// Error says what Apple answered and what to do about it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Held {
		fmt.Fprintf(&b, "axm: %s was not sent, because Apple asked to wait with HTTP %d", e.Op, e.Status)
	} else {
		fmt.Fprintf(&b, "axm: Apple answered %s with HTTP %d", e.Op, e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if len(e.Reason) > 0 {
		if d := e.Reason[0]; d.Detail != "" {
			fmt.Fprintf(&b, " (%q)", d.Detail)
		}
		if p := e.Reason[0].Pointer; p != "" {
			fmt.Fprintf(&b, " about %s", p)
		}
	} else if e.Body != "" {
		fmt.Fprintf(&b, " and %q", e.Body)
	}
	if next := e.next(); next != "" {
		b.WriteString("; " + next)
	}
	return b.String()
}

// next is what a person does now.
func (e *Error) next() string {
	switch kind := e.kind(); {
	case errors.Is(kind, ErrClock):
		return fmt.Sprintf("this machine's clock differs from Apple's by %s: set it, and ask again", e.Skew.Abs().Round(time.Second))
	case errors.Is(kind, ErrUnauthorized):
		return "check the API account in Apple's portal: whether it still exists, and has this client ID and key"
	case errors.Is(kind, ErrForbidden):
		return "check in Apple's portal what the API account may do; a newer part of the API may not be open to the organization yet"
	case errors.Is(kind, ErrRedirect):
		return "it is not followed; check what stands between this machine and Apple"
	case e.aboutDevices():
		return "check that every serial number is the organization's"
	case e.Wait > 0:
		return "ask again in " + e.Wait.Round(time.Second).String()
	case e.Status == http.StatusTooManyRequests, e.Status >= 500:
		return "ask again later"
	}
	return ""
}
