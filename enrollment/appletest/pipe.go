package appletest

import (
	"io"
	"net"
	"sync"
	"time"
)

// bufferedPipe is net.Pipe whose writes do not wait for the reader, as those of a socket do not: with TLS and HTTP/2 both
// ends may write at once.
func bufferedPipe() (client, server net.Conn) {
	one, two := net.Pipe()
	return newBuffered(one), newBuffered(two)
}

// buffered writes behind.
type buffered struct {
	net.Conn

	mu     sync.Mutex
	more   sync.Cond
	queue  []byte
	closed bool
	failed error
}

func newBuffered(conn net.Conn) *buffered {
	b := &buffered{Conn: conn}
	b.more.L = &b.mu
	go b.drain()
	return b
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	if b.failed != nil {
		return 0, b.failed
	}
	b.queue = append(b.queue, p...)
	b.more.Signal()
	return len(p), nil
}

// SetDeadline is for reading: writes do not wait, and what was written before a deadline is still delivered.
func (b *buffered) SetDeadline(t time.Time) error { return b.SetReadDeadline(t) }

// SetWriteDeadline changes nothing.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }

// Close lets what was written be read, and then closes. What still comes from the other end is thrown away, so that two ends
// that are closed do not wait for each other.
func (b *buffered) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	b.more.Signal()
	go func() { _, _ = io.Copy(io.Discard, b.Conn) }() // ends with the pipe
	return nil
}

func (b *buffered) drain() {
	defer b.Conn.Close() //nolint:errcheck // a pipe
	for {
		b.mu.Lock()
		for len(b.queue) == 0 && !b.closed {
			b.more.Wait()
		}
		out := b.queue
		b.queue = nil
		b.mu.Unlock()
		if len(out) == 0 {
			return
		}
		if _, err := b.Conn.Write(out); err != nil {
			b.mu.Lock()
			b.failed, b.queue = err, nil
			b.mu.Unlock()
			return
		}
	}
}
