package enrollment

import (
	"errors"
	"time"
)

// What the ports of this package say. Adapters wrap them, so that errors.Is finds them. Where a dispatcher cannot do a thing
// at all, the error matches errors.ErrUnsupported.
var (
	// ErrNoDevice says that this MDM or service does not know the device.
	ErrNoDevice = errors.New("enrollment: the device is not known there")
	// ErrTooLate says that nothing was sent, because NotAfter had passed.
	ErrTooLate = errors.New("enrollment: too late to send it, so it was not sent")
	// ErrWipeTaken says that a wipe cannot be recalled any more: the device has taken or answered it.
	ErrWipeTaken = errors.New("enrollment: the device has the wipe already")
	// ErrRepeated says that a command with this UUID was taken before, and that nothing was sent again: the first attempt had
	// arrived.
	ErrRepeated = errors.New("enrollment: a command with this UUID was sent before, so it was not sent again")
	// ErrNoBypassCode says that nobody holds a code that would clear the Activation Lock; a person can turn it off in Apple's
	// portal.
	ErrNoBypassCode = errors.New("enrollment: there is no bypass code for the Activation Lock")
	// ErrServiceGone says that the service was deleted at Apple, for certain.
	ErrServiceGone = errors.New("enrollment: the service was deleted at Apple")
	// ErrNoActivity says that there is no activity with this ID, or not any more.
	ErrNoActivity = errors.New("enrollment: there is no such activity")
)

// CallError is an error of a port that says what became of the call. An error without one means: of a call that changes
// something, that it may have been carried out; of one that only asks, that it is worth another attempt.
type CallError struct {
	Outcome Outcome       // Retry, Fatal or Unknown
	After   time.Duration // with Retry: how long the other side asked to wait; zero: it did not say
	Err     error
}

// Error says what went wrong.
func (e *CallError) Error() string {
	if e.Err == nil {
		return "the call failed: " + string(e.Outcome)
	}
	return e.Err.Error()
}

// Unwrap returns what went wrong.
func (e *CallError) Unwrap() error { return e.Err }

// Asked returns the outcome of a port's call that only asks, and how long to wait before the next. It is never Unknown.
func Asked(err error) (Outcome, time.Duration) {
	outcome, after := told(err)
	if outcome == Unknown {
		outcome = Retry
	}
	return outcome, after
}

// Sent returns the outcome of a port's call that changes something, and how long to wait before the next. Whatever does
// not say that nothing was done is Unknown.
func Sent(err error) (Outcome, time.Duration) { return told(err) }

func told(err error) (Outcome, time.Duration) {
	if err == nil || errors.Is(err, ErrRepeated) {
		return OK, 0
	}
	if e, is := errors.AsType[*CallError](err); is {
		switch e.Outcome {
		case Retry, Fatal:
			return e.Outcome, max(e.After, 0)
		}
		return Unknown, 0
	}
	for _, definite := range [...]struct {
		is      error
		outcome Outcome
	}{
		{errors.ErrUnsupported, Fatal}, {ErrNoDevice, Fatal}, {ErrNoBypassCode, Fatal}, {ErrWipeTaken, Fatal},
		{ErrNoActivity, Fatal}, {ErrTooLate, Retry},
	} {
		if errors.Is(err, definite.is) {
			return definite.outcome, 0
		}
	}
	return Unknown, 0
}
