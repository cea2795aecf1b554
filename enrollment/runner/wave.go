package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

var waveSpec = storage.Spec[migration.Wave]{
	Kind: KindWave, Schema: 1,
	Columns: func(w migration.Wave) storage.Columns {
		return storage.Columns{Parent: string(w.Plan), State: string(w.State), Wake: w.Wake()}
	},
}

// stepWave takes one event of a wave. What its devices learn, and the plan when it ends, is in the same write.
func (c *change) stepWave(ctx context.Context, w *tracked[migration.Wave], ev migration.WaveEvent) error {
	was := w.Value.State
	tr, err := w.Value.Step(c.policy, c.now, ev)
	if err != nil || !tr.Moved {
		return err
	}
	w.Value, w.moved = tr.Wave, true
	if err := c.tellNews(ctx, tr.Wave.Plan, tr.News); err != nil {
		return err
	}
	ended := was.Live() && !tr.Wave.State.Live()
	if !ended && len(tr.Audit) == 0 {
		return nil
	}
	p, err := c.plan(ctx, tr.Wave.Plan)
	if err != nil {
		return err
	}
	if ended {
		if err := c.stepPlan(ctx, p, tr.Wave.Ended()); err != nil {
			return err
		}
	}
	return appendFacts(ctx, c, string(p.Value.ID), &p.Value.Audit, &p.moved, tr.Audit)
}

func (c *change) waving(w *tracked[migration.Wave]) job {
	return job{
		record: w, moved: &w.moved,
		tick: func(ctx context.Context) error { return c.stepWave(ctx, w, migration.WaveTicked{}) },
		due:  func() []enrollment.Effect { return w.Value.Due(c.now) },
		// Waves send no notices: their plan does.
		notified: func(context.Context, enrollment.Result) error { return nil },
	}
}

// leadWave does an effect of a wave.
func (r *Runner) leadWave(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	switch x.Kind {
	case enrollment.CallTurns:
		return r.callTurns(k, x)
	case enrollment.ReleaseWipes:
		keeps, err := r.releaseAll(ctx, k)
		return feedWave(k, migration.WipesTried{Result: r.outcome(k, x, err), Keeps: keeps})
	}
	return func(ctx context.Context, c *change) error {
		w, err := c.wavesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		ev := migration.WaveCounted{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}}
		ev.Moves, err = c.movesOf(ctx, w.Value)
		if err != nil {
			return err
		}
		return c.stepWave(ctx, w, ev)
	}
}

// movesOf reads the moves of a wave, as far as there are some, without holding them.
func (m rooms) movesOf(ctx context.Context, w migration.Wave) (moves []migration.Move, err error) {
	var keys []storage.RecordKey
	for _, serial := range w.Serials() {
		keys = append(keys, m.moves.Key(string(w.Tenant), string(moveID(w.Plan, serial))))
	}
	found, err := m.store.GetMany(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		rec, there := found[k]
		if !there {
			continue
		}
		item, err := m.moves.Decode(ctx, rec)
		if err != nil {
			return nil, err
		}
		moves = append(moves, item.Value.Move)
	}
	return moves, nil
}

func feedWave(k storage.RecordKey, ev migration.WaveEvent) feed {
	return func(ctx context.Context, c *change) error {
		w, err := c.wavesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		return c.stepWave(ctx, w, ev)
	}
}

// callTurns calls devices into a wave: their turn to be wiped, or a batch that sets the deadline of their migration. All of it
// is one write with the wave.
func (r *Runner) callTurns(k storage.RecordKey, x enrollment.Effect) feed {
	return func(ctx context.Context, c *change) error {
		w, err := c.wavesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		p, err := c.plan(ctx, w.Value.Plan)
		if err != nil {
			return err
		}
		ev := migration.TurnsCalled{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}}
		missing := w.Value.Missing()
		if missing == 0 || p.Value.State != migration.PlanRunning || p.Value.Stopped {
			ev.Outcome = enrollment.Retry // it hears of that in a moment
			return c.stepWave(ctx, w, ev)
		}
		err = c.eachMove(ctx, k.Tenant, w.Value.Plan, func(rec storage.Record, m moveRecord) (bool, error) {
			switch {
			case w.Value.MayTake(m.Move):
				ev.Left++
			case len(ev.Called) < missing && w.Value.Takes(m.Move):
				c.movesSeen.takeRead(c, rec, m)
				ev.Called = append(ev.Called, m.Device.Serial)
			}
			return true, nil
		})
		if err == nil {
			err = r.call(ctx, c, w.Value, x, ev.Called)
		}
		if err != nil {
			return err
		}
		return c.stepWave(ctx, w, ev)
	}
}

// call tells devices that a wave takes them.
func (r *Runner) call(ctx context.Context, c *change, w migration.Wave, x enrollment.Effect, serials []string) error {
	if len(serials) == 0 {
		return nil
	}
	if w.Track == migration.TrackMigrations {
		m, err := c.move(ctx, moveID(w.Plan, serials[0]))
		if err != nil {
			return err
		}
		return r.startBatch(ctx, c, migration.BatchRequest{
			ID: string(x.ID) + "/" + c.now.Format("20060102T150405.000000"), Tenant: w.Tenant, Plan: w.Plan, Kind: enrollment.MigrateDevices,
			Route: m.Value.Route, Serials: serials, Deadline: c.now.Add(w.Deadline),
		})
	}
	for _, serial := range serials {
		m, err := c.move(ctx, moveID(w.Plan, serial))
		if err != nil {
			return err
		}
		if err := c.stepMove(ctx, m, migration.TurnCalled{Wave: w.Number}); err != nil {
			return err
		}
	}
	return nil
}
