package apnshttp

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// farewell reads along with HTTP/2 what Apple says before it ends a connection: a GOAWAY frame, whose data is JSON with a
// reason (as NanoMDM observes, 2026). The HTTP/2 library tells it to some callers only.
type farewell struct {
	*tls.Conn

	mu     sync.Mutex
	header []byte // of the frame that is being read
	left   int    // bytes of its payload that are still to come
	kept   []byte // its payload, of a GOAWAY frame
	reason string
	alert  string // by which Apple refused the certificate after the handshake, as TLS 1.3 does

	over   chan struct{} // closed when nothing more can be read
	once   sync.Once
	closed func(*farewell) // told of every Close
}

func newFarewell(conn *tls.Conn, closed func(*farewell)) *farewell {
	return &farewell{Conn: conn, over: make(chan struct{}), closed: closed}
}

const (
	frameHeader = 9
	goAway      = 0x7
	goAwayFixed = 8 // last stream and error code, before the data
	maxFarewell = 1 << 10
)

func (f *farewell) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.follow(p[:n])
	if err != nil {
		if alert := alertOf(err); alert != "" {
			f.alert = alert
		}
		f.once.Do(func() { close(f.over) })
	}
	return n, err
}

// Close closes the connection. The HTTP/2 library calls it too, whatever the end is.
func (f *farewell) Close() error {
	f.closed(f)
	return f.Conn.Close()
}

// follow goes from frame to frame.
func (f *farewell) follow(p []byte) {
	for len(p) > 0 {
		if len(f.header) < frameHeader {
			take := min(frameHeader-len(f.header), len(p))
			f.header, p = append(f.header, p[:take]...), p[take:]
			if len(f.header) < frameHeader {
				return
			}
			f.left = int(binary.BigEndian.Uint32(append([]byte{0}, f.header[:3]...)))
		}
		take := min(f.left, len(p))
		if f.header[3] == goAway {
			f.kept = append(f.kept, p[:min(take, maxFarewell-min(len(f.kept), maxFarewell))]...)
		}
		p, f.left = p[take:], f.left-take
		if f.left == 0 {
			f.ended()
		}
	}
}

// ended takes notice of a whole frame.
func (f *farewell) ended() {
	if f.header[3] == goAway && len(f.kept) > goAwayFixed {
		var said struct {
			Reason string `json:"reason"`
		}
		if json.Unmarshal(f.kept[goAwayFixed:], &said) == nil {
			f.reason = word(said.Reason)
		}
	}
	f.header, f.kept = f.header[:0], nil
}

// patience is how long the last words of a broken connection are waited for.
const patience = time.Second

// said returns what the end of the connection means; false: Apple said nothing. A write may fail before the reason for it
// has been read, so it waits a moment for the reader to come to the end.
func (f *farewell) said(ctx context.Context) (Result, bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-f.over:
	case <-timer.C:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.reason != "":
		return Result{Outcome: meaning(0, f.reason), Reason: f.reason}, true
	case f.alert != "":
		return Result{Outcome: Certificate, Reason: f.alert}, true
	}
	return Result{}, false
}

// drain reads to the end, where nobody else does.
func (f *farewell) drain() {
	late := time.AfterFunc(patience, func() { _ = f.NetConn().Close() })
	defer late.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(f, 64<<10))
}
