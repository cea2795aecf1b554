package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// host is the program around the library: who plugs the parts together.
type host struct {
	flags
	process

	store   storage.Store
	keyring *seal.Keyring
	sealer  *seal.Sealer
	lib     *runner.Runner

	clients   *clients
	clock     *appleClock
	devices   enrollment.DeviceLister   // of both of Apple's services
	wipes     enrollment.WipeDispatcher // nil: none
	nanomdm   *nanomdm.Server           // nil: none
	sightings *sightings.Kept
	listed    *deviceStore
}

// purpose says what a command makes of a store file that does not exist.
type purpose int

const (
	reads  purpose = iota // nothing is in it yet
	writes                // it comes into being
	needs                 // a mistake: nothing that was never there is in order
)

// patience is how long a command waits for another process that has the store. A command that was killed leaves its work
// to others when its lease is over; so whoever repeats it waits a little longer than that for the outcome.
const (
	patience  = 5 * time.Second
	lease     = 30 * time.Second
	settleFor = lease + 5*time.Second
)

// open plugs everything together. The store file is held for each call of it only, so that commands and a running
// `abmctl run` take turns.
func (h *host) open(ctx context.Context, why purpose) error {
	if err := h.openStore(ctx, why); err != nil {
		return err
	}
	clients, err := h.newClients()
	if err != nil {
		return err
	}
	h.clients = clients
	verifier, err := clients.verifier()
	if err != nil {
		return err
	}
	prober, err := h.prober()
	if err != nil {
		return err
	}
	if h.sealer, err = seal.New(h.store, h.keyring, seal.Options{Now: h.now}); err != nil {
		return asError(runner.ProblemOf(err))
	}
	approvals, err := h.verifierOfApprovals()
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if h.Quiet {
		level = slog.LevelError
	}
	cfg := runner.Config{
		Store: h.store, Sealer: h.sealer, Verifier: verifier, Notifier: noticeBoard{h}, Lease: lease, SettleFor: settleFor,
		PushProber: prober, PushAccount: h.Account, Approvals: approvals,
		Log: slog.New(slog.NewTextHandler(h.err, &slog.HandlerOptions{Level: level})),
	}
	if err := h.plug(&cfg); err != nil {
		return err
	}
	h.lib, err = runner.New(cfg)
	clients.lib = h.lib
	return err
}

func (h *host) openStore(ctx context.Context, why purpose) error {
	_, err := os.Stat(h.Store)
	if errors.Is(err, fs.ErrNotExist) && why == needs {
		problem := enrollment.NewProblem(enrollment.CodeNotFound, "what", "store file "+h.Store)
		problem.Next = "Name the right one with --store"
		return problem
	}
	if errors.Is(err, fs.ErrNotExist) && why == reads {
		h.hint("abmctl: there is no store file %s yet; server add, adopt, push import and push renew start make one, --store names another", h.Store)
		h.store, h.keyring = memory.New(h.now), seal.MemoryKeyring()
		return nil
	}
	if h.Keyring == "" {
		h.Keyring = h.Store + ".keyring"
	}
	h.store = bolt.Shared(h.Store, bolt.Options{Wait: patience, Now: h.now})
	h.keyring, err = seal.OpenKeyringFor(ctx, h.Keyring, h.store)
	if err == nil || errors.Is(err, seal.ErrWrongKeyring) {
		return asError(runner.ProblemOf(err))
	}
	// It may be the store that does not answer, or the keyring file.
	if _, err := h.store.Count(ctx, storage.Query{Kind: runner.KindServer, AllTenants: true}); err != nil {
		return runner.ProblemOf(err)
	}
	problem := enrollment.NewProblem(enrollment.CodeKeyUnavailable).Because(err)
	problem.Title = "The keyring file " + h.Keyring + " cannot be used"
	if errors.Is(err, seal.ErrExposed) {
		problem.Title = "The keyring file " + h.Keyring + " is open to other users"
		problem.Next = "Run: chmod 600 " + h.Keyring + " (and abmctl keys rotate, if somebody may have read it)"
	}
	return problem
}

// asError keeps a missing problem a missing error.
func asError(p *enrollment.Problem) error {
	if p == nil {
		return nil
	}
	return p
}

// roots are whom --ca trusts; nil: whom the system trusts.
func (h *host) roots() (*x509.CertPool, error) {
	if h.CA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(h.CA)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		return nil, wrong("ca", "a readable file with certificates in PEM").Because(err)
	}
	return pool, nil
}

// prober asks Apple's push service, or a stand-in on this machine. It probes, because that shows a revoked certificate, which may
// sign in.
func (h *host) prober() (apns.Prober, error) {
	o := apnshttp.Options{Now: h.now}
	var err error
	if o.RootCAs, err = h.roots(); err != nil {
		return nil, err
	}
	if h.APNSURL != "" {
		u, err := url.Parse(h.APNSURL)
		if err != nil || u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
			return nil, wrong("apns-url", "https and a loopback address").Because(err)
		}
		o.Address, o.Loopback = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")), true
	}
	client, err := apnshttp.New(o)
	if err != nil {
		return nil, wrong("apns-url", err.Error()).Because(err)
	}
	return &apnshttp.Prober{Client: client, Ask: apnshttp.AskProbe}, nil
}

// tenant is the scope of the customer that --tenant names.
func (h *host) tenant() *runner.Tenant { return h.lib.Tenant(h.Tenant) }

// actor is who sits at the keyboard.
func (h *host) actor() enrollment.Actor {
	name := h.Actor
	if name == "" {
		name = h.user
	}
	return enrollment.Actor{ID: name, Name: name, Kind: enrollment.Person, Source: "abmctl"}
}

// wrong says which argument of a command is not possible.
func wrong(field, rule string) *enrollment.Problem {
	return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", field, "rule", rule)
}

// unusable is a flag whose file cannot be used, and why.
func unusable(field string, why error) *enrollment.Problem {
	problem := wrong(field, "another file").Because(why)
	problem.Next = "Give another file; this one is of no use: " + strings.TrimPrefix(why.Error(), "apns: ")
	return problem
}
