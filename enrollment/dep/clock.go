package dep

import (
	"net/http"
	"sync"
	"time"
)

// clock remembers how far the clock of whoever answered is ahead of ours.
type clock struct {
	mu    sync.Mutex
	skew  time.Duration
	known bool
}

func (c *clock) note(res *http.Response, now time.Time) {
	skew, known := skewOf(res, now)
	if !known {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew, c.known = skew, true
}

func (c *clock) last() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.known
}

// skewOf reads the Date header, which has whole seconds.
func skewOf(res *http.Response, now time.Time) (time.Duration, bool) {
	date, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	return date.Sub(now), true
}

// ClockSkew is how far Apple's clock was ahead of [Options.Now] when it answered last, to about a second; known is false
// before the first answer. Apple refuses tokens for a clock that is wrong by minutes, which looks like a dead token: see
// [ErrClock].
func (c *Client) ClockSkew() (ahead time.Duration, known bool) { return c.service.clock.last() }

// ClockSkew is how far Apple's clock was ahead of ours; see [Client.ClockSkew].
func (v *Verifier) ClockSkew() (ahead time.Duration, known bool) { return v.service.clock.last() }
