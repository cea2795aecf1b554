package nanomdm

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// gate is the body of a request. It opens when its first byte is taken, which is after the connection stands: what was in
// time before a slow handshake may be too late after it. While it is shut the other side has no request that it could
// carry out, since the announced bytes are missing.
type gate struct {
	size int64

	mu     sync.Mutex
	open   func() error // asked once; an error shuts the gate for good
	body   io.Reader
	asked  bool
	passed bool
	err    error
}

// errShut is what a transport gets that reads on after its request has ended.
var errShut = errors.New("nanomdm: the request has ended")

func newGate(body []byte, open func() error) *gate {
	return &gate{body: bytes.NewReader(body), size: int64(len(body)), open: open}
}

// reader is the body for a request: none where it is empty, which is then no gate either.
func (g *gate) reader() io.Reader {
	if g.size == 0 {
		return http.NoBody
	}
	return g
}

// Read gives the body once the gate is open.
func (g *gate) Read(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.asked && g.err == nil {
		g.asked = true
		if g.open != nil {
			g.err = g.open()
		}
		g.passed = g.err == nil
	}
	if g.err != nil {
		return 0, g.err
	}
	return g.body.Read(p)
}

// shut ends it and reports whether any byte may have left.
func (g *gate) shut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = errShut
	}
	return g.passed
}
