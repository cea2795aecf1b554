package dep

import (
	"errors"
	"net/http"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// ErrUnknown says that a request that changes something was sent, and that it is not known whether Apple carried it out: no answer came,
// or one that says nothing. Look at the devices before it is repeated.
var ErrUnknown = errors.New("dep: it is not known whether Apple did it")

// Outcome says what an error of this package means for an effect that is to be done once: Unknown where it may have been
// carried out, Fatal where it was not and the same request never will be, Retry for the rest, and OK for nil. An error of
// a call that only asks is never Unknown.
func Outcome(err error) enrollment.Outcome {
	if err == nil {
		return enrollment.OK
	}
	if errors.Is(err, ErrUnknown) {
		return enrollment.Unknown
	}
	if isAny(err, abmtoken.ErrRejected, abmtoken.ErrTermsPending, abmtoken.ErrAccessDenied,
		ErrRequest, ErrCursor, ErrExhausted, ErrNotFound, ErrNotAccessible, ErrNotSupported, ErrInput, ErrOptions, ErrFIPS) {
		return enrollment.Fatal
	}
	if device, is := errors.AsType[*DeviceError](err); is && device.Status == StatusAlreadyLocked {
		return enrollment.Fatal
	}
	return enrollment.Retry
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

// undone reports whether an error proves that the request was not carried out. What is not known here proves nothing.
func undone(err error) bool {
	if e, is := errors.AsType[*Error](err); is {
		switch e.Status {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
			http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
			http.StatusTooManyRequests:
			return true
		}
		return false
	}
	s, is := errors.AsType[*silence](err)
	return is && s.unsent || errors.Is(err, ErrInput)
}
