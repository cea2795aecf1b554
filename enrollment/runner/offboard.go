package runner

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// offboardChunk is how many records one write of an offboarding takes.
const offboardChunk = 100

// Close puts a tenant out of use: nothing new starts, its plans are given up, its push certificate and servers are retired
// and their renewals cancelled, in chunks. Its API account stays, because migrations are cancelled at Apple by it.
// What exists can still be read. Calling it again goes on where an interrupted call stopped.
func (t *Tenant) Close(ctx context.Context, by enrollment.Actor) error {
	if err := validActor(by); err != nil {
		return err
	}
	err := t.change(ctx, func(c *change) error {
		if !c.tenant.found {
			return enrollment.NewProblem(enrollment.CodeNotFound, "what", "tenant")
		}
		if c.tenant.Value.State != enrollment.TenantOpen {
			return c.notErased()
		}
		c.tenant.Value.State, c.tenant.Value.ClosedAt, c.tenant.moved = enrollment.TenantClosed, c.now, true
		if err := c.retirePush(ctx, by); err != nil {
			return err
		}
		return c.noteTenant(ctx, enrollment.AuditFact{Act: enrollment.ActTenantClosed, By: by})
	})
	if err != nil {
		return err
	}
	if _, err := t.CancelAll(ctx, by); err != nil {
		return err
	}
	for after := (storage.Position{}); ; {
		records, err := t.r.store.List(ctx, storage.Query{Kind: KindServer, Tenant: string(t.id), After: after, Limit: offboardChunk})
		if err != nil {
			return asProblem(err)
		}
		for _, rec := range records {
			after = rec.Position()
			if err := t.change(ctx, func(c *change) error {
				s, err := c.server(ctx, enrollment.ServerID(rec.ID))
				if err != nil {
					return err
				}
				return c.retire(ctx, by, s)
			}); err != nil {
				return err
			}
		}
		if len(records) < offboardChunk {
			return nil
		}
	}
}

// Erase destroys what is kept about a closed tenant: its data key first, so that no copy or backup of the store can be read
// any more, then the records, in chunks. Its audit stays. Calling it again goes on where an interrupted call stopped.
func (t *Tenant) Erase(ctx context.Context, by enrollment.Actor) error {
	if err := validActor(by); err != nil {
		return err
	}
	shred, ok := t.r.sealer.(shredder)
	if !ok {
		return enrollment.NewProblem(enrollment.CodeInternal).Because(errors.New("runner: the sealer cannot shred a tenant's key"))
	}
	err := t.change(ctx, func(c *change) error {
		switch {
		case !c.tenant.found:
			return enrollment.NewProblem(enrollment.CodeNotFound, "what", "tenant")
		case c.tenant.Value.State == enrollment.TenantErased:
			return nil
		case c.tenant.Value.State != enrollment.TenantClosed:
			return enrollment.NewProblem(enrollment.CodeRefused, "state", string(c.tenant.Value.State), "next", "Close the tenant first")
		}
		c.tenant.Value.State, c.tenant.Value.API, c.tenant.moved = enrollment.TenantErased, nil, true
		return c.noteTenant(ctx, enrollment.AuditFact{Act: enrollment.ActTenantErased, By: by})
	})
	if err != nil {
		return err
	}
	if err := shred.Shred(ctx, string(t.id)); err != nil {
		return asProblem(err)
	}
	for _, q := range []storage.Query{
		{Kind: storage.KindSecret, Tenant: string(t.id)},
		{Kind: KindRenewal, Tenant: string(t.id)},
		{Kind: KindServer, Tenant: string(t.id)},
		{Kind: KindPushRenewal, Tenant: string(t.id)},
		{Kind: KindPush, Tenant: string(t.id)},
		{Kind: KindMove, Tenant: string(t.id)},
		{Kind: KindBatch, Tenant: string(t.id)},
		{Kind: KindWave, Tenant: string(t.id)},
		{Kind: KindPlan, Tenant: string(t.id)},
		{Kind: KindGate, Tenant: string(t.id)},
		{Kind: KindDevice, Tenant: string(t.id)},
		{Kind: KindEnrollmentID, Tenant: string(t.id)},
		{Kind: KindPosts, Tenant: string(t.id)},
		{Kind: KindLedger, Tenant: string(t.id)},
		{Kind: KindProposal, Tenant: string(t.id)},
		{Kind: KindSwitch, Tenant: string(t.id)},
		{Kind: KindRecipient, Parent: string(t.id)},
		{Kind: KindService, Parent: string(t.id)},
	} {
		if err := t.r.deleteAll(ctx, q); err != nil {
			return asProblem(err)
		}
	}
	return nil
}

// deleteAll deletes the records that q selects, in chunks, each behind the one before: what was deleted keeps its place in a
// store for a while, and a list from the beginning would pass over all of it each time.
func (m rooms) deleteAll(ctx context.Context, q storage.Query) error {
	q.Limit = offboardChunk
	for conflicts := 0; ; {
		records, err := m.store.List(ctx, q)
		if err != nil || len(records) == 0 {
			return err
		}
		var w storage.Write
		for _, rec := range records {
			w.Delete = append(w.Delete, rec.Ref())
		}
		switch err := m.store.Commit(ctx, w); {
		case err == nil:
			conflicts, q.After = 0, records[len(records)-1].Position()
		case conflicts < attempts && ctx.Err() == nil && (errors.Is(err, storage.ErrConflict) || unknown(err)):
			conflicts++
		default:
			return err
		}
	}
}
