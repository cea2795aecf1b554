//nolint:staticcheck // what net/http offers instead takes no connection that reads along, and tells nobody why Apple ended one
package apnshttp

import (
	"context"
	"sync/atomic"

	"golang.org/x/net/http2"
)

const protocol = http2.NextProtoTLS

// streams speaks HTTP/2 on connections that are signed in.
type streams struct{ transport *http2.Transport }

// link is an open connection, and why Apple ended it.
type link struct {
	*http2.ClientConn
	end     *farewell
	spoiled atomic.Bool
}

// newStreams has requests wait where Apple allows no more at once: another connection for them would be one that nobody
// bounds.
func newStreams(o Options) streams {
	return streams{&http2.Transport{
		ReadIdleTimeout: o.Timeout, PingTimeout: o.Timeout / 2, WriteByteTimeout: o.Timeout, IdleConnTimeout: o.Idle,
		MaxHeaderListSize: 16 << 10, StrictMaxConcurrentStreams: true,
	}}
}

// open begins to speak. With an error, the link may still know why Apple ended the connection.
func (s streams) open(end *farewell) (*link, error) {
	live, err := s.transport.NewClientConn(end)
	if err != nil {
		end.drain()
		_ = end.Close()
		return &link{end: end}, err
	}
	return &link{ClientConn: live, end: end}, nil
}

// spoil says that something went wrong, so that no further request goes this way. The library alone would offer a
// connection again that ended before its first request.
func (l *link) spoil() {
	l.spoiled.Store(true)
	l.SetDoNotReuse()
}

// usable reports whether another request may go this way; a nil link takes none.
func (l *link) usable() bool { return l != nil && !l.spoiled.Load() && l.CanTakeNewRequest() }

// retire lets what is under way end, which it does by its own deadline, and closes. A nil link has nothing to close.
func (l *link) retire() {
	if l == nil {
		return
	}
	l.spoil()
	_ = l.Shutdown(context.Background())
	_ = l.Close()
}
