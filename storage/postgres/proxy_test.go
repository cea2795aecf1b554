package postgres_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// cut says what happens to a connection when the client sends something.
type cut int

const (
	pass          cut = iota
	beforeSending     // the connection ends, and the server has not seen it
	afterSending      // the server gets it and answers; the client sees the end of the connection instead
)

// proxy stands between a pool and the server.
type proxy struct {
	listener net.Listener
	server   string

	mu   sync.Mutex
	fate func(sent []byte) cut
	cuts int
}

// newProxy returns a proxy and a pool that goes through it. The pool sends the text of each statement, so that a fate can
// tell them apart.
func newProxy(t testing.TB, fate func(sent []byte) cut) (*proxy, *pgxpool.Pool) {
	t.Helper()
	direct, err := pgx.ParseConfig(pgserver.DSN(t))
	require.NoError(t, err)
	if !strings.HasPrefix(direct.Host, "/") {
		pgserver.Needed(t, os.ErrNotExist) // a server elsewhere: its connections are not ours to cut
	}
	dir, err := os.MkdirTemp("", "abm") // short: the path of a socket is bounded
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &proxy{server: filepath.Join(direct.Host, ".s.PGSQL.5432"), fate: fate}
	p.listener, err = net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.listener.Close() })
	go p.serve()
	return p, pooled(t, pgserver.DSN(t), func(c *pgxpool.Config) {
		c.ConnConfig.Host, c.ConnConfig.DefaultQueryExecMode = dir, pgx.QueryExecModeExec
	})
}

// cut returns how many connections were cut.
func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		var mu sync.Mutex
		deaf := false // what the server says is not passed on any more
		go p.forward(client, server, &mu, &deaf)
		go func() {
			defer func() { _, _ = client.Close(), server.Close() }()
			buffer := make([]byte, 64<<10)
			for {
				n, err := server.Read(buffer)
				if err != nil {
					return
				}
				mu.Lock()
				over := deaf
				mu.Unlock()
				if over && bytes.Contains(buffer[:n], []byte("COMMIT\x00")) {
					return // done, and nobody hears of it
				}
				if !over {
					if _, err := client.Write(buffer[:n]); err != nil {
						return
					}
				}
			}
		}()
	}
}

func (p *proxy) forward(client, server net.Conn, mu *sync.Mutex, deaf *bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			_ = server.Close()
			return
		}
		p.mu.Lock()
		what := p.fate(buffer[:n])
		if what != pass {
			p.cuts++
		}
		p.mu.Unlock()
		switch what {
		case beforeSending:
			_, _ = client.Close(), server.Close()
			return
		case afterSending:
			mu.Lock()
			*deaf = true
			mu.Unlock()
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// once cuts the first connection on which text is sent.
func once(text string, how cut) func([]byte) cut {
	done := false
	return func(sent []byte) cut {
		if done || !bytes.Contains(sent, []byte(text)) {
			return pass
		}
		done = true
		return how
	}
}
