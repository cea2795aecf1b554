package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// switchSpec signs for the installation: whoever erases a tenant does not lift its switch by that.
var switchSpec = storage.Spec[migration.Switch]{
	Kind: KindSwitch, Schema: 1, Installation: true,
	Columns: func(s migration.Switch) storage.Columns {
		if s.Thrown {
			return storage.Columns{State: "thrown"}
		}
		return storage.Columns{State: "lifted"}
	},
}

// killSwitch reads the switch of a tenant (empty: of the installation), to be held or changed by the write. One that nobody
// has ever touched does not exist; the write holds that it still does not.
func (c *change) killSwitch(ctx context.Context, tenant string) (*tracked[migration.Switch], error) {
	if s, seen := c.switchesSeen[tenant]; seen {
		return s, nil
	}
	item, found, err := find(ctx, c.switches, tenant, onlyID)
	if err != nil {
		return nil, err
	}
	s := &tracked[migration.Switch]{Item: item, found: found}
	c.switchesSeen[tenant] = s
	return s, nil
}

// Switch returns the kill switch of the whole installation.
func (r *Runner) Switch(ctx context.Context) (migration.Switch, error) {
	return r.scope().killSwitch(ctx)
}

// Switch returns the tenant's own kill switch. That of the installation holds beside it.
func (t *Tenant) Switch(ctx context.Context) (migration.Switch, error) {
	return t.scope().killSwitch(ctx)
}

func (s scope) killSwitch(ctx context.Context) (migration.Switch, error) {
	c, err := s.look(ctx)
	if err != nil {
		return migration.Switch{}, err
	}
	held, err := c.killSwitch(ctx, s.tenant)
	if err != nil {
		return migration.Switch{}, asProblem(err)
	}
	return held.Value, nil
}

// ThrowSwitch throws the kill switch of the whole installation: once it has returned, no wipe is released any more, for
// nobody. Anybody may throw it, also a script; lifting it takes two persons. Throwing it again changes nothing.
func (r *Runner) ThrowSwitch(ctx context.Context, by enrollment.Actor, reason string) (migration.Switch, error) {
	return r.scope().throwSwitch(ctx, by, reason)
}

// ThrowSwitch throws the tenant's kill switch, as [Runner.ThrowSwitch] does that of the installation.
func (t *Tenant) ThrowSwitch(ctx context.Context, by enrollment.Actor, reason string) (migration.Switch, error) {
	return t.scope().throwSwitch(ctx, by, reason)
}

func (s scope) throwSwitch(ctx context.Context, by enrollment.Actor, reason string) (migration.Switch, error) {
	if err := validActor(by); err != nil {
		return migration.Switch{}, err
	}
	var thrown migration.Switch
	err := s.change(ctx, func(c *change) error {
		if err := c.known(); err != nil {
			return err
		}
		held, err := c.killSwitch(ctx, s.tenant)
		if err != nil {
			return err
		}
		next, fact, moved := held.Value.Throw(c.now, by, reason)
		if thrown = next; !moved {
			return nil
		}
		held.Value, held.moved = next, true
		return c.noteScope(ctx, fact)
	})
	if err == nil {
		s.tellPlans(ctx)
	}
	return thrown, err
}

// tellPlans tells plans at once that the switch has changed, so that what has left is recalled. From its commit on the switch
// holds without that, and a plan that is not told here hears of it when it is due next.
func (s scope) tellPlans(ctx context.Context) {
	q := storage.Query{Kind: KindPlan, Tenant: s.tenant, AllTenants: s.tenant == "", Limit: offboardChunk}
	for {
		page, err := s.r.store.List(ctx, q)
		for _, rec := range page {
			q.After = rec.Position()
			if !migration.PlanState(rec.State).Live() || err != nil {
				continue
			}
			err = s.r.change(ctx, enrollment.TenantID(rec.Tenant), func(c *change) error {
				p, err := c.plansSeen.get(ctx, c, rec.ID)
				if err != nil {
					return err
				}
				return c.tellSwitches(ctx, p)
			})
		}
		if err != nil {
			s.r.log.WarnContext(ctx, "plans hear of a kill switch later", "error", err)
		}
		if err != nil || len(page) < q.Limit {
			return
		}
	}
}

// known refuses what is done to a tenant that does not exist, so that a wrong name stops nobody unnoticed.
func (c *change) known() error {
	switch {
	case c.tenant == nil:
		return nil
	case !c.tenant.found:
		return enrollment.NewProblem(enrollment.CodeNotFound, "what", "tenant")
	}
	return c.notErased()
}

// LiftSwitch proposes to lift the kill switch of the whole installation; it stays thrown until another person approves.
func (r *Runner) LiftSwitch(ctx context.Context, by enrollment.Actor) (ProposalView, error) {
	return r.scope().liftSwitch(ctx, by)
}

// LiftSwitch proposes to lift the tenant's kill switch, as [Runner.LiftSwitch] does that of the installation.
func (t *Tenant) LiftSwitch(ctx context.Context, by enrollment.Actor) (ProposalView, error) {
	return t.scope().liftSwitch(ctx, by)
}

func (s scope) liftSwitch(ctx context.Context, by enrollment.Actor) (ProposalView, error) {
	if err := validActor(by); err != nil {
		return ProposalView{}, err
	}
	id := s.r.cfg.NewID("prp")
	var view ProposalView
	err := s.change(ctx, func(c *change) error {
		err := c.known()
		if err == nil {
			view, err = c.propose(ctx, by, id, migration.ProposedChange{Lift: true})
		}
		return err
	})
	return view, err
}
