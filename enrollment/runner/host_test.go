package runner_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// clock is a time that moves only when a test moves it.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	bubble bool // it is that of a synctest bubble, in which time passes by waiting
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	if c.bubble {
		return time.Now().UTC()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Pass(d time.Duration) {
	if c.bubble {
		<-time.After(d)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// inbox is a notifier that keeps what it gets.
type inbox struct {
	mu      sync.Mutex
	notices []enrollment.Notice
	fail    error
}

func (b *inbox) Notify(_ context.Context, n enrollment.Notice) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.notices = append(b.notices, n)
	return nil
}

func (b *inbox) all() []enrollment.Notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]enrollment.Notice(nil), b.notices...)
}

// pushCheck is a checker with a settable answer.
type pushCheck struct {
	mu     sync.Mutex
	report apns.Report
	err    error
}

func (p *pushCheck) Check(context.Context, string) (apns.Report, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.report, p.err
}

func (p *pushCheck) set(r apns.Report, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report, p.err = r, err
}

var (
	tech  = enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person, Source: "203.0.113.9"}
	robot = enrollment.Actor{ID: "cron", Kind: enrollment.Key}
)

// host is an RMM in miniature: a runner with everything plugged in, and Apple on the other side.
type host struct {
	t      testing.TB
	clock  *clock
	store  storage.Store
	keys   *seal.Keyring
	apple  *appletest.Apple
	push   *pushCheck
	inbox  *inbox
	log    *bytes.Buffer
	config runner.Config
	*runner.Runner
}

type option func(*host)

// inBubble has the host live by the clock of a bubble.
func inBubble(h *host) {
	h.clock.bubble = true
	h.apple = appletest.New(appletest.Options{Now: h.clock.Now})
}

func over(store storage.Store) option { return func(h *host) { h.store = store } }

func newHost(t testing.TB, options ...option) *host {
	t.Helper()
	h := &host{t: t, clock: newClock(), push: &pushCheck{}, inbox: &inbox{}, log: &bytes.Buffer{}, keys: seal.MemoryKeyring()}
	h.apple = appletest.New(appletest.Options{Now: h.clock.Now})
	h.push.report.NotAfter = h.clock.Now().AddDate(1, 0, 0)
	for _, o := range options {
		o(h)
	}
	if h.store == nil {
		h.store = memory.New(h.clock.Now)
	}
	h.restart(h.store)
	return h
}

// restart builds a new runner over a store, as a new process would.
func (h *host) restart(store storage.Store) {
	h.t.Helper()
	h.store = store
	sealer, err := seal.New(store, h.keys, seal.Options{})
	require.NoError(h.t, err)
	verifier, err := dep.NewVerifier(dep.Options{Transport: h.apple.Transport(), Now: h.clock.Now})
	require.NoError(h.t, err)
	h.config = runner.Config{
		Store: store, Sealer: sealer, Verifier: verifier, Push: h.push, Notifier: h.inbox,
		Log: slog.New(slog.NewTextHandler(h.log, nil)), SettleFor: time.Minute, // the machine of a test may be busy
	}
	h.restartWith(h.config)
}

// restartWith builds a new runner as a host configures it.
func (h *host) restartWith(config runner.Config) {
	h.t.Helper()
	r, err := runner.New(config)
	require.NoError(h.t, err)
	h.config, h.Runner = config, r
}

// customer is a tenant with an organization and an administrator at Apple.
type customer struct {
	h *host
	*runner.Tenant
	org   *appletest.Organization
	admin *appletest.Admin
}

func (h *host) customer(name string) *customer {
	h.t.Helper()
	org := h.apple.AddOrganization(name + " Inc.")
	return &customer{h: h, Tenant: h.Runner.Tenant(enrollment.TenantID(name)), org: org, admin: org.AddAdmin("it@" + name + ".example")}
}

// service is a server of ours and the service at Apple that it stands for.
type service struct {
	c     *customer
	id    enrollment.ServerID
	apple *appletest.Service
}

// addServer adds a server and its service at Apple, and gives it its first token.
func (c *customer) addServer(name string) *service {
	c.h.t.Helper()
	s := c.newServer(name)
	view, err := c.UploadToken(ctx(c.h.t), tech, runner.Upload{Server: s.id, Confirm: true, File: s.download()})
	require.NoError(c.h.t, err)
	require.EqualValues(c.h.t, "completed", view.State)
	return s
}

// newServer adds a server and its service at Apple, without a token yet.
func (c *customer) newServer(name string) *service {
	c.h.t.Helper()
	server, err := c.AddServer(ctx(c.h.t), tech, runner.NewServer{Name: name})
	require.NoError(c.h.t, err)
	run, err := c.StartRenewal(ctx(c.h.t), tech, server.ID)
	require.NoError(c.h.t, err)
	cert, err := c.Certificate(ctx(c.h.t), tech, run.ID)
	require.NoError(c.h.t, err)
	at, err := c.admin.CreateService(name, cert.PEM)
	require.NoError(c.h.t, err)
	return &service{c: c, id: server.ID, apple: at}
}

// download is what the administrator gets from the portal now.
func (s *service) download() *bytes.Reader { return bytes.NewReader(s.file()) }

func (s *service) file() []byte {
	s.c.h.t.Helper()
	file, _, err := s.c.admin.DownloadToken(s.apple)
	require.NoError(s.c.h.t, err)
	return file
}

func (s *service) view() runner.ServerView {
	s.c.h.t.Helper()
	v, err := s.c.Server(ctx(s.c.h.t), s.id)
	require.NoError(s.c.h.t, err)
	return v
}

func (s *service) upload(file []byte) (runner.RenewalView, error) {
	return s.c.UploadToken(ctx(s.c.h.t), tech, runner.Upload{Server: s.id, File: bytes.NewReader(file)})
}

// pass lets time pass and does what falls due on the way, as a host's cron would.
func (h *host) pass(d time.Duration) {
	h.t.Helper()
	for end := h.clock.Now().Add(d); ; {
		for {
			ran, err := h.RunDue(ctx(h.t), runner.Due{})
			require.NoError(h.t, err)
			require.Zero(h.t, ran.Failed, "%s", h.log)
			if !ran.More && (ran.Next.IsZero() || ran.Next.After(end)) {
				h.clock.Pass(end.Sub(h.clock.Now()))
				return
			}
			if !ran.More {
				h.clock.Pass(max(ran.Next.Sub(h.clock.Now()), time.Second))
			}
		}
	}
}

func reader(file []byte) *bytes.Reader { return bytes.NewReader(file) }

func ctx(t testing.TB) context.Context { return t.Context() }

// requireProblem says that an error is the problem with this code, and returns it as a value, which nobody has to handle.
func requireProblem(t testing.TB, code enrollment.Code, err error) enrollment.Problem {
	t.Helper()
	require.Error(t, err)
	require.ErrorIs(t, err, &enrollment.Problem{Code: code}, fmt.Sprint(err))
	return *enrollment.ProblemOf(err)
}

// nobodyAsked stands for enrollment/dep where nothing is asked.
type nobodyAsked struct{ abmtoken.Verifier }
