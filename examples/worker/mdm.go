package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

// managers are the NanoMDM servers of all tenants, and what their devices told.
type managers struct {
	servers   map[place]*nanomdm.Server
	hooks     map[place]mdmConnection
	sightings nanomdm.Sightings
}

// place is an MDM of a tenant.
type place struct {
	tenant enrollment.TenantID
	mdm    enrollment.MDMID
}

func newManagers(all []mdmConnection, f appleFlags, sightings nanomdm.Sightings, now func() time.Time) (*managers, error) {
	m := &managers{servers: map[place]*nanomdm.Server{}, hooks: map[place]mdmConnection{}, sightings: sightings}
	roots, err := f.roots()
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		key, err := readKey(c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("the MDM %s of %s: %w", c.MDM, c.Tenant, err)
		}
		at := place{c.Tenant, c.MDM}
		if m.servers[at] != nil {
			return nil, fmt.Errorf("the MDM %s of %s stands twice in the connections", c.MDM, c.Tenant)
		}
		m.servers[at], err = nanomdm.NewServer(nanomdm.Options{
			BaseURL: c.URL, APIKey: key, Private: c.Private, NoPush: c.NoPush, Answered: c.Answered, RootCAs: roots, Now: now,
		})
		if err != nil {
			return nil, fmt.Errorf("the MDM %s of %s: %w", c.MDM, c.Tenant, err)
		}
		m.hooks[at] = c
	}
	return m, nil
}

// server implements [nanomdm.Servers].
func (m *managers) server(_ context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID) (*nanomdm.Server, error) {
	if s := m.servers[place{tenant, mdm}]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("no NanoMDM server is connected as %s: %w", mdm, enrollment.ErrNoDevice)
}

// addHooks takes the events of each server under /mdm/TENANT/MDM. What a device told is kept in the database, because the
// next machine asks for it.
func (m *managers) addHooks(mux *http.ServeMux, h *host) error {
	for at, c := range m.hooks {
		key, err := readKey(c.WebhookKey)
		if err != nil {
			return fmt.Errorf("the MDM %s of %s: %w", at.mdm, at.tenant, err)
		}
		hook, err := nanomdm.NewWebhook(nanomdm.WebhookConfig{
			MDM: at.mdm, Tenant: at.tenant, Key: key, Sightings: m.sightings, Server: m.servers[at], Now: h.clock.Now,
			Deliver: func(ctx context.Context, e enrollment.DeviceEvent) error {
				_, err := h.runner.Tenant(at.tenant).Observe(ctx, e)
				return err
			},
			Report: func(ctx context.Context, err error) {
				h.log.WarnContext(ctx, "an MDM's event was refused", "error", err)
			},
		})
		if err != nil {
			return err
		}
		mux.Handle("/mdm/"+url.PathEscape(string(at.tenant))+"/"+url.PathEscape(string(at.mdm)), hook)
	}
	return nil
}
