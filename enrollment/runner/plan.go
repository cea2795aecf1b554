package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// planPrefix begins the IDs of plans, which are subjects of the audit like servers.
const planPrefix = "pln"

// planRecord is a plan with its history.
type planRecord struct {
	migration.Plan
	Audit enrollment.AuditHead `json:"audit"`
	How   planLimits           `json:"how,omitzero"`
	// Lister is whoever makes the list of devices: a newer one takes over from one that did not come to its end.
	Lister string    `json:"lister,omitempty"`
	Sweep  planSweep `json:"sweep,omitzero"`
	// Push is what the host told last of the push certificate of the present MDM.
	Push pushWord `json:"push,omitzero"`
}

// planLimits are what the operator said about the devices of a plan as a whole.
type planLimits struct {
	Reached         enrollment.Known `json:"reached,omitempty"`
	ReturnToService bool             `json:"return_to_service,omitempty"`
}

var (
	planSpec = storage.Spec[planRecord]{
		Kind: KindPlan, Schema: 1,
		Columns: func(p planRecord) storage.Columns {
			return storage.Columns{Parent: string(p.Route.To), State: string(p.State), Wake: p.wake()}
		},
	}
	// A gate has the ID of its plan. It is a record of its own because the release of a wipe holds it, and plans are claimed.
	gateSpec = storage.Spec[migration.Gate]{
		Kind: KindGate, Schema: 1,
		Columns: func(g migration.Gate) storage.Columns { return storage.Columns{Parent: string(g.Plan)} },
	}
	// ledgerSpec signs for the installation, which has one, too.
	ledgerSpec = storage.Spec[migration.Ledger]{Kind: KindLedger, Schema: 1, Installation: true}
)

func (c *change) plan(ctx context.Context, id enrollment.PlanID) (*tracked[planRecord], error) {
	return c.plansSeen.get(ctx, c, string(id))
}

// ledger reads the ledger of a tenant (empty: of the installation), to be held or changed by the write.
func (c *change) ledger(ctx context.Context, tenant string) (*tracked[migration.Ledger], error) {
	if l, seen := c.ledgersSeen[tenant]; seen {
		return l, nil
	}
	item, found, err := find(ctx, c.ledgers, tenant, onlyID)
	if err != nil {
		return nil, err
	}
	l := &tracked[migration.Ledger]{Item: item, found: found}
	c.ledgersSeen[tenant] = l
	return l, nil
}

// stepPlan takes one event of a plan and puts all that follows from it into the write: the snapshot, its gate, the ledger of
// approvals, the waves that begin, and the audit.
func (c *change) stepPlan(ctx context.Context, p *tracked[planRecord], ev migration.PlanEvent) error {
	tr, err := p.Value.Step(c.policy, c.now, ev)
	if err != nil || !tr.Moved {
		return err
	}
	return c.applyPlan(ctx, p, tr)
}

func (c *change) applyPlan(ctx context.Context, p *tracked[planRecord], tr migration.PlanTransition) error {
	p.Value.Plan, p.moved = tr.Plan, true
	p.Value.keepUntil(c.policy)
	if tr.Gate != nil {
		g, err := c.gatesSeen.ensure(ctx, c, string(tr.Plan.ID))
		if err != nil {
			return err
		}
		g.Value, g.moved = *tr.Gate, true
	}
	if tr.Approved > 0 {
		l, err := c.ledger(ctx, c.tenant.Tenant)
		if err != nil {
			return err
		}
		l.Value.Approved, l.moved = l.Value.Approved.Add(c.now, tr.Approved), true
	}
	for _, w := range tr.Waves {
		c.wavesSeen.add(c, w.ID, w).moved = true
	}
	return appendFacts(ctx, c, string(p.Value.ID), &p.Value.Audit, &p.moved, tr.Audit)
}

// planning is the job of a plan. With the passing of time it also hears how the kill switches stand, and what is known of where
// its devices come from and go to.
func (c *change) planning(p *tracked[planRecord]) job {
	return job{
		record: p, moved: &p.moved,
		tick: func(ctx context.Context) error {
			if err := c.tellSwitches(ctx, p); err != nil {
				return err
			}
			if err := c.tellRoute(ctx, p); err != nil {
				return err
			}
			if err := c.stepPlan(ctx, p, migration.PlanTicked{}); err != nil {
				return err
			}
			return c.sweepPlan(ctx, p)
		},
		due: func() []enrollment.Effect { return p.Value.Due(c.now) },
		notified: func(ctx context.Context, r enrollment.Result) error {
			return c.stepPlan(ctx, p, migration.PlanNotified{Result: r})
		},
	}
}

// tellSwitches tells a plan whether a kill switch is thrown that holds for it.
func (c *change) tellSwitches(ctx context.Context, p *tracked[planRecord]) error {
	thrown := false
	for _, tenant := range []string{"", c.tenant.Tenant} {
		held, err := c.killSwitch(ctx, tenant)
		if err != nil {
			return err
		}
		thrown = thrown || held.Value.Thrown
	}
	return c.stepPlan(ctx, p, migration.SwitchSet{Thrown: thrown})
}
