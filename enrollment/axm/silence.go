package axm

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/abmrenew/abmrenew/internal/dialguard"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// silence is a request that got no answer. Transports quote what they got, so the text is made printable and free of
// secrets, and the error of the transport can be asked ([errors.Is]) but not taken out.
type silence struct {
	op, text string
	is       func(target error) bool
	unsent   bool // it is certain that no byte of the request left
}

func newSilence(op string, err error, hide secrets) *silence {
	inner := err
	if u, is := errors.AsType[*url.Error](err); is {
		inner = u.Err // without the address, which may be a signed one
	}
	return &silence{
		op: op, text: untrusted.Clean(hide.redact(inner.Error(), false), maxErrorText),
		is: func(target error) bool { return errors.Is(err, target) }, unsent: dialguard.Unsent(err),
	}
}

// unbegun is a call whose context ended before anything was sent.
func unbegun(ctx context.Context, op string) *silence {
	s := newSilence(op, context.Cause(ctx), nil)
	s.unsent = true
	return s
}

func (s *silence) Error() string {
	return fmt.Sprintf("axm: no answer to %s: %s; ask again later", s.op, s.text)
}

func (s *silence) Is(target error) bool { return s.is(target) }
