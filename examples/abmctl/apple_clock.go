package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// appleClock reads Apple's clock off the answers of the device assignment service. No wipe is released while the store's
// clock is minutes off, because budgets and approvals are counted by it.
type appleClock struct {
	inner http.RoundTripper
	now   func() time.Time

	mu    sync.Mutex
	ahead time.Duration // of our clock, when Apple answered last
	known bool
}

// RoundTrip sends a request.
func (c *appleClock) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.inner.RoundTrip(r)
	if err != nil {
		return res, err
	}
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.mu.Lock()
		c.ahead, c.known = date.Sub(c.now()), true
		c.mu.Unlock()
	}
	return res, nil
}

// Time is now by Apple's clock; false: Apple has not answered yet.
func (c *appleClock) Time() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Add(c.ahead), c.known
}

// ask has Apple answer, whatever it says, where it has not answered yet. That it does not is no error: then wipes wait.
func (c *appleClock) ask(ctx context.Context, base string) {
	if _, known := c.Time(); known {
		return
	}
	if base == "" {
		base = dep.DefaultBaseURL
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
	if err != nil {
		return
	}
	req.Header.Set("User-Agent", userAgent)
	if res, err := c.RoundTrip(req); err == nil {
		_ = res.Body.Close()
	}
}
