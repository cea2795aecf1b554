package axm

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// ErrUnknown says that a request that changes something was sent, and that it is not known whether Apple carried it out: no
// answer came, or one that says nothing. Apple has no idempotency key: read back before it is repeated.
var ErrUnknown = errors.New("axm: it is not known whether Apple did it")

// Outcome says what an error of this package means for an effect that is to be done once: Unknown where it may have been
// carried out, Fatal where it was not and the same request never will be, Retry for the rest, and OK for nil. What a person
// mends at Apple's portal (the API account, what it may do) is worth another attempt. An error of a call that only asks is
// never Unknown.
func Outcome(err error) enrollment.Outcome {
	switch {
	case err == nil:
		return enrollment.OK
	case errors.Is(err, ErrUnknown):
		return enrollment.Unknown
	case errors.Is(err, enrollment.ErrServiceGone):
		return enrollment.Retry // what is to happen with its devices a person says
	case isAny(err, ErrNotFound, ErrConflict, ErrRequest, ErrInput, ErrOptions):
		return enrollment.Fatal
	}
	return enrollment.Retry
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// unknown is an error after which a request may have been carried out.
type unknown struct{ error }

func (e unknown) Is(target error) bool { return target == ErrUnknown }
func (e unknown) Unwrap() error        { return e.error }
func (e unknown) Error() string        { return e.error.Error() + "; Apple may have done it all the same" }

// maybe marks an error of a request that was sent, unless the request only asks or the error says that nothing was done.
func (k call) maybe(err error) error {
	if err == nil || !k.write || undone(err) {
		return err
	}
	return unknown{err}
}

// undone reports whether an error proves that the request was not carried out. What is not known here proves nothing: a
// redirect or a 5xx may come from something that stands behind Apple's own.
func undone(err error) bool {
	if e, is := errors.AsType[*Error](err); is {
		return isAny(e.kind(), ErrUnauthorized, ErrForbidden, ErrNotFound, ErrConflict, ErrRequest, ErrClock) ||
			e.Status == http.StatusTooManyRequests
	}
	s, is := errors.AsType[*silence](err)
	return is && s.unsent
}

// callError says what an error means for a call of the ports.
func callError(err error) error {
	if err == nil {
		return nil
	}
	e := &enrollment.CallError{Outcome: Outcome(err), Err: err}
	var waits interface{ RetryAfter() time.Duration }
	if errors.As(err, &waits) {
		e.After = waits.RetryAfter()
	}
	return e
}
