package runner

import (
	"context"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// tellWithin is how long the word of what became of a wipe may take to be stored.
const tellWithin = 5 * time.Second

// releaseAll releases the wipes of a wave that are ready, one write for each, and sends each before the next is released. It
// returns what kept the first back that was not released.
func (r *Runner) releaseAll(ctx context.Context, k storage.RecordKey) (keeps migration.Waiting, err error) {
	if r.cfg.Wipes == nil { // it is configured on other machines, perhaps
		return keeps, r.planPorts(migration.Wipe)
	}
	w, err := r.waves.Get(ctx, k.Tenant, k.ID)
	if err != nil {
		return keeps, err
	}
	turns, err := r.callAgain(ctx, w.Value)
	if err != nil {
		return keeps, err
	}
	for _, serial := range turns {
		if ctx.Err() != nil {
			return keeps, context.Cause(ctx)
		}
		released, waits, err := r.release(ctx, w.Value, serial)
		if err != nil {
			return keeps, err
		}
		if released != nil {
			r.sendWipe(ctx, released.Move, *released.Send)
			continue
		}
		if keeps.Why == "" {
			keeps = waits
		}
		if waits.Why != "" && waits.Why != migration.WaitsDevice {
			break // it keeps all of them back
		}
	}
	return keeps, nil
}

// callAgain has devices confirmed anew of which the confirmation has grown old while something kept their wipes back. It
// returns the devices that seem to be in their turn; whether they are is seen when their wipe is released.
func (r *Runner) callAgain(ctx context.Context, w migration.Wave) (turns []string, err error) {
	moves, err := r.movesOf(ctx, w)
	if err != nil {
		return nil, err
	}
	moves = slices.DeleteFunc(moves, func(m migration.Move) bool { return m.Wave != w.Number || m.State != migration.MoveTurn })
	for _, m := range moves {
		turns = append(turns, m.Device.Serial)
	}
	return turns, r.change(ctx, w.Tenant, func(c *change) error {
		held, err := c.holdRelease(ctx, w.Plan, r.skew)
		if err != nil {
			return err
		}
		for _, serial := range held.Again(moves) {
			m, err := c.move(ctx, moveID(w.Plan, serial))
			if err != nil {
				return err
			}
			if m.Value.Wave != w.Number {
				continue
			}
			if err := c.stepMove(ctx, m, migration.TurnCalled{Wave: w.Number}); err != nil {
				return err
			}
		}
		return nil
	})
}

// release releases the wipe of one device, if everything allows it: the write holds the rules, the switches and the gate, and
// spends from both ledgers. Only where the store has said that this very write happened is the wipe sent: what is not known is
// left to the move, which asks.
func (r *Runner) release(ctx context.Context, w migration.Wave, serial string) (sent *migration.MoveTransition, waits migration.Waiting, err error) {
	err = r.changeCertainly(ctx, w.Tenant, func(c *change) error {
		sent, waits = nil, migration.Waiting{}
		m, err := c.move(ctx, moveID(w.Plan, serial))
		if err != nil {
			return err
		}
		if m.Value.State != migration.MoveTurn || m.Value.Wave != w.Number {
			return nil // it is not in its turn
		}
		held, err := c.holdRelease(ctx, w.Plan, r.skew)
		if err != nil {
			return err
		}
		released, why, ok := held.Of(m.Value.Move)
		if !ok {
			if waits = why; why.Why == migration.WaitsDevice {
				waits = held.spent(why)
			}
			return nil
		}
		held.spend(c, released)
		sent = &released.Move
		return c.applyMove(ctx, m, released.Move)
	})
	return sent, waits, err
}

// heldRelease is everything that the release of a wipe depends on, which the write holds.
type heldRelease struct {
	migration.Release
	own, whole *tracked[migration.Switch]
	mine, all  *tracked[migration.Ledger]
}

func (c *change) holdRelease(ctx context.Context, plan enrollment.PlanID, skew func(time.Time) time.Duration) (h heldRelease, err error) {
	h.Now, h.Skew = c.now, skew(c.now)
	if h.Policy, err = c.heldPolicy(ctx); err != nil {
		return h, err
	}
	h.Installation = c.installationPolicy()
	gate, err := c.gatesSeen.ensure(ctx, c, string(plan))
	if err != nil {
		return h, err
	}
	if c.tenant.Value.State == enrollment.TenantOpen { // else the gate is shut
		h.Gate = gate.Value
	}
	if h.own, err = c.killSwitch(ctx, c.tenant.Tenant); err != nil {
		return h, err
	}
	if h.whole, err = c.killSwitch(ctx, ""); err != nil {
		return h, err
	}
	if h.mine, err = c.ledger(ctx, c.tenant.Tenant); err != nil {
		return h, err
	}
	if h.all, err = c.ledger(ctx, ""); err != nil {
		return h, err
	}
	h.TenantSwitch, h.InstallationSwitch = h.own.Value, h.whole.Value
	h.TenantLedger, h.InstallationLedger = h.mine.Value, h.all.Value
	return h, nil
}

// spend puts both ledgers into the write. A store can lock what exists: a switch that nobody has touched yet, and rules that
// nobody has set, come into being here, or this write does not happen.
func (h heldRelease) spend(c *change, released migration.Released) {
	h.mine.Value, h.mine.moved = released.TenantLedger, true
	h.all.Value, h.all.moved = released.InstallationLedger, true
	h.own.moved, h.whole.moved, c.whole.moved = !h.own.found, !h.whole.found, !c.whole.found
}

// spent tells people which budget is spent, where otherwise they would be told that a device has to be confirmed anew: that is
// done when there is a budget for it.
func (h heldRelease) spent(otherwise migration.Waiting) migration.Waiting {
	for _, b := range []struct {
		why     migration.Why
		ledger  migration.Ledger
		allowed []enrollment.Allowance
	}{
		{migration.WaitsTenantBudget, h.TenantLedger, slices.Concat(h.Policy.Wipes.Budget, h.Gate.Budget)},
		{migration.WaitsInstallationBudget, h.InstallationLedger, h.Installation.Wipes.InstallationBudget},
	} {
		if b.ledger.Released.Left(h.Now, b.allowed) == 0 {
			return migration.Waiting{Why: b.why, Until: b.ledger.Released.Next(h.Now, b.allowed)}
		}
	}
	return otherwise
}

// skew is how far the store's clock is from Apple's. Where Apple's should be known and is not, it is too far.
func (r *Runner) skew(now time.Time) time.Duration {
	if r.cfg.AppleTime == nil {
		return 0
	}
	apple, known := r.cfg.AppleTime()
	if !known {
		return 2 * migration.MaxSkew
	}
	return now.Sub(apple)
}
