package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

// webhook takes what NanoMDM servers tell: the old MDM under /old, the new one under /new. A server that serves another tenant
// than --tenant's has the tenant behind that: /old/TENANT.
func (h *host) webhook(f listenFlags) (http.Handler, error) {
	key, err := secretOf("webhook-key", f.WebhookKey)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, mdm := range []enrollment.MDMID{oldMDM, newMDM} {
		c := nanomdm.WebhookConfig{
			MDM: mdm, TenantOf: h.tenantOf, ServiceOf: serviceOfDevice, Key: key, AllowUnsigned: f.AllowUnsigned, Deliver: h.observe,
			Sightings: h.sightings, Now: h.now,
			Report: func(ctx context.Context, err error) {
				slog.New(slog.NewTextHandler(h.err, nil)).WarnContext(ctx, "an event was not taken", "mdm", mdm, "error", err)
			},
		}
		if mdm == oldMDM {
			c.Server = h.nanomdm
		}
		hook, err := nanomdm.NewWebhook(c)
		if err != nil {
			return nil, wrong("webhook-key", err.Error()).Because(err)
		}
		mux.Handle("/"+string(mdm), named(hook))
		mux.Handle("/"+string(mdm)+"/{tenant}", named(hook))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "NanoMDM's webhook goes to /old for the old MDM and to /new for the new one", http.StatusNotFound)
	})
	return mux, nil
}

// pathTenant is where a request keeps which tenant its path names.
type pathTenant struct{}

func named(hook http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant := enrollment.TenantID(r.PathValue("tenant"))
		hook.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), pathTenant{}, tenant)))
	})
}

// tenantOf says whose an event is. It is asked once the event's signature was found to be right.
func (h *host) tenantOf(ctx context.Context, _ nanomdm.Origin) (enrollment.TenantID, error) {
	tenant, _ := ctx.Value(pathTenant{}).(enrollment.TenantID)
	if tenant == "" {
		tenant = h.Tenant
	}
	if _, err := h.lib.Tenant(tenant).Show(ctx); err != nil {
		return "", fmt.Errorf("the tenant %q: %w", tenant, err)
	}
	return tenant, nil
}

// serviceOfDevice says by which service a device enrolled, where the address of its MDM names the server (?server=ID). It
// matters where one MDM stands behind both servers.
func serviceOfDevice(o nanomdm.Origin) enrollment.ServerID {
	if id := o.Params["server"]; isServer(id) && len(id) <= 64 {
		return enrollment.ServerID(id)
	}
	return ""
}

// observe hands an event to the library. Most are of devices that nobody moves.
func (h *host) observe(ctx context.Context, e enrollment.DeviceEvent) error {
	_, err := h.lib.Tenant(e.Tenant).Observe(ctx, e)
	if err != nil && errors.Is(err, &enrollment.Problem{Code: enrollment.CodeInvalidInput}) {
		return nil // what a device said of itself is nothing that could be followed
	}
	return err
}
