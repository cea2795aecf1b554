package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// What people do with their own hands in the course of a plan.

// PIN shows the PIN that unlocks a Mac which was wiped by locking it. Who saw it is written down.
func (t *Tenant) PIN(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, serial string) (enrollment.PIN, error) {
	if err := validActor(by); err != nil {
		return enrollment.PIN{}, err
	}
	if by.Kind != enrollment.Person {
		return enrollment.PIN{}, enrollment.NewProblem(enrollment.CodePersonNeeded)
	}
	var pin enrollment.PIN
	err := t.change(ctx, func(c *change) error {
		if err := c.notErased(); err != nil {
			return err
		}
		m, err := c.move(ctx, moveID(id, enrollment.NormalSerial(serial)))
		if err != nil {
			return err
		}
		if m.Value.PIN == "" {
			return enrollment.NewProblem(enrollment.CodeNotFound, "what", "PIN of this device")
		}
		if pin, err = c.openPIN(ctx, m.Value.Move, m.Value.PIN); err != nil {
			return err
		}
		return appendFacts(ctx, c, string(m.Value.ID), &m.Value.Audit, &m.moved,
			[]enrollment.AuditFact{enrollment.NewAuditFact(enrollment.ActPINShown, by, "serial", m.Value.Device.Serial)})
	})
	if err != nil {
		return enrollment.PIN{}, err
	}
	return pin, nil
}

// BatchPage is one page of a plan's batches.
type BatchPage struct {
	Batches []BatchView
	Damaged []error // of records that could not be read
	Next    storage.Position
	More    bool
}

// BatchView is a batch as a person sees it. Where it waits for one, [migration.Batch.CSV] is what goes to Apple's portal.
type BatchView struct {
	migration.Batch
	Waiting migration.Waiting `json:"waiting,omitzero"`
	// Allowed is what the person who asks may do now.
	Allowed []migration.EventName `json:"allowed,omitempty"`
}

// Batches returns the batches of a plan.
func (t *Tenant) Batches(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, page Page) (BatchPage, error) {
	c, err := t.look(ctx)
	if err != nil {
		return BatchPage{}, err
	}
	q, err := page.query(storage.Query{Tenant: string(t.id), Parent: string(id)})
	if err != nil {
		return BatchPage{}, err
	}
	if _, err := c.plan(ctx, id); err != nil {
		return BatchPage{}, asProblem(err)
	}
	var p BatchPage
	p.Batches, p.Damaged, p.Next, p.More, err = list(ctx, c.batches, c.store, q, func(item storage.Item[migration.Batch]) (BatchView, error) {
		b := item.Value
		return BatchView{Batch: b, Waiting: b.Waiting(), Allowed: b.Allowed(c.policy, c.now, by)}, nil
	})
	return p, asProblem(err)
}

// RecheckBatch has the new service looked at now, because somebody has assigned the devices at Apple's portal.
func (t *Tenant) RecheckBatch(ctx context.Context, by enrollment.Actor, batch string) error {
	if err := validActor(by); err != nil {
		return err
	}
	err := t.change(ctx, func(c *change) error {
		b, err := c.batchesSeen.get(ctx, c, batch)
		if err != nil {
			return err
		}
		return c.stepBatch(ctx, b, migration.BatchRechecked{By: by})
	})
	if err != nil {
		return err
	}
	return t.settle(ctx, t.r.batches.Key(string(t.id), batch))
}
