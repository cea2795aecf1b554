package appletest

import (
	"sync"
	"time"
)

// Calendar is a clock that moves when it is told to, so that a year passes in a moment: one for Apple ([Options.Now]), the
// store, the clients and the devices. It is safe for concurrent use.
type Calendar struct {
	mu  sync.Mutex
	now time.Time
}

// NewCalendar returns a clock that stands at a time.
func NewCalendar(at time.Time) *Calendar { return &Calendar{now: at} }

// Now is the time at which it stands.
func (c *Calendar) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Pass lets time pass.
func (c *Calendar) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
