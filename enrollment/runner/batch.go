package runner

import (
	"context"
	"errors"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

var batchSpec = storage.Spec[migration.Batch]{
	Kind: KindBatch, Schema: 1,
	Columns: func(b migration.Batch) storage.Columns {
		return storage.Columns{Parent: string(b.Plan), State: string(b.State), Wake: b.Wake()}
	},
}

// addBatch makes a new batch part of the write.
func (c *change) addBatch(ctx context.Context, tr migration.BatchTransition) error {
	b := c.batchesSeen.add(c, tr.Batch.ID, tr.Batch)
	return c.applyBatch(ctx, b, tr)
}

// stepBatch takes one event of a batch. What its devices learn is in the same write.
func (c *change) stepBatch(ctx context.Context, b *tracked[migration.Batch], ev migration.BatchEvent) error {
	tr, err := b.Value.Step(c.policy, c.now, ev)
	if err != nil || !tr.Moved {
		return err
	}
	return c.applyBatch(ctx, b, tr)
}

func (c *change) applyBatch(ctx context.Context, b *tracked[migration.Batch], tr migration.BatchTransition) error {
	ended := b.Value.Live() && !tr.Batch.Live()
	b.Value, b.moved = tr.Batch, true
	if err := c.tellNews(ctx, tr.Batch.Plan, tr.News); err != nil || len(tr.Audit) == 0 && !ended {
		return err
	}
	p, err := c.plan(ctx, tr.Batch.Plan)
	if err != nil {
		return err
	}
	if ended {
		if err := c.stepPlan(ctx, p, migration.BatchEnded{}); err != nil {
			return err
		}
	}
	return appendFacts(ctx, c, string(p.Value.ID), &p.Value.Audit, &p.moved, tr.Audit)
}

func (c *change) batching(b *tracked[migration.Batch]) job {
	return job{
		record: b, moved: &b.moved,
		tick: func(ctx context.Context) error { return c.stepBatch(ctx, b, migration.BatchTicked{}) },
		due:  func() []enrollment.Effect { return b.Value.Due(c.now) },
		notified: func(ctx context.Context, r enrollment.Result) error {
			return c.stepBatch(ctx, b, migration.BatchNotified{Result: r})
		},
	}
}

func feedBatch(k storage.RecordKey, ev migration.BatchEvent) feed {
	return func(ctx context.Context, c *change) error {
		b, err := c.batchesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		return c.stepBatch(ctx, b, ev)
	}
}

// callApple does an effect of a batch, or the look of a plan for devices that are away.
func (r *Runner) callApple(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	switch {
	case k.Kind == KindPlan:
		return r.lookAround(ctx, k, x)
	case x.Kind == enrollment.SpendPost:
		return r.spendPost(ctx, k, x)
	}
	b, err := r.batches.Get(ctx, k.Tenant, k.ID)
	if err != nil {
		return failed(err)
	}
	ev, err := r.askApple(ctx, b.Value, x)
	return whereGone(err, b.Value.Plan, feedBatch(k, ev))
}

// whereGone also tells a plan that its new service is gone, if that is what an error says.
func whereGone(err error, plan enrollment.PlanID, next feed) feed {
	if !errors.Is(err, enrollment.ErrServiceGone) {
		return next
	}
	return tellFirst(plan, migration.ServiceGone{}, next)
}

// tellFirst tells a plan something in the write of another feed.
func tellFirst(plan enrollment.PlanID, ev migration.PlanEvent, next feed) feed {
	return func(ctx context.Context, c *change) error {
		p, err := c.plan(ctx, plan)
		if err != nil {
			return err
		}
		if err := c.stepPlan(ctx, p, ev); err != nil {
			return err
		}
		return next(ctx, c)
	}
}

// failed is what is fed to a machine that could not be worked for.
func failed(err error) feed {
	return func(context.Context, *change) error { return err }
}

// spendPost takes a call from the hour's budget, and makes it at once if that was certainly stored: nobody else does, because
// Apple has no idempotency key. Of a call that was lost in between, the batch finds out what became of it.
func (r *Runner) spendPost(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	if gone := r.withoutProfile(ctx, k, x); gone != nil {
		return gone
	}
	var granted *enrollment.Effect
	var batch migration.Batch
	err := r.changeCertainly(ctx, enrollment.TenantID(k.Tenant), func(c *change) error {
		b, err := c.batchesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		granted, err = c.grantPost(ctx, b, x)
		batch = b.Value
		return err
	})
	if err != nil {
		return failed(err)
	}
	if granted == nil {
		return func(ctx context.Context, c *change) error {
			_, err := c.batchesSeen.get(ctx, c, k.ID)
			return err
		}
	}
	to, err := r.serviceOf(ctx, batch.Tenant, batch.Route.To)
	ev, err := r.post(ctx, batch, *granted, to, err)
	return whereGone(err, batch.Plan, feedBatch(k, ev))
}

// profileAgain is how long a call waits for an enrollment profile that the new service does not have; its plan pauses meanwhile.
const profileAgain = time.Hour

// withoutProfile pauses a plan before its devices are assigned to a service that does not have their enrollment profile; nil: it
// has, or nobody can tell.
func (r *Runner) withoutProfile(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	b, err := r.batches.Get(ctx, k.Tenant, k.ID)
	if err != nil {
		return failed(err)
	}
	if b.Value.Kind == enrollment.CancelMigration {
		return nil
	}
	has, err := r.hasProfile(ctx, b.Value.Tenant, b.Value.Route)
	if err != nil {
		return failed(err)
	}
	if has != enrollment.No {
		return nil
	}
	later := enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry, RetryAfter: profileAgain}
	return tellFirst(b.Value.Plan, migration.ProfileGone{}, feedBatch(k, migration.PostSpent{Result: later}))
}

// grantPost spends a call in the write in which the batch hears of it; nil: there is none, or nobody wants it any more.
func (c *change) grantPost(ctx context.Context, b *tracked[migration.Batch], x enrollment.Effect) (*enrollment.Effect, error) {
	posts, err := c.postsSeen.ensure(ctx, c, onlyID)
	if err != nil {
		return nil, err
	}
	allowed := []enrollment.Allowance{{Most: c.policy.PostsPerHour, In: time.Hour}}
	ev := migration.PostSpent{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}}
	spent, ok := posts.Value.Spend(c.now, 1, allowed)
	if !ok {
		ev.Outcome = enrollment.Retry
		if next := posts.Value.Next(c.now, allowed); next.After(c.now) {
			ev.RetryAfter = next.Sub(c.now)
		}
	}
	tr, err := b.Value.Step(c.policy, c.now, ev)
	if err != nil || !tr.Moved {
		return nil, err
	}
	if tr.Post != nil {
		posts.Value, posts.moved = spent, true
	}
	return tr.Post, c.applyBatch(ctx, b, tr)
}

// askApple makes a call of a batch, and returns what it says, and the error of the port.
func (r *Runner) askApple(ctx context.Context, b migration.Batch, x enrollment.Effect) (migration.BatchEvent, error) {
	to, err := r.serviceOf(ctx, b.Tenant, b.Route.To)
	if err == nil { // ports are configured on other machines, perhaps
		err = r.planPorts("")
	}
	switch x.Kind {
	case enrollment.LookUp:
		var seen []enrollment.AssignedDevice
		if err == nil {
			seen, err = r.cfg.Devices.Lookup(ctx, to, b.Serials(x))
		}
		return migration.Looked{Result: r.asked(x, err), Seen: seen}, err
	case enrollment.AssignProfiles:
		var results []enrollment.DeviceResult
		if err == nil {
			results, err = r.cfg.Profiles.AssignProfile(ctx, to, b.Route.Profile, b.Serials(x))
		}
		return migration.ProfilesAssigned{Result: r.sent(x, err), Devices: results, Reason: portWord(err)}, err
	case enrollment.AskActivity:
		if r.cfg.Assigner == nil {
			return migration.ActivityAsked{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.Fatal}}, nil
		}
		activity, err := r.cfg.Assigner.Activity(ctx, b.Tenant, b.Activity)
		return migration.ActivityAsked{Result: r.asked(x, err), Activity: activity}, err
	}
	return r.post(ctx, b, x, to, err)
}

// post asks for an assignment, if it is still time. The error that is given is why the service is not known; the one that is
// returned is the port's.
func (r *Runner) post(
	ctx context.Context, b migration.Batch, x enrollment.Effect, to enrollment.Service, err error,
) (migration.BatchEvent, error) {
	var from enrollment.Service
	if err == nil && b.Route.From != "" {
		from, err = r.serviceOf(ctx, b.Tenant, b.Route.From)
	}
	if err != nil { // nothing was sent
		return migration.Posted{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry, Problem: enrollment.ProblemOf(asProblem(err))}}, nil
	}
	if r.cfg.Assigner == nil {
		return migration.Posted{
			Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}, Activity: enrollment.Activity{State: enrollment.ActivityByHand},
		}, nil
	}
	now, err := r.now(ctx)
	if err != nil || !now.Before(b.DueAt) {
		return migration.Posted{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry}}, nil
	}
	within, cancel := context.WithTimeout(ctx, b.DueAt.Sub(now))
	defer cancel()
	activity, err := r.cfg.Assigner.Assign(within, b.Assignment(x, from, to))
	return migration.Posted{Result: r.sent(x, err), Activity: activity, Reason: portWord(err)}, err
}

// serviceOf names a server's service for the ports.
func (m rooms) serviceOf(ctx context.Context, tenant enrollment.TenantID, id enrollment.ServerID) (enrollment.Service, error) {
	s, err := m.servers.Get(ctx, string(tenant), string(id))
	if err != nil {
		return enrollment.Service{}, missing(err, "server")
	}
	return enrollment.Service{Tenant: tenant, Server: id, UUID: s.Value.Pin.ServerUUID, Name: s.Value.Name}, nil
}
