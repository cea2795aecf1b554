package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

var (
	tess = enrollment.Actor{ID: "tess", Name: "Tess", Kind: enrollment.Person}
	eve  = enrollment.Actor{ID: "eve", Name: "Eve", Kind: enrollment.Person}
	bob  = enrollment.Actor{ID: "bob", Name: "Bob", Kind: enrollment.Person}
)

// stage is a database, the fake Apple on a loopback listener, and the host's own process, in which people click.
type stage struct {
	t      testing.TB
	clock  *turnedClock
	apple  *appletest.Apple
	dsn    string
	schema string
	dir    string
	url    string // of Apple
	pool   *pgxpool.Pool
	store  *postgres.Store
	host   *host
	// settleFor is how long the host's own process does what a click has made due.
	settleFor time.Duration
	off       time.Duration // of the clocks of workers in this process
}

var schemas atomic.Int64

func newStage(t testing.TB, dsn string) *stage {
	t.Helper()
	s := &stage{t: t, clock: newClock(t), dsn: dsn, dir: t.TempDir(), schema: fmt.Sprintf("worker_%d_%d", os.Getpid(), schemas.Add(1))}
	s.apple = appletest.New(appletest.Options{Now: s.clock.Now})
	listener := httptest.NewUnstartedServer(s.apple.Handler())
	listener.Config.ErrorLog = log.New(io.Discard, "", 0) // processes die in the middle of a call
	listener.StartTLS()
	t.Cleanup(listener.Close)
	s.url = listener.URL
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: listener.Certificate().Raw})
	require.NoError(t, os.WriteFile(s.path("ca.pem"), ca, 0o600))
	s.ok("migrate")
	s.ok("keys", "create")

	s.host = &host{settings: s.settings(), process: process{out: io.Discard, err: io.Discard, now: s.clock.Now, present: s.clock.Now}, log: slog.New(slog.DiscardHandler)}
	require.NoError(t, s.host.open(t.Context()))
	t.Cleanup(s.host.close)
	s.plug("")
	s.pool, s.store = s.host.pool, s.host.store
	return s
}

// plug gives the host's own process its runner, which leaves to the workers what can be left to them.
func (s *stage) plug(mdms string) {
	s.t.Helper()
	config, err := s.host.config(wiring{appleFlags: s.appleFlags(), MDMs: mdms})
	require.NoError(s.t, err)
	config.SettleFor = s.settleFor
	s.host.runner, err = runner.New(config)
	require.NoError(s.t, err)
}

// shared is a stage on the server of all tests.
func shared(t testing.TB) *stage {
	t.Helper()
	return newStage(t, pgserver.DSN(t))
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) settings() settings {
	return settings{DSN: s.dsn, Schema: s.schema, Keyring: s.path("keyring"), Conns: 8}
}

func (s *stage) appleFlags() appleFlags {
	return appleFlags{DEPURL: s.url, AXMURL: s.url, AXMTokenURL: s.url + "/auth/oauth2/v2/token", CA: s.path("ca.pem"), UserAgent: "test/1.0"}
}

func (s *stage) flags(args ...string) []string {
	return append([]string{"--dsn", s.dsn, "--schema", s.schema, "--keyring", s.path("keyring"), "--conns", "10"}, args...)
}

// runFlags are those of a worker that is quick.
func (s *stage) runFlags(args ...string) []string {
	a := s.appleFlags()
	return s.flags(append([]string{
		"run", "--listen", "127.0.0.1:0", "--dep-url", a.DEPURL, "--axm-url", a.AXMURL, "--axm-token-url", a.AXMTokenURL, "--ca", a.CA,
		"--every", "1s", "--turn", "3s", "--linger", "1s", "--grace", "5s",
	}, args...)...)
}

// command runs a command in this process.
func (s *stage) command(args ...string) (status int, out, problem string) {
	s.t.Helper()
	var o, e bytes.Buffer
	status = execute(context.WithoutCancel(s.t.Context()), s.flags(args...), process{out: &o, err: &e, now: s.clock.Now, present: s.clock.Now})
	return status, o.String(), e.String()
}

// ok runs a command that succeeds.
func (s *stage) ok(args ...string) string {
	s.t.Helper()
	status, out, problem := s.command(args...)
	require.Zero(s.t, status, "worker %s\n%s%s", strings.Join(args, " "), out, problem)
	return out
}

// customer is a server of ours with its organization and service at Apple.
type customer struct {
	s       *stage
	tenant  enrollment.TenantID
	server  enrollment.ServerID
	org     *appletest.Organization
	admin   *appletest.Admin
	service *appletest.Service
}

func (s *stage) tenant(t enrollment.TenantID) *runner.Tenant { return s.host.runner.Tenant(t) }

// customer adds one, with its first token.
func (s *stage) customer(tenant enrollment.TenantID) *customer {
	s.t.Helper()
	c := &customer{s: s, tenant: tenant, org: s.apple.AddOrganization(string(tenant) + " Inc.")}
	c.admin = c.org.AddAdmin("it@" + string(tenant) + ".example")
	return c.serve("Server of " + string(tenant))
}

// serve adds a server to the same organization, with its first token.
func (c *customer) serve(name string) *customer {
	c.s.t.Helper()
	of := *c
	v, err := c.s.tenant(c.tenant).AddServer(c.s.t.Context(), tess, runner.NewServer{Name: name})
	require.NoError(c.s.t, err)
	of.server, of.service = v.ID, nil
	run := of.renew(c.s.t.Context(), name)
	require.NoError(c.s.t, run)
	return &of
}

// renew takes a person through a renewal: certificate, portal, file.
func (c *customer) renew(ctx context.Context, name string) error {
	t := c.s.tenant(c.tenant)
	run, err := t.StartRenewal(ctx, tess, c.server)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	cert, err := t.Certificate(ctx, tess, run.ID)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if c.service == nil {
		c.service, err = c.admin.CreateService(name, cert.PEM)
	} else {
		err = c.admin.ReplaceCertificate(c.service, cert.PEM)
	}
	if err != nil {
		return err
	}
	file, _, err := c.admin.DownloadToken(c.service)
	if err != nil {
		return err
	}
	_, err = t.UploadToken(ctx, tess, runner.Upload{Server: c.server, Confirm: true, File: bytes.NewReader(file)})
	return err
}

func (c *customer) view() runner.ServerView {
	c.s.t.Helper()
	v, err := c.s.tenant(c.tenant).Server(c.s.t.Context(), c.server)
	require.NoError(c.s.t, err)
	return v
}

// running is a worker in this process.
type running struct {
	t    testing.TB
	at   string // its listener
	stop context.CancelFunc
	done chan int
	log  *sharedBuffer
}

// start starts a worker in this process.
func (s *stage) start(args ...string) *running {
	s.t.Helper()
	r := &running{t: s.t, done: make(chan int, 1), log: newBuffer()}
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	r.stop = stop
	off := s.off
	go func() {
		r.done <- execute(ctx, s.runFlags(args...), process{out: io.Discard, err: r.log, now: func() time.Time { return s.clock.Now().Add(off) }, present: s.clock.Now})
	}()
	s.t.Cleanup(func() { r.end() })
	r.at = r.log.listener(s.t)
	return r
}

// end stops it and returns its exit status.
func (r *running) end() int {
	r.stop()
	status := <-r.done
	r.done <- status
	return status
}

// get asks its listener.
func (r *running) get(path string) (status int, body string) {
	r.t.Helper()
	res, err := http.Get("http://" + r.at + path)
	require.NoError(r.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	return res.StatusCode, string(text)
}

// eventually waits for something that others do.
func (s *stage) eventually(what string, is func() bool) {
	s.t.Helper()
	require.Eventually(s.t, is, 90*time.Second, 20*time.Millisecond, what)
}

// sharedBuffer is a log that is read while it is written.
type sharedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newBuffer() *sharedBuffer { return &sharedBuffer{more: make(chan struct{}, 1)} }

func (b *sharedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *sharedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// listener waits until a worker says where it listens.
func (b *sharedBuffer) listener(t testing.TB) string {
	t.Helper()
	for {
		if _, rest, found := strings.Cut(b.String(), `"msg":"working","listen":"`); found {
			at, _, whole := strings.Cut(rest, `"`)
			if whole {
				return at
			}
		}
		select {
		case <-b.more:
		case <-time.After(90 * time.Second):
			require.Fail(t, "the worker does not start", "%s", b)
		}
	}
}
