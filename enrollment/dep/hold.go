package dep

import (
	"errors"
	"sync"
	"time"
)

// hold keeps calls back for as long as Apple asked to wait. Apple does not document that this service does; where it
// does, it means the whole token, so all calls of a client wait.
type hold struct {
	mu           sync.Mutex
	since, until time.Time
	status       int
}

// note takes over what an answer asks for.
func (h *hold) note(err error, now time.Time) {
	e, is := errors.AsType[*Error](err)
	if !is || e.Held || e.Wait <= 0 || !errors.Is(e.kind(), ErrThrottled) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since, h.until, h.status = now, now.Add(e.Wait), e.Status
}

// check returns the refusal of a call that comes too early. A clock that was set back ends the wait.
func (h *hold) check(op string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !now.Before(h.until) || now.Before(h.since) {
		return nil
	}
	return &Error{Op: op, Status: h.status, Wait: h.until.Sub(now), Held: true}
}
