package runner

import (
	"context"
	"fmt"
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// leadMoves does an effect by which a plan, or a wave of it, leads its moves.
func (r *Runner) leadMoves(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	switch {
	case k.Kind == KindWave:
		return r.leadWave(ctx, k, x)
	case x.Kind == enrollment.MakeBatches:
		return r.makeBatches(k, x)
	case x.Kind == enrollment.TellMoves:
		return feedPlan(k, migration.MovesTold{Result: r.outcome(k, x, r.tellAll(ctx, k, x))})
	}
	tally, err := r.tally(ctx, k)
	return feedPlan(k, migration.Counted{Result: r.outcome(k, x, err), Tally: tally})
}

// outcome is the result of work that only reads or writes our own records: what failed is worth another attempt.
func (r *Runner) outcome(k storage.RecordKey, x enrollment.Effect, err error) enrollment.Result {
	if err == nil {
		return enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
	}
	r.log.Error("an effect failed", "record", k.String(), "effect", x.ID, "error", err)
	return enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry, Problem: enrollment.ProblemOf(asProblem(err))}
}

func feedPlan(k storage.RecordKey, ev migration.PlanEvent) feed {
	return func(ctx context.Context, c *change) error {
		p, err := c.plansSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		return c.stepPlan(ctx, p, ev)
	}
}

// eachOf reads the records of a plan page by page, so that a plan of any size needs the memory of one page.
func (m rooms) eachOf(ctx context.Context, kind, tenant string, plan enrollment.PlanID, do func(page []storage.Record) (more bool, err error)) error {
	return m.eachPage(ctx, storage.Query{Kind: kind, Tenant: tenant, Parent: string(plan)}, do)
}

func (m rooms) eachPage(ctx context.Context, q storage.Query, do func(page []storage.Record) (more bool, err error)) error {
	q.Limit = storage.MaxPage
	for {
		page, err := m.store.List(ctx, q)
		if err != nil || len(page) == 0 {
			return err
		}
		more, err := do(page)
		if err != nil || !more || len(page) < q.Limit {
			return err
		}
		q.After = page[len(page)-1].Position()
	}
}

// eachMove reads the moves of a plan, by serial number.
func (m rooms) eachMove(ctx context.Context, tenant string, plan enrollment.PlanID, do func(storage.Record, moveRecord) (more bool, err error)) error {
	return m.eachMoveIn(ctx, "", tenant, plan, do)
}

// eachMoveIn reads those that are in a state (empty: all), as far as the copy says that a store searches by.
func (m rooms) eachMoveIn(
	ctx context.Context, state migration.MoveState, tenant string, plan enrollment.PlanID,
	do func(storage.Record, moveRecord) (more bool, err error),
) error {
	q := storage.Query{Kind: KindMove, Tenant: tenant, Parent: string(plan), State: string(state)}
	return m.eachPage(ctx, q, func(page []storage.Record) (bool, error) {
		for _, rec := range page {
			item, err := m.moves.Decode(ctx, rec)
			if err != nil {
				return false, err
			}
			if more, err := do(rec, item.Value); err != nil || !more {
				return false, err
			}
		}
		return true, nil
	})
}

// tally counts the moves of a plan.
func (r *Runner) tally(ctx context.Context, k storage.RecordKey) (t migration.Tally, err error) {
	err = r.eachOf(ctx, KindMove, k.Tenant, enrollment.PlanID(k.ID), func(page []storage.Record) (bool, error) {
		for _, rec := range page {
			item, err := r.stances.Decode(ctx, rec)
			if err != nil {
				return false, err
			}
			t.Add(migration.Move(item.Value))
		}
		return true, nil
	})
	return t, err
}

// mostInHand is how many devices of one tenant are in the hands of batches at once, so that a large plan leaves room, at
// Apple and here, for others.
const mostInHand = enrollment.MaxBatch

// countInHand counts the devices that batches have in hand.
func (r *Runner) countInHand(ctx context.Context, tenant string) (n int, err error) {
	counts, err := r.store.Count(ctx, storage.Query{Kind: KindMove, Tenant: tenant})
	for _, s := range []migration.MoveState{
		migration.MoveAssigning, migration.MoveSeeking, migration.MoveProfiling, migration.MoveReading,
	} {
		n += counts[string(s)]
	}
	return n, err
}

// makeBatches puts moves that wait for it into a batch. Batch, moves and the plan's own step are one write.
func (r *Runner) makeBatches(k storage.RecordKey, x enrollment.Effect) feed {
	return func(ctx context.Context, c *change) error {
		p, err := c.plansSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		undone, err := r.undoBatch(ctx, c, p.Value.Plan, x)
		if err != nil {
			return err
		}
		more := undone
		if p.Value.State == migration.PlanRunning {
			started, err := r.assignBatch(ctx, c, p.Value.Plan, x)
			if err != nil {
				return err
			}
			more = more || started
		}
		return c.stepPlan(ctx, p, migration.BatchesMade{
			Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}, More: more,
		})
	}
}

// assignBatch starts a batch of devices that are to be assigned. full: there may be more of them.
func (r *Runner) assignBatch(ctx context.Context, c *change, p migration.Plan, x enrollment.Effect) (full bool, err error) {
	inHand, err := r.countInHand(ctx, string(p.Tenant))
	if err != nil {
		return false, err
	}
	room := min(mostInHand-inHand, enrollment.MaxBatch)
	if room < 1 {
		return false, nil // the next count sees that there are some left
	}
	serials, err := c.pick(ctx, p, migration.MoveQueued, room, func(m migration.Move) bool {
		return m.Decision.Strategy != migration.Migrate
	})
	if err != nil || len(serials) == 0 {
		return false, err
	}
	return len(serials) == room, r.startBatch(ctx, c, migration.BatchRequest{
		ID: string(x.ID) + "/assign", Tenant: p.Tenant, Plan: p.ID, Kind: enrollment.AssignDevices, Route: p.Route, Serials: serials,
	})
}

// undoBatch starts a batch that cancels migrations.
func (r *Runner) undoBatch(ctx context.Context, c *change, p migration.Plan, x enrollment.Effect) (full bool, err error) {
	var busy []string // in such a batch already
	err = c.eachOf(ctx, KindBatch, string(p.Tenant), p.ID, func(page []storage.Record) (bool, error) {
		for _, rec := range page {
			b, err := c.batches.Decode(ctx, rec)
			if err != nil {
				return false, err
			}
			if b.Value.Kind == enrollment.CancelMigration && b.Value.Live() {
				busy = append(busy, b.Value.Serials(enrollment.Effect{Kind: enrollment.LookUp})...)
			}
		}
		return true, nil
	})
	if err != nil {
		return false, err
	}
	serials, err := c.pick(ctx, p, migration.MoveCancelling, enrollment.MaxBatch, func(m migration.Move) bool {
		return m.Decision.Strategy == migration.Migrate && !slices.Contains(busy, m.Device.Serial)
	})
	if err != nil || len(serials) == 0 {
		return false, err
	}
	tr, err := migration.StartBatch(c.policy, c.now, migration.BatchRequest{
		ID: string(x.ID) + "/cancel", Tenant: p.Tenant, Plan: p.ID, Kind: enrollment.CancelMigration, Route: p.Route, Serials: serials,
		Manual: r.cfg.Assigner == nil,
	})
	if err != nil {
		return false, err
	}
	return len(serials) == enrollment.MaxBatch, c.addBatch(ctx, tr)
}

// pick makes moves of a plan part of the write, the first by serial number that are in a state and wanted.
func (c *change) pick(
	ctx context.Context, p migration.Plan, state migration.MoveState, most int, wanted func(migration.Move) bool,
) (serials []string, err error) {
	err = c.eachMoveIn(ctx, state, string(p.Tenant), p.ID, func(rec storage.Record, m moveRecord) (bool, error) {
		if m.State == state && wanted(m.Move) {
			c.movesSeen.takeRead(c, rec, m)
			serials = append(serials, m.Device.Serial)
		}
		return len(serials) < most, nil
	})
	return serials, err
}

// startBatch starts a batch and tells each of its moves in the same write.
func (r *Runner) startBatch(ctx context.Context, c *change, q migration.BatchRequest) error {
	q.Manual = r.cfg.Assigner == nil
	tr, err := migration.StartBatch(c.policy, c.now, q)
	if err != nil {
		return err
	}
	for _, serial := range q.Serials {
		m, err := c.move(ctx, moveID(q.Plan, serial))
		if err != nil {
			return err
		}
		if err := c.stepMove(ctx, m, migration.AssignStarted{Batch: q.ID, Deadline: tr.Batch.Deadline}); err != nil {
			return err
		}
		if m.Value.Batch != q.ID {
			return fmt.Errorf("%w: %s does not go along with a batch", storage.ErrInvalid, m.Value.ID)
		}
	}
	return c.addBatch(ctx, tr)
}
