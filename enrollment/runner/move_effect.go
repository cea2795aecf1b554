package runner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// lookAfter does an effect of a device's move. A wipe is none of these: whoever releases it sends it.
func (r *Runner) lookAfter(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	if x.Kind == enrollment.MakePIN {
		return r.makePIN(k, x)
	}
	m, err := r.moves.Get(ctx, k.Tenant, k.ID)
	if err != nil {
		return failed(err)
	}
	return feedMove(k, r.askAbout(ctx, m.Value.Move, x))
}

func feedMove(k storage.RecordKey, ev migration.MoveEvent) feed {
	return func(ctx context.Context, c *change) error {
		m, err := c.movesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		return c.stepMove(ctx, m, ev)
	}
}

// askAbout asks a port about one device, and returns what it says.
func (r *Runner) askAbout(ctx context.Context, m migration.Move, x enrollment.Effect) migration.MoveEvent {
	impossible := enrollment.Result{Effect: x.ID, Outcome: enrollment.Fatal}
	if err := r.planPorts(migration.Wipe); err != nil && x.Kind != enrollment.ClearLock {
		impossible = r.outcome(storage.RecordKey{Kind: KindMove, Tenant: string(m.Tenant), ID: string(m.ID)}, x, err)
	} // the ports are configured on other machines, perhaps
	switch x.Kind {
	case enrollment.AskWipe:
		if r.cfg.Wipes == nil || x.Wipe == nil {
			return migration.WipeAsked{Result: impossible}
		}
		status, err := r.cfg.Wipes.WipeStatus(ctx, x.Wipe.Ref())
		return migration.WipeAsked{Result: r.asked(x, err), Status: status}
	case enrollment.RecallWipe:
		if r.cfg.Wipes == nil || x.Wipe == nil {
			return migration.WipeRecalled{Result: impossible}
		}
		return migration.WipeRecalled{Result: r.sent(x, r.cfg.Wipes.RecallWipe(ctx, x.Wipe.Ref()))}
	case enrollment.ClearLock:
		if r.cfg.Locks == nil {
			return migration.LockCleared{Result: impossible}
		}
		return migration.LockCleared{Result: r.sent(x, r.cfg.Locks.ClearActivationLock(ctx, m.Tenant, m.Device))}
	}
	if impossible.Outcome == enrollment.Retry {
		return migration.DeviceConfirmed{Result: impossible}
	}
	return r.confirm(ctx, m, x)
}

// confirm reads a device back from its new service and from the MDM that manages it.
func (r *Runner) confirm(ctx context.Context, m migration.Move, x enrollment.Effect) migration.MoveEvent {
	var ev migration.DeviceConfirmed
	err := func() error {
		to, err := r.serviceOf(ctx, m.Tenant, m.Route.To)
		if err != nil {
			return err
		}
		seen, err := r.cfg.Devices.Lookup(ctx, to, []string{m.Device.Serial})
		if err != nil {
			return retried(err) // that the service does not know the device is told in the answer
		}
		if len(seen) != 1 {
			return fmt.Errorf("runner: the service showed %d devices for one serial number", len(seen))
		}
		ev.Seen = seen[0]
		if ev.Can, err = r.cfg.Wipes.WipeAbilities(ctx, m.Tenant, m.Route.OldMDM); err != nil {
			return retried(err)
		}
		if r.cfg.Locks != nil {
			// What is not known of a lock is no reason against a wipe.
			if ev.Lock, err = r.cfg.Locks.ActivationLock(ctx, m.Tenant, m.Device); err != nil {
				ev.Lock = enrollment.ActivationLock{}
			}
		}
		ev.Facts, err = r.cfg.MDM.DeviceFacts(ctx, m.Tenant, m.Route.OldMDM, m.Device)
		return err
	}()
	ev.Result = r.asked(x, err)
	return ev
}

// retried makes no definite answer of an error: only the MDM's own word that it does not know a device is one.
func retried(err error) error {
	_, after := enrollment.Asked(err)
	return &enrollment.CallError{Outcome: enrollment.Retry, After: after, Err: err}
}

// makePIN makes the PIN of a wipe. It is in the store, sealed, in the write in which the move hears of it.
func (r *Runner) makePIN(k storage.RecordKey, x enrollment.Effect) feed {
	id := r.cfg.NewID("pin")
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	ev := migration.PINMade{Result: r.outcome(k, x, err), Secret: id}
	return func(ctx context.Context, c *change) error {
		m, err := c.movesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		if err := c.stepMove(ctx, m, ev); err != nil || m.Value.PIN != id {
			return err
		}
		return c.sealSecret(ctx, pinRef(m.Value.Move, id), fmt.Appendf(nil, "%06d", n))
	}
}

// openPIN reads the PIN of a wipe; zero: it needs none.
func (m rooms) openPIN(ctx context.Context, of migration.Move, id string) (enrollment.PIN, error) {
	if id == "" {
		return enrollment.PIN{}, nil
	}
	digits, err := m.vault.Open(ctx, pinRef(of, id))
	if err != nil {
		return enrollment.PIN{}, err
	}
	defer clear(digits)
	return enrollment.NewPIN(string(digits))
}

// sendWipe hands a wipe that was just released to the dispatcher, if it is still time, and tells the move. Nobody else sends
// it: should this process end now, the move takes it for one of which nobody knows whether it left.
func (r *Runner) sendWipe(ctx context.Context, m migration.Move, x enrollment.Effect) {
	ev := migration.WipeSent{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry}}
	pin, err := r.openPIN(ctx, m, x.Wipe.PIN)
	now, late := r.now(ctx)
	switch {
	case err != nil || late != nil:
		err = errors.Join(err, late)
		r.log.ErrorContext(ctx, "a wipe was not sent", "move", m.ID, "error", err)
		ev.Problem = enrollment.ProblemOf(asProblem(err))
	case !now.Before(x.Wipe.NotAfter):
		ev.Result = r.sent(x, enrollment.ErrTooLate)
	default:
		within, cancel := context.WithTimeout(ctx, x.Wipe.NotAfter.Sub(now))
		ev.Status, err = r.cfg.Wipes.Wipe(within, *x.Wipe, pin)
		cancel()
		ev.Result = r.sent(x, err)
	}
	// What became of it is told also where the host is shutting down.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
	defer cancel()
	k := r.moves.Key(string(m.Tenant), string(m.ID))
	if err := r.change(after, m.Tenant, func(c *change) error { return feedMove(k, ev)(after, c) }); err != nil {
		r.log.ErrorContext(ctx, "what became of a wipe was not stored", "move", m.ID, "error", err)
	}
}
