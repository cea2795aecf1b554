package appletest

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// Transport returns a transport that serves each request in the same process, over a pipe. Any host name leads to
// the fake; an https address needs no certificate. Nothing is left running after an answer has been read and closed,
// so there is nothing to close, and a testing/synctest bubble ends.
func (a *Apple) Transport() http.RoundTripper { return a.transport }

type transport struct {
	apple *Apple
	http  *http.Transport
}

func newTransport(a *Apple) *transport {
	t := &transport{apple: a}
	dial := func(scheme string) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go a.serveConn(server, scheme)
			return client, nil
		}
	}
	t.http = &http.Transport{
		DialContext:       dial("http"),
		DialTLSContext:    dial("https"), // the pipe itself: what it returns counts as encrypted
		DisableKeepAlives: true,
	}
	return t
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.apple.takeDown(r) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: syscall.ECONNREFUSED}
	}
	return t.http.RoundTrip(r)
}

// serveConn serves one connection and returns.
func (a *Apple) serveConn(conn net.Conn, scheme string) {
	server := &http.Server{ //nolint:gosec // no deadlines: the other end is the same process
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, scheme) }),
		ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, overPipe{}, true)
		},
	}
	_ = server.Serve(&oneListener{conn: conn})
}

// oneListener accepts one connection.
type oneListener struct {
	mu   sync.Mutex
	conn net.Conn
}

var errAccepted = errors.New("appletest: the pipe was accepted")

func (l *oneListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	conn := l.conn
	l.conn = nil
	if conn == nil {
		return nil, errAccepted
	}
	return conn, nil
}

func (l *oneListener) Close() error   { return nil }
func (l *oneListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "appletest" }
