package apnshttp

import (
	"context"
	"errors"
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
	forgotten bool // the client was closed: whoever waited for its turn looks for another

	used  time.Time // guarded by connections.mu, as the next
	users int       // who wait for it, dial or ask: it is not forgotten under them
}

func newConnections(o Options) *connections {
	return &connections{
		options: o, kept: map[string]*connection{}, open: map[*farewell]struct{}{}, life: newLife(), streams: newStreams(o),
	}
}

// errForgotten says that a place is not looked at any more: the client was closed.
var errForgotten = errors.New("forgotten")

// get returns the connection in a place, the one in use if it takes another request. Fresh reports whether it is new. With
// an error, the connection may still know why Apple ended it.
func (c *connections) get(ctx context.Context, one *connection, certificate apns.Certificate) (conn *link, fresh bool, err error) {
	select {
	case one.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
	defer func() { <-one.turn }()
	switch {
	case one.forgotten:
		return nil, false, errForgotten
	case one.live.usable():
		return one.live, false, nil
	case one.live != nil:
		go one.live.retire()
		one.live = nil
	}
	conn, err = c.connect(ctx, certificate)
	if err == nil {
		one.live = conn
	}
	return conn, true, err
}

// enter finds or makes the place of a certificate, and forgets those that were unused longest where there are too many. Who
// enters leaves.
func (c *connections) enter(fingerprint string) *connection {
	now := c.options.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	one, known := c.kept[fingerprint]
	if !known {
		for len(c.kept) >= c.options.Connections && c.forgetOldest() {
		}
		one = &connection{turn: make(chan struct{}, 1)}
		c.kept[fingerprint] = one
	}
	one.used = now
	one.users++
	return one
}

func (c *connections) leave(one *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one.users--
}

func (c *connections) forgetOldest() (found bool) {
	oldest := ""
	for fingerprint, one := range c.kept {
		if one.users > 0 {
			continue
		}
		if oldest == "" || one.used.Before(c.kept[oldest].used) {
			oldest = fingerprint
		}
	}
	if oldest == "" {
		return false
	}
	one := c.kept[oldest]
	delete(c.kept, oldest)
	go func() { one.forget().retire() }()
	return true
}

// forget waits for whoever dials, and returns the connection that nobody gets any more; nil: there is none.
func (one *connection) forget() *link {
	one.turn <- struct{}{}
	defer func() { <-one.turn }()
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
