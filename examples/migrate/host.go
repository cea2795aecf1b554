package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// plugs are what a host brings along. In production transport, now and newID stay nil.
type plugs struct {
	path  string // of the store file; its keyring lies beside it
	mail  enrollment.Notifier
	wipes enrollment.WipeDispatcher // the three ports of the MDM; for NanoMDM they are in enrollment/nanomdm
	mdm   enrollment.DeviceReader
	locks enrollment.LockClearer

	transport http.RoundTripper
	now       func() time.Time
	newID     func(prefix string) string
}

// host is a program that embeds the library. All that it knows lies in the store: one that died goes on as another.
type host struct {
	plugs
	store  *bolt.Store
	runner *runner.Runner
}

// openHost plugs everything together.
func openHost(ctx context.Context, p plugs) (*host, error) {
	h := &host{plugs: p}
	var err error
	if h.store, err = bolt.Open(p.path, bolt.Options{Now: p.now}); err != nil {
		return nil, err
	}
	if h.runner, err = h.newRunner(ctx); err != nil {
		return nil, errors.Join(err, h.store.Close())
	}
	return h, nil
}

func (h *host) newRunner(ctx context.Context) (*runner.Runner, error) {
	keys, err := seal.OpenKeyringFor(ctx, h.path+".keyring", h.store)
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(h.store, keys, seal.Options{Now: h.now})
	if err != nil {
		return nil, err
	}
	verifier, err := dep.NewVerifier(h.depOptions())
	if err != nil {
		return nil, err
	}
	services, err := dep.ServicesFor(h.tokens, h.depOptions())
	if err != nil {
		return nil, err
	}
	organizations, err := axm.OrganizationsFor(h.account, axm.Options{Transport: h.transport, Now: h.now, UserAgent: userAgent})
	if err != nil {
		return nil, err
	}
	return runner.New(runner.Config{
		Store: h.store, Sealer: sealer, Verifier: verifier, Notifier: h.mail,
		Assigner: organizations, Profiles: services, Devices: organizations.Beside(services),
		Wipes: h.wipes, MDM: h.mdm, Locks: h.locks, AppleTime: services.AppleTime,
		NewID: h.newID, Workers: 1, // both only so that a story goes the same way each time
	})
}

const userAgent = "Acme RMM/1.0"

func (h *host) depOptions() dep.Options {
	return dep.Options{Transport: h.transport, Now: h.now, UserAgent: userAgent}
}

// tokens gives the clients of services their tokens, which the runner renews.
func (h *host) tokens(s enrollment.Service) abmtoken.Source {
	return h.runner.Tenant(s.Tenant).Tokens(s.Server)
}

// account gives the clients of organizations their API accounts, which the runner keeps sealed.
func (h *host) account(ctx context.Context, tenant enrollment.TenantID) (axm.Credentials, error) {
	key, err := h.runner.Tenant(tenant).APIKey(ctx)
	if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
		return axm.Credentials{}, axm.ErrNoAccount // then people assign its devices at Apple's portal
	}
	if err != nil {
		return axm.Credentials{}, err
	}
	return axm.NewCredentials(key.ClientID, key.KeyID, []byte(key.PrivateKey.Reveal()))
}

// hears is where the MDMs' webhooks end: what happened to a device. Of one that nobody moves it costs one read.
func (h *host) hears(ctx context.Context, e enrollment.DeviceEvent) error {
	_, err := h.runner.Tenant(e.Tenant).Observe(ctx, e)
	return err
}

// close ends the program: the file is closed, and all that was in memory is gone.
func (h *host) close() error { return h.store.Close() }
