package runner

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// SubmitPlan has a plan approved by other persons, or begun where nobody has to. It is refused where the new service is not ready
// for devices, or where the plan has wipes that would not reach any.
func (t *Tenant) SubmitPlan(ctx context.Context, by enrollment.Actor, id enrollment.PlanID) (PlanView, error) {
	has, err := t.profileOf(ctx, id)
	if err != nil {
		return PlanView{}, err
	}
	return t.outcomeOf(ctx, by, id, func(c *change) error {
		if err := c.stillOpen(); err != nil {
			return err
		}
		p, err := c.plan(ctx, id)
		if err != nil {
			return err
		}
		if p.Value.Listing.Wipes > 0 {
			if err := t.r.planPorts(migration.Wipe); err != nil {
				return err
			}
		}
		if err := c.tellPush(ctx, p); err != nil {
			return err
		}
		target, err := c.target(ctx, p.Value.Route, has)
		if err != nil {
			return err
		}
		l, err := c.ledger(ctx, string(t.id))
		if err != nil {
			return err
		}
		return c.stepPlan(ctx, p, migration.SubmitRequested{By: by, Target: target, Lately: l.Value.Lately(c.now)})
	})
}

// ApprovePlan is a person's word for a plan as they saw it. With the last word that is needed the cooling period begins.
func (t *Tenant) ApprovePlan(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, word Approved) (PlanView, error) {
	if err := t.r.verifyApproval(ctx, t.id, by, string(id), word); err != nil {
		return PlanView{}, err
	}
	return t.onPlan(ctx, by, id, func(c *change, _ migration.Plan) (migration.PlanEvent, error) {
		if err := c.stillOpen(); err != nil {
			return nil, err
		}
		l, err := c.ledger(ctx, string(t.id))
		if err != nil {
			return nil, err
		}
		return migration.ApproveRequested{By: by, Digest: word.Digest, Signature: word.Signature, Lately: l.Value.Lately(c.now)}, nil
	})
}

// ask takes an event that needs nothing but the plan.
func (t *Tenant) ask(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, ev migration.PlanEvent) (PlanView, error) {
	return t.onPlan(ctx, by, id, func(*change, migration.Plan) (migration.PlanEvent, error) { return ev, nil })
}

// RejectPlan ends a plan that waits for its approval, or cools down after it. One person who is against it is enough.
func (t *Tenant) RejectPlan(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, reason string) (PlanView, error) {
	return t.ask(ctx, by, id, migration.RejectRequested{By: by, Reason: reason})
}

// StartPlan begins a plan whose cooling period is over, instead of with the next RunDue.
func (t *Tenant) StartPlan(ctx context.Context, by enrollment.Actor, id enrollment.PlanID) (PlanView, error) {
	return t.ask(ctx, by, id, migration.StartRequested{By: by})
}

// PausePlan has nothing new begin. No wipe is released from then on; what has left goes its way.
func (t *Tenant) PausePlan(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, reason string) (PlanView, error) {
	return t.ask(ctx, by, id, migration.PauseRequested{By: by, Reason: reason})
}

// ResumePlan goes on with a paused plan. It is refused where the new service is not ready for devices.
func (t *Tenant) ResumePlan(ctx context.Context, by enrollment.Actor, id enrollment.PlanID) (PlanView, error) {
	has, err := t.profileOf(ctx, id)
	if err != nil {
		return PlanView{}, err
	}
	return t.onPlan(ctx, by, id, func(c *change, p migration.Plan) (migration.PlanEvent, error) {
		target, err := c.target(ctx, p.Route, has)
		return migration.ResumeRequested{By: by, Target: target}, err
	})
}

// CancelPlan gives a plan up: migrations are cancelled at Apple, wipes that have left are recalled where the MDM can.
func (t *Tenant) CancelPlan(ctx context.Context, by enrollment.Actor, id enrollment.PlanID) (PlanView, error) {
	return t.ask(ctx, by, id, migration.CancelRequested{By: by})
}

// CancelAll gives up every plan of the tenant that is under way, and returns how many.
func (t *Tenant) CancelAll(ctx context.Context, by enrollment.Actor) (int, error) {
	if err := validActor(by); err != nil {
		return 0, err
	}
	if err := validTenant(t.id); err != nil {
		return 0, err
	}
	n := 0
	err := t.r.eachOf(ctx, KindPlan, string(t.id), "", func(page []storage.Record) (bool, error) {
		for _, rec := range page {
			if !migration.PlanState(rec.State).Live() {
				continue
			}
			_, err := t.CancelPlan(ctx, by, enrollment.PlanID(rec.ID))
			if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeRefused}) {
				continue // it has come to its end meanwhile
			}
			if err != nil {
				return false, err
			}
			n++
		}
		return true, nil
	})
	return n, asProblem(err)
}

// ExcludeDevice leaves a device of a plan alone. The plan only shrinks by it, so that its approval stays.
func (t *Tenant) ExcludeDevice(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, serial string) (PlanView, error) {
	return t.onDevice(ctx, by, id, serial, func(c *change, p *tracked[planRecord], m *tracked[moveRecord]) error {
		ev := migration.DeviceExcluded{By: by, Serial: m.Value.Device.Serial, Strategy: m.Value.Decision.Strategy}
		if m.Value.State == migration.MoveSkipped {
			return nil
		}
		if err := c.stepPlan(ctx, p, ev); err != nil {
			return err
		}
		return c.stepMove(ctx, m, migration.SkipRequested{By: by})
	})
}

// RetryDevice begins with a device again that did not come to a good end.
func (t *Tenant) RetryDevice(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, serial string) (PlanView, error) {
	return t.onDevice(ctx, by, id, serial, func(c *change, p *tracked[planRecord], m *tracked[moveRecord]) error {
		if p.Value.Sweep.Counts != nil {
			return enrollment.NewProblem(enrollment.CodeRefused, "state", string(p.Value.State),
				"next", "The plan ended long ago, and its devices were deleted; make a new plan for this one")
		}
		d, err := c.devicesSeen.get(ctx, c, m.Value.Device.Serial)
		if err != nil {
			return err
		}
		if d.Value.Move != m.Value.ID {
			return enrollment.NewProblem(enrollment.CodeRefused, "state", string(m.Value.State),
				"next", "Another plan has taken the device since; look there")
		}
		if err := c.stepMove(ctx, m, migration.RetryRequested{By: by}); err != nil {
			return err
		}
		return c.stepPlan(ctx, p, migration.DeviceRetried{By: by, Serial: m.Value.Device.Serial})
	})
}

// CancelDevice gives up one device of a plan, as CancelPlan does all of them.
func (t *Tenant) CancelDevice(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, serial string) (PlanView, error) {
	return t.onDevice(ctx, by, id, serial, func(c *change, _ *tracked[planRecord], m *tracked[moveRecord]) error {
		return c.stepMove(ctx, m, migration.CancelRequested{By: by})
	})
}

// ReplaceDevice takes a device that does not come by out of the present wave of wipes, so that another is called in its place.
func (t *Tenant) ReplaceDevice(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, serial string) (PlanView, error) {
	return t.onDevice(ctx, by, id, serial, func(c *change, p *tracked[planRecord], m *tracked[moveRecord]) error {
		live := p.Value.Wipes.Live
		if m.Value.Decision.Strategy == migration.Migrate {
			live = p.Value.Migrates.Live
		}
		if live == "" {
			return enrollment.NewProblem(enrollment.CodeRefused, "state", string(m.Value.State), "next", "No wave is under way that it could be in")
		}
		w, err := c.wavesSeen.get(ctx, c, live)
		if err != nil {
			return err
		}
		return c.stepWave(ctx, w, migration.DeviceReplaced{By: by, Serial: m.Value.Device.Serial})
	})
}

func (t *Tenant) onDevice(
	ctx context.Context, by enrollment.Actor, id enrollment.PlanID, serial string,
	do func(*change, *tracked[planRecord], *tracked[moveRecord]) error,
) (PlanView, error) {
	serial = enrollment.NormalSerial(serial)
	if serial == "" {
		return PlanView{}, invalid("serial", "a serial number as Apple writes it")
	}
	return t.outcomeOf(ctx, by, id, func(c *change) error {
		p, err := c.plan(ctx, id)
		if err != nil {
			return err
		}
		m, err := c.move(ctx, moveID(id, serial))
		if err != nil {
			return err
		}
		return do(c, p, m)
	})
}

// MovePage is one page of a plan's devices.
type MovePage struct {
	Moves   []MoveView
	Damaged []error // of records that could not be read
	Next    storage.Position
	More    bool
}

// MoveView is a device of a plan as a person sees it: how it is moved, why so, and how far it has come.
type MoveView struct {
	migration.Move
	// Other is what the list had beside the device; see [PlanRow].
	Other map[string]string `json:"other,omitempty"`
	// Allowed is what the person who asks may do now.
	Allowed []migration.EventName `json:"allowed,omitempty"`
}

// Moves returns the devices of a plan by serial number, of one state or of all (empty).
func (t *Tenant) Moves(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, state migration.MoveState, page Page) (MovePage, error) {
	c, err := t.look(ctx)
	if err != nil {
		return MovePage{}, err
	}
	q, err := page.query(storage.Query{Tenant: string(t.id), Parent: string(id), State: string(state)})
	if err != nil {
		return MovePage{}, err
	}
	if _, err := c.plan(ctx, id); err != nil {
		return MovePage{}, asProblem(err)
	}
	var p MovePage
	p.Moves, p.Damaged, p.Next, p.More, err = list(ctx, c.moves, c.store, q, func(item storage.Item[moveRecord]) (MoveView, error) {
		return MoveView{Move: item.Value.Move, Other: item.Value.Other, Allowed: item.Value.Move.Allowed(c.policy, c.now, by)}, nil
	})
	return p, asProblem(err)
}
