package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// Within takes facts inside the host's own database transaction. See [Runner.In].
type Within struct {
	m rooms
}

// In returns the way to hand in facts on a store that is bound to the host's own transaction, so that the host's rows and
// the library's change together or not at all. Nothing in it waits for a network: no effect is done, no record is claimed,
// no key is fetched. Call [Runner.Warm] for the tenant before the transaction begins; otherwise the error's code may be
// key_unavailable.
//
// A conflict is solved by reading again, within the transaction; it never aborts it. That asks for the isolation level READ
// COMMITTED or weaker. What follows from a fact is done by the next RunDue after the host has committed.
func (r *Runner) In(store storage.Store) *Within {
	return &Within{newRooms(store, r.sealer, r.lease, r.account)}
}

// TokenAnswered takes what Apple told a call that the host made with a server's token: nil for success, an error that
// matches [abmtoken.ErrRejected] or [abmtoken.ErrTermsPending] for a definite refusal; any other says nothing. The
// fingerprint is that of the token which was used: a late answer to an older one changes nothing.
func (w *Within) TokenAnswered(
	ctx context.Context, tenant enrollment.TenantID, server enrollment.ServerID, fingerprint string, answered error,
) error {
	answer, reason := hostAnswer(answered)
	if answer == enrollment.NoAnswer {
		return nil
	}
	if err := validTenant(tenant); err != nil {
		return err
	}
	ctx = storage.CachedOnly(ctx)
	return w.m.change(ctx, tenant, func(c *change) error {
		s, err := c.server(ctx, server)
		if err != nil {
			return err
		}
		return c.answered(ctx, s, fingerprint, answer, reason)
	})
}

// PushAnswered takes what Apple said about a push certificate that the host used for a tenant, as [PushSource.Answered] does.
// The fingerprint is that of the certificate. Where it was the account's, warm its tenant, too.
func (w *Within) PushAnswered(ctx context.Context, tenant enrollment.TenantID, fingerprint string, answer apns.Answer) error {
	return w.m.pushAnswered(storage.CachedOnly(ctx), tenant, w.m.account, fingerprint, answer)
}

// Warm fetches the keys that calls for the tenant need, so that calls within the host's transaction find them in memory.
func (r *Runner) Warm(ctx context.Context, tenant enrollment.TenantID) error {
	if err := validTenant(tenant); err != nil {
		return err
	}
	for _, t := range []string{"", string(tenant)} {
		if _, err := r.sealer.Sign(ctx, t, []byte("warm")); err != nil {
			return asProblem(err)
		}
	}
	return nil
}
