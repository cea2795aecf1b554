package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// line is the way to the database, on which answers can get lost.
type line struct {
	lose atomic.Bool // the answer to the next command that is queued
}

func (l *line) dial(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &leaky{Conn: conn, line: l}, err
	}
}

type leaky struct {
	net.Conn
	line *line
	lost atomic.Bool
}

func (c *leaky) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("INSERT INTO commands")) && c.line.lose.CompareAndSwap(true, false) {
		c.lost.Store(true)
	}
	return c.Conn.Write(p)
}

// Read waits for the answer, which shows that the database has done it, and loses it.
func (c *leaky) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.lost.Load() {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}
