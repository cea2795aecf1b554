//nolint:staticcheck // what net/http offers instead takes no connection that reads along, and tells nobody why Apple ended one
package apnshttp

import (
	"crypto/tls"

	"golang.org/x/net/http2"
)

const protocol = http2.NextProtoTLS

// streams speaks HTTP/2 on connections that are signed in.
type streams struct{ transport *http2.Transport }

// link is an open connection, and why Apple ended it.
type link struct {
	*http2.ClientConn
	end *farewell
}

func newStreams(o Options) streams {
	return streams{&http2.Transport{
		ReadIdleTimeout: o.Timeout, PingTimeout: o.Timeout / 2, IdleConnTimeout: o.Idle, MaxHeaderListSize: 16 << 10,
	}}
}

// open begins to speak. With an error, the link may still know why Apple ended the connection.
func (s streams) open(signedIn *tls.Conn) (*link, error) {
	end := newFarewell(signedIn)
	live, err := s.transport.NewClientConn(end)
	if err != nil {
		end.drain()
		_ = signedIn.Close()
		return &link{end: end}, err
	}
	return &link{live, end}, nil
}
