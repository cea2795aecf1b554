package dep

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/abmrenew/abmrenew/internal/dialguard"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// silence is a request that got no answer. Transports quote what they got, so the text is made printable and free of
// secrets, and the error of the transport can be asked ([errors.Is]) but not taken out.
type silence struct {
	op, text string
	is       func(target error) bool
	timeout  bool
	unsent   bool // it is certain that no byte of the request left
}

func newSilence(op string, err error, hide secrets) *silence {
	slow, is := errors.AsType[net.Error](err)
	return &silence{
		op: op, text: untrusted.Clean(hide.redact(err.Error(), false), 512),
		is:      func(target error) bool { return errors.Is(err, target) },
		timeout: errors.Is(err, context.DeadlineExceeded) || is && slow.Timeout(),
		unsent:  dialguard.Unsent(err),
	}
}

// unbegun is a call whose context ended before anything was sent.
func unbegun(ctx context.Context, op string) *silence {
	s := newSilence(op, context.Cause(ctx), nil)
	s.unsent = true
	return s
}

func (s *silence) Error() string {
	return fmt.Sprintf("dep: no answer to %s: %s; ask again later", s.op, s.text)
}

func (s *silence) Is(target error) bool { return s.is(target) }

// Timeout reports whether it was a deadline that ended the request.
func (s *silence) Timeout() bool { return s.timeout }
