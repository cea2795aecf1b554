package main

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
	"github.com/abmrenew/abmrenew/storage"
)

// plug puts the ports by which devices move into the configuration.
func (h *host) plug(cfg *runner.Config) error {
	services, err := dep.ServicesFor(h.clients.tokens, h.clients.dep)
	if err != nil {
		return err
	}
	// Of a tenant without an API account devices are assigned by a person; what the API alone knows of them is not known.
	organizations, err := axm.OrganizationsFor(h.clients.account, h.clients.axm)
	if err != nil {
		return err
	}
	h.devices = organizations.Beside(lister{services, organizations, h.clients.hasAccount})
	cfg.Devices, cfg.Profiles, cfg.Assigner, cfg.Certificates = h.devices, services, organizations, organizations
	cfg.AppleTime = h.clock.Time

	h.sightings, h.listed = sightings.New(h.store, h.sealer, kindSighting), newDeviceStore(h.store, h.sealer)
	cfg.MDM = checkinsOf(h)
	if h.nanomdm, err = h.openNanoMDM(); err != nil || h.nanomdm == nil {
		return err
	}
	h.wipes = nanomdm.NewDispatcher(h.oldServer, nil)
	cfg.Wipes = h.wipes
	return nil
}

// kindSighting is the kind of what devices told their MDMs.
const kindSighting = "abmctl_sighting"

// ownKinds are the kinds of records that this program keeps beside the library's.
func ownKinds() []string { return []string{kindSighting, kindDevice, kindSync} }

// forget deletes what this program keeps of a tenant beside the library's records.
func (h *host) forget(ctx context.Context, tenant enrollment.TenantID) error {
	for _, kind := range ownKinds() {
		if err := h.deleteAll(ctx, storage.Query{Kind: kind, Tenant: string(tenant)}); err != nil {
			return asError(runner.ProblemOf(err))
		}
	}
	return nil
}

// deleteAll deletes the records that a query selects, a page at a time.
func (h *host) deleteAll(ctx context.Context, q storage.Query) error {
	q.Limit = storage.MaxPage
	for again := 0; ; {
		records, err := h.store.List(ctx, q)
		if err != nil || len(records) == 0 {
			return err
		}
		var w storage.Write
		for _, rec := range records {
			w.Delete = append(w.Delete, rec.Ref())
		}
		err = h.store.Commit(ctx, w)
		switch {
		case errors.Is(err, storage.ErrConflict) && again < conflicts: // somebody else was faster
			again++
		case err != nil:
			return err
		}
	}
}
