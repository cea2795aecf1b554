package axm

import (
	"errors"
	"time"
)

// note takes over what an answer asks for. Apple's limits are those of an account, so all calls of a client wait.
func (c *Client) note(err error, now time.Time) {
	if e, is := errors.AsType[*Error](err); is && !e.Held && e.Wait > 0 && errors.Is(e.kind(), ErrThrottled) {
		c.hold.Begin(e.Status, e.Wait, now)
	}
}

// held returns the refusal of a call that comes too early.
func (c *Client) held(op string, now time.Time) error {
	if wait, status := c.hold.Left(now); wait > 0 {
		return &Error{Op: op, Status: status, Wait: wait, Held: true}
	}
	return nil
}
