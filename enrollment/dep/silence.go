package dep

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// silence is a request that got no answer. Transports quote what they got, so the text is made printable and free of
// secrets, and the error of the transport can be asked ([errors.Is]) but not taken out.
type silence struct {
	op     string
	err    error
	hide   secrets
	unsent bool // it is certain that no byte of the request left
}

func (e *silence) Error() string {
	return fmt.Sprintf("dep: no answer to %s: %s; ask again later", e.op, clean(e.hide.redact(e.err.Error(), false), 512))
}

func (e *silence) Is(target error) bool { return errors.Is(e.err, target) }

// Timeout reports whether it was a deadline that ended the request.
func (e *silence) Timeout() bool {
	if errors.Is(e.err, context.DeadlineExceeded) {
		return true
	}
	slow, is := errors.AsType[net.Error](e.err)
	return is && slow.Timeout()
}
