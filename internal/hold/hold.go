// Package hold keeps calls back for as long as a service asked to wait.
package hold

import (
	"sync"
	"time"
)

// Hold is the wait that a service asked for; the zero Hold is none. It is safe for concurrent use.
type Hold struct {
	mu           sync.Mutex
	since, until time.Time
	status       int
}

// Begin takes over what an answer with this HTTP status asks for.
func (h *Hold) Begin(status int, wait time.Duration, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since, h.until, h.status = now, now.Add(wait), status
}

// Left is how long a call has to wait, and the status of the answer that asked for it; zero: not at all. A clock that was set
// back ends the wait.
func (h *Hold) Left(now time.Time) (wait time.Duration, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !now.Before(h.until) || now.Before(h.since) {
		return 0, 0
	}
	return h.until.Sub(now), h.status
}
