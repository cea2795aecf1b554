package apnshttp

import (
	"context"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/apns"
)

// connections are kept by certificate: who renews one gets a new connection, and the old one falls idle.
type connections struct {
	options Options
	streams streams

	mu   sync.Mutex // guards what follows; never held while waiting
	kept map[string]*connection
	open map[*farewell]struct{} // all that are not closed, those on their way out as well
	life life
}

// connection is one certificate's way to Apple.
type connection struct {
	turn      chan struct{} // of one element: who holds it may dial, and reads and writes the next two
	live      *link
	forgotten bool // it is no longer in kept: whoever waited for its turn looks there again

	used time.Time // guarded by connections.mu
}

func newConnections(o Options) *connections {
	return &connections{
		options: o, kept: map[string]*connection{}, open: map[*farewell]struct{}{}, life: newLife(), streams: newStreams(o),
	}
}

// get returns the certificate's connection, the one in use if it takes another request. Fresh reports whether it is new.
// With an error, the connection may still know why Apple ended it.
func (c *connections) get(ctx context.Context, certificate apns.Certificate) (conn *link, fresh bool, err error) {
	for {
		one := c.of(certificate.Fingerprint())
		if err := one.take(ctx); err != nil {
			return nil, false, err
		}
		if one.forgotten {
			one.leave()
			continue
		}
		defer one.leave()
		if one.live.usable() {
			return one.live, false, nil
		}
		if one.live != nil {
			go one.live.retire()
			one.live = nil
		}
		conn, err = c.connect(ctx, certificate)
		if err == nil {
			one.live = conn
		}
		return conn, true, err
	}
}

// take waits for the turn.
func (one *connection) take(ctx context.Context) error {
	select {
	case one.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (one *connection) leave() { <-one.turn }

// of finds or makes the place of a certificate, and forgets the one that was unused longest where there are too many.
func (c *connections) of(fingerprint string) *connection {
	now := c.options.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	one, known := c.kept[fingerprint]
	if !known {
		if len(c.kept) >= c.options.Connections {
			c.forgetOldest()
		}
		one = &connection{turn: make(chan struct{}, 1)}
		c.kept[fingerprint] = one
	}
	one.used = now
	return one
}

func (c *connections) forgetOldest() {
	oldest := ""
	for fingerprint, one := range c.kept {
		if oldest == "" || one.used.Before(c.kept[oldest].used) {
			oldest = fingerprint
		}
	}
	one := c.kept[oldest]
	delete(c.kept, oldest)
	go one.forget().retire()
}

// forget waits for whoever dials, and returns the connection that nobody gets any more; nil: there is none.
func (one *connection) forget() *link {
	one.turn <- struct{}{}
	defer one.leave()
	live := one.live
	one.live, one.forgotten = nil, true
	return live
}

// closeAll ends what is under way, dialing as well.
func (c *connections) closeAll() {
	c.mu.Lock()
	kept, over := c.kept, c.life
	c.kept, c.life = map[string]*connection{}, newLife()
	c.mu.Unlock()
	over.end()
	for _, one := range kept {
		one.forget()
	}
	c.mu.Lock()
	open := make([]*farewell, 0, len(c.open))
	for end := range c.open {
		open = append(open, end)
	}
	c.mu.Unlock()
	var closing sync.WaitGroup // each may wait a while for the other side to take its last word
	for _, end := range open {
		closing.Go(func() { _ = end.Close() })
	}
	closing.Wait()
}
