package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// region wire
// wire puts abmrenew into the RMM.
func wire(app *rmm.App, s settings) (r *runner.Runner, err error) {
	store, err := postgres.New(app.Pool, postgres.Options{Schema: s.schema, Now: s.now})
	keys, err0 := seal.EnvKeyring(s.masterKeys)
	if err := errors.Join(err, err0); err != nil {
		return nil, err
	}
	p := ports{app}
	tokens := func(s enrollment.Service) abmtoken.Source { return r.Tenant(s.Tenant).Tokens(s.Server) }
	sealer, err := seal.New(store, keys, seal.Options{Now: s.now})
	verifier, err1 := dep.NewVerifier(dep.Options{Transport: s.apple, UserAgent: agent, Now: s.now})
	services, err2 := dep.ServicesFor(tokens, dep.Options{Transport: s.apple, UserAgent: agent, Now: s.now})
	organizations, err3 := axm.OrganizationsFor(p.apiAccount, axm.Options{Transport: s.apple, UserAgent: agent, Now: s.now})
	push, err4 := apnshttp.New(s.push)
	if err := errors.Join(err, err1, err2, err3, err4); err != nil {
		return nil, err
	}
	r, err = runner.New(runner.Config{
		Store: store, Sealer: sealer, Log: app.Log, Notifier: p, Verifier: verifier,
		PushProber: &apnshttp.Prober{Client: push}, PushSource: p, Audience: p,
		Assigner: organizations, Profiles: services, Devices: organizations.Beside(services), AppleTime: services.AppleTime,
		Wipes: p, MDM: p, Locks: p,
	})
	if err != nil {
		return nil, err
	}
	listen(app, r, store)
	for pattern, do := range handlers {
		on(app, r, pattern, do)
	}
	app.Every("abmrenew", time.Minute, func(ctx context.Context) error { return runDue(ctx, r) })
	return r, nil
}

// endregion wire

// region cron
// runDue does everything that is due, and what becomes due by it. The RMM's cron calls it every minute, in each of its processes.
func runDue(ctx context.Context, r *runner.Runner) error {
	for {
		if ran, err := r.RunDue(ctx, runner.Due{}); err != nil || !ran.More && ran.Claimed == ran.Failed {
			return err
		}
	}
}

// endregion cron

// region adopt
// adopt hands the RMM's tokens over, row by row. Repeated, it goes on where it was, and changes nothing twice.
func adopt(ctx context.Context, app *rmm.App, r *runner.Runner, report func(runner.RowResult)) (runner.Adopted, error) {
	return r.Adopt(ctx, enrollment.Actor{ID: "import", Kind: enrollment.System}, func(yield func(runner.Adoption, error) bool) {
		for token, err := range app.Tokens(ctx) {
			if !yield(adoption(token), err) {
				return
			}
		}
	}, report)
}

// endregion adopt

// region facts
// listen hands on what the RMM hears of devices, in the very transaction in which the RMM writes it down.
func listen(app *rmm.App, r *runner.Runner, store *postgres.Store) {
	app.OnEvent(rmm.Listener{
		Before: func(ctx context.Context, customer string) error { return r.Warm(ctx, enrollment.TenantID(customer)) },
		Within: func(ctx context.Context, tx pgx.Tx, e rmm.Event) error {
			event, matters := fact(e)
			if !matters {
				return nil
			}
			_, err := r.In(store.In(tx)).Observe(ctx, event)
			return err
		},
	})
}

// endregion facts
