package main

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/portal"
)

// guidePush says what to click at the push certificate portal. A first certificate has no row there to renew; and whose
// devices are enrolled already has one in use, which must be known here before another is made.
func (h *host) guidePush(ctx context.Context) {
	if !h.firstPush(ctx) {
		h.guide(portal.Push, portal.Options{})
		return
	}
	h.hint("\nThis is the tenant's first push certificate. If its devices are enrolled already, they listen to the topic of the one in use:\n" +
		"take that first (abmctl push import, with --expired if it is over), or they go deaf.\n" +
		"Otherwise, at https://identity.apple.com/pushcert choose Create a Certificate, with an Apple Account that belongs to the\n" +
		"organization and not to a person who may leave: only the same one can renew it.")
	if of := h.servedBy(ctx); of != "" {
		h.hint("Until then the one of the account serves this tenant; to renew that instead: abmctl push renew cancel, then\n"+
			"abmctl push renew start --tenant %s", of)
	}
}

// firstPush reports whether the tenant has had no push certificate of its own yet.
func (h *host) firstPush(ctx context.Context) bool {
	view, err := h.tenant().Push(ctx)
	return err == nil && (view.Certificate == nil || view.OfAccount)
}

// servedBy is the tenant whose push certificate serves one that has none of its own; empty: there is none.
func (h *host) servedBy(ctx context.Context) enrollment.TenantID {
	if view, err := h.lib.Tenant(h.Account).Push(ctx); err != nil || view.Certificate == nil || view.Tenant == h.Tenant {
		return ""
	}
	return h.Account
}
