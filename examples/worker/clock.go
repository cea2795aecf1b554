package main

import (
	"context"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// storeClock tells the time of the database, which all machines share, so that a machine whose own clock is off neither
// signs requests that Apple refuses nor misjudges how long a wipe may still leave.
type storeClock struct {
	store storage.Store
	local func() time.Time

	mu   sync.Mutex
	at   time.Time // by the local clock, when the store said
	told time.Time // this
}

// trusted is how long an exchange may take whose answer tells the time.
const trusted = 10 * time.Second

// measure asks the database. Between two answers the local clock counts on, by its monotonic reading: setting it changes
// nothing. An answer that was long on its way says little; it is used only where there is no other.
func (c *storeClock) measure(ctx context.Context) error {
	before := c.local()
	claimed, err := c.store.Claim(ctx, storage.Claim{})
	if err != nil {
		return err
	}
	took := c.local().Sub(before)
	c.mu.Lock()
	defer c.mu.Unlock()
	if took <= trusted || c.at.IsZero() {
		c.at, c.told = before.Add(took/2), claimed.Now
	}
	return nil
}

// Now returns the time.
func (c *storeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told.Add(c.local().Sub(c.at))
}

// ahead is how far the local clock was ahead of the database's.
func (c *storeClock) ahead() time.Duration {
	now := c.Now()
	return c.local().Round(0).Sub(now)
}

// keep measures every so often until the context ends.
func (c *storeClock) keep(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = c.measure(ctx) // what was measured before stays good; that the database is away shows elsewhere
		case <-ctx.Done():
			return
		}
	}
}
