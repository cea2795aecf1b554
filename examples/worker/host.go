package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/enrollment/slognotify"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// host is the program around the library: who plugs the parts together.
type host struct {
	settings
	process
	log *slog.Logger

	pool    *pgxpool.Pool
	store   *postgres.Store
	clock   *storeClock
	keyring *seal.Keyring
	sealer  *seal.Sealer
	apple   apple
	mdms    *managers
	runner  *runner.Runner
}

// wiring is what the runner is plugged together of.
type wiring struct {
	appleFlags
	MDMs     string              `name:"mdms" env:"ABMRENEW_MDMS" placeholder:"FILE" help:"The tenants' NanoMDM servers, as JSON (see the guide)."`
	Account  enrollment.TenantID `name:"push-account" env:"ABMRENEW_PUSH_ACCOUNT" placeholder:"T" help:"The tenant whose push certificate serves every tenant without one of its own."`
	Lease    time.Duration       `env:"ABMRENEW_LEASE" default:"1m" help:"How long other workers leave a claimed record alone (${default})."`
	Parallel int                 `env:"ABMRENEW_PARALLEL" default:"4" placeholder:"N" help:"Records that one job works on at once (${default})."`
}

// open connects and checks the database, and opens what is sealed in it.
func (h *host) open(ctx context.Context) error {
	if err := h.connect(ctx); err != nil {
		return err
	}
	return h.unseal(ctx)
}

func (h *host) unseal(ctx context.Context) (err error) {
	if err := h.check(ctx); err != nil {
		return err
	}
	// Never made here: of two machines that start at once, each would make its own.
	h.keyring, err = seal.OpenKeyring(h.Keyring, false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no keyring %s: copy it here from the machine that has it, or, for a new database, make it once with worker keys create", h.Keyring)
	case errors.Is(err, seal.ErrExposed):
		return fmt.Errorf("%w: run chmod 600 %s, and worker keys add and rotate if somebody may have read it", err, h.Keyring)
	case err != nil:
		return err
	}
	h.clock = &storeClock{store: h.store, local: h.now}
	if err := h.clock.measure(ctx); err != nil {
		return fmt.Errorf("asking the database for the time: %w", err)
	}
	h.sealer, err = seal.New(h.store, h.keyring, seal.Options{Now: h.now})
	return err
}

// plug makes the runner, with everything that it talks to.
func (h *host) plug(w wiring) error {
	config, err := h.config(w)
	if err != nil {
		return err
	}
	h.runner, err = runner.New(config)
	return err
}

// kindSighting is the kind of what devices told their MDMs.
const kindSighting = "worker_sighting"

func (h *host) config(w wiring) (config runner.Config, err error) {
	known, err := readConnections(w.MDMs)
	if err != nil {
		return config, err
	}
	if h.apple, err = newApple(w.appleFlags, h.clock.Now, func() *runner.Runner { return h.runner }); err != nil {
		return config, err
	}
	if h.mdms, err = newManagers(known, w.appleFlags, sightings.New(h.store, h.sealer, kindSighting), h.clock.Now); err != nil {
		return config, err
	}
	config = runner.Config{
		Store: h.store, Sealer: h.sealer, Verifier: h.apple.verifier, Notifier: slognotify.New(h.log),
		PushProber: h.apple.prober, PushAccount: w.Account,
		Assigner: h.apple.organizations, Profiles: h.apple.services, Devices: h.apple.organizations.Beside(h.apple.services),
		AppleTime: h.apple.time,
		Log:       h.log, Lease: w.Lease, Workers: w.Parallel,
	}
	if len(known) > 0 {
		config.Wipes = nanomdm.NewDispatcher(h.mdms.server, nil)
		config.MDM = nanomdm.NewReader(h.mdms.sightings, h.clock.Now)
	}
	return config, nil
}

// quiet is a log for what says too much.
func (h *host) quiet() *slog.Logger {
	return slog.New(slog.NewJSONHandler(h.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (h *host) close() {
	if h.pool != nil {
		h.pool.Close()
	}
}
