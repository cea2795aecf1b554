package runner

import (
	"context"
	"errors"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// NewPlan is what a plan starts from.
type NewPlan struct {
	Route    migration.Route    `json:"route"`              // without a profile: that of [Tenant.SetProfile]
	Wish     migration.Strategy `json:"wish,omitempty"`     // empty: the way that does least harm
	Deadline time.Duration      `json:"deadline,omitempty"` // of migrations; zero: the policy's
	// Reached: the present MDM runs and its push certificate works, so that commands reach devices. NotKnown: as the stored push
	// certificate tells; without one nothing is wiped.
	Reached enrollment.Known `json:"reached,omitempty"`
	// ReturnToService sets wiped devices up without hands where that exists.
	ReturnToService bool `json:"return_to_service,omitempty"`
}

// PlanView is a plan as a person sees it.
type PlanView struct {
	migration.Plan
	// Waiting says why it does not go on, with what keeps wipes back before everything else.
	Waiting migration.Waiting `json:"waiting,omitzero"`
	// Missing is how many persons must still approve it.
	Missing int `json:"missing,omitempty"`
	// Counts are its devices by state, as the store has them now, or had them before they were swept.
	Counts map[migration.MoveState]int `json:"counts,omitempty"`
	// Swept: its devices were deleted, as the policy has it for plans that ended long ago, except for those that are not over.
	Swept bool `json:"swept,omitempty"`
	// Allowed is what the person who asks may do now.
	Allowed []migration.EventName `json:"allowed,omitempty"`
}

// NewPlan makes a plan, which waits for its devices: see [Tenant.ListDevices]. It is refused where a port is missing that it
// needs, or where the new service is not ready for devices.
func (t *Tenant) NewPlan(ctx context.Context, by enrollment.Actor, q NewPlan) (PlanView, error) {
	if err := t.r.planPorts(q.Wish); err != nil {
		return PlanView{}, err
	}
	if err := validActor(by); err != nil {
		return PlanView{}, err
	}
	c, err := t.look(ctx)
	if err != nil {
		return PlanView{}, err
	}
	asked, err := c.routed(ctx, q)
	if err != nil {
		return PlanView{}, asProblem(err)
	}
	has, err := t.r.hasProfile(ctx, t.id, asked.Route)
	if err != nil {
		return PlanView{}, err
	}
	id := enrollment.PlanID(t.r.cfg.NewID(planPrefix))
	return t.outcomeOf(ctx, by, id, func(c *change) error {
		if err := c.open(ctx, by); err != nil {
			return err
		}
		q, err := c.routed(ctx, q)
		if err != nil {
			return err
		}
		if q.Route.Profile != asked.Route.Profile { // set in this very moment
			has = enrollment.NotKnown
		}
		tr, err := c.draft(ctx, by, id, q, has)
		if err != nil {
			return err
		}
		p := c.plansSeen.add(c, string(id), planRecord{
			Plan: tr.Plan, How: planLimits{Reached: q.Reached, ReturnToService: q.ReturnToService},
		})
		g := c.gatesSeen.add(c, string(id), tr.Plan.Gate())
		g.moved = true
		return c.applyPlan(ctx, p, tr)
	})
}

// draft is a plan as it begins, or why there can be none.
func (c *change) draft(
	ctx context.Context, by enrollment.Actor, id enrollment.PlanID, q NewPlan, has enrollment.Known,
) (migration.PlanTransition, error) {
	target, err := c.target(ctx, q.Route, has)
	if err != nil {
		return migration.PlanTransition{}, err
	}
	if q.Route.From != "" {
		if _, err := c.server(ctx, q.Route.From); err != nil {
			return migration.PlanTransition{}, err
		}
	}
	return migration.StartPlan(c.policy, c.now, migration.PlanRequest{
		ID: id, Tenant: enrollment.TenantID(c.tenant.Tenant), Route: q.Route, Wish: q.Wish, Deadline: q.Deadline, Target: target, By: by,
	})
}

// planPorts refuses a plan for which a port is missing.
func (r *Runner) planPorts(wish migration.Strategy) error {
	for _, p := range []struct {
		missing bool
		name    string
	}{
		{r.cfg.Devices == nil, "Config.Devices, which shows the devices of services"},
		{r.cfg.Profiles == nil, "Config.Profiles, which assigns enrollment profiles"},
		{wish == migration.Wipe && r.cfg.Wipes == nil, "Config.Wipes, which sends wipes"},
		{wish == migration.Wipe && r.cfg.MDM == nil, "Config.MDM, which confirms a device before its wipe"},
	} {
		if p.missing {
			return enrollment.NewProblem(enrollment.CodeRefused, "state", "not configured", "next", "This installation has no "+p.name)
		}
	}
	return nil
}

// outcomeOf makes a change about a plan and shows it as it stands then.
func (t *Tenant) outcomeOf(ctx context.Context, by enrollment.Actor, id enrollment.PlanID, do func(*change) error) (PlanView, error) {
	if err := validActor(by); err != nil {
		return PlanView{}, err
	}
	if err := t.change(ctx, do); err != nil {
		return PlanView{}, err
	}
	return t.Plan(ctx, by, id)
}

// onPlan takes an event of a plan that a person asks for.
func (t *Tenant) onPlan(
	ctx context.Context, by enrollment.Actor, id enrollment.PlanID, event func(*change, migration.Plan) (migration.PlanEvent, error),
) (PlanView, error) {
	return t.outcomeOf(ctx, by, id, func(c *change) error {
		p, err := c.plan(ctx, id)
		if err != nil {
			return err
		}
		ev, err := event(c, p.Value.Plan)
		if err != nil {
			return err
		}
		return c.stepPlan(ctx, p, ev)
	})
}

// Plan returns one plan, and what this person may ask of it.
func (t *Tenant) Plan(ctx context.Context, by enrollment.Actor, id enrollment.PlanID) (PlanView, error) {
	c, err := t.look(ctx)
	if err != nil {
		return PlanView{}, err
	}
	p, err := c.plan(ctx, id)
	if err != nil {
		return PlanView{}, asProblem(err)
	}
	view := c.planView(p.Value.Plan, by)
	if id := p.Value.Wipes.Live; id != "" {
		w, err := c.wavesSeen.get(ctx, c, id)
		if err != nil && !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
			return PlanView{}, asProblem(err)
		}
		if err == nil && view.Waiting.Why == migration.WaitsWave {
			view.Waiting = w.Value.Waiting()
		}
	}
	if view.Counts = p.Value.Sweep.Counts; view.Counts != nil {
		view.Swept = true
		return view, nil
	}
	view.Counts, err = c.countMoves(ctx, id)
	return view, asProblem(err)
}

func (c *change) planView(p migration.Plan, by enrollment.Actor) PlanView {
	v := PlanView{Plan: p, Waiting: p.Waiting(c.policy), Allowed: p.Allowed(c.policy, c.now, by)}
	if p.State == migration.PlanAwaiting {
		v.Missing = max(p.Needed-len(p.Approvals), 0)
	}
	return v
}

// PlanPage is one page of plans.
type PlanPage struct {
	Plans   []PlanView // without counts
	Damaged []error    // of records that could not be read
	Next    storage.Position
	More    bool
}

// Plans returns the tenant's plans.
func (t *Tenant) Plans(ctx context.Context, by enrollment.Actor, page Page) (PlanPage, error) {
	c, err := t.look(ctx)
	if err != nil {
		return PlanPage{}, err
	}
	q, err := page.query(storage.Query{Tenant: string(t.id)})
	if err != nil {
		return PlanPage{}, err
	}
	var p PlanPage
	p.Plans, p.Damaged, p.Next, p.More, err = list(ctx, c.plans, c.store, q,
		func(item storage.Item[planRecord]) (PlanView, error) { return c.planView(item.Value.Plan, by), nil })
	return p, asProblem(err)
}
