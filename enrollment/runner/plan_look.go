package runner

import (
	"context"
	"slices"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

const (
	// mostLooked is how many devices one look asks the new service about, in calls of at most enrollment.MaxBatch each: the next
	// look goes on behind them.
	mostLooked = 5 * enrollment.MaxBatch
	// mostReads is how many devices of one call are read from the new MDM, one by one: only those are that fetched the new
	// service's profile, and of which the MDM has said nothing.
	mostReads = 100
)

// lookAround looks for devices of a plan that are to come back, and tells their moves what is seen.
func (r *Runner) lookAround(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	p, err := r.plans.Get(ctx, k.Tenant, k.ID)
	if err != nil {
		return failed(err)
	}
	to, err := r.serviceOf(ctx, p.Value.Tenant, p.Value.Route.To)
	if err == nil {
		err = r.planPorts("")
	}
	ev := migration.Looking{}
	if err == nil {
		ev.Away, ev.Next, err = r.lookFrom(ctx, p.Value.Plan, to)
	}
	ev.Result = r.asked(x, err)
	return whereGone(err, p.Value.ID, feedPlan(k, ev))
}

// lookFrom looks behind where the last look has come, and returns at how many devices, and from where the next goes on; empty: all
// were looked at.
func (r *Runner) lookFrom(ctx context.Context, p migration.Plan, to enrollment.Service) (n int, next string, err error) {
	var moves []migration.Move
	var behind storage.Position
	if p.Looked != "" {
		behind = storage.Position{Tenant: string(p.Tenant), ID: string(moveID(p.ID, p.Looked))}
	}
	q := storage.Query{Kind: KindMove, Tenant: string(p.Tenant), Parent: string(p.ID), After: behind}
	err = r.eachPage(ctx, q, func(page []storage.Record) (bool, error) {
		for _, rec := range page {
			if !slices.Contains(migration.AwayStates(), migration.MoveState(rec.State)) {
				continue
			}
			item, err := r.moves.Decode(ctx, rec)
			if err != nil {
				return false, err
			}
			moves = append(moves, item.Value.Move)
			if len(moves) < min(enrollment.MaxBatch, r.mostLooked) {
				continue
			}
			if err := r.lookAt(ctx, to, moves); err != nil {
				return false, err
			}
			n, moves = n+len(moves), nil
			if n >= r.mostLooked {
				next = strings.TrimPrefix(rec.ID, string(moveID(p.ID, "")))
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil || len(moves) == 0 {
		return n, next, err
	}
	return n + len(moves), "", r.lookAt(ctx, to, moves)
}

// lookAt looks at some devices, and tells those of which something new is seen.
func (r *Runner) lookAt(ctx context.Context, to enrollment.Service, moves []migration.Move) error {
	serials := make([]string, len(moves))
	for i, m := range moves {
		serials[i] = m.Device.Serial
	}
	seen, err := r.cfg.Devices.Lookup(ctx, to, serials)
	if err != nil {
		return err
	}
	of := make(map[string]enrollment.AssignedDevice, len(seen))
	for _, d := range seen {
		of[d.Serial] = d
	}
	reads := mostReads
	for _, m := range moves {
		d, shown := of[m.Device.Serial]
		if !shown {
			continue
		}
		news := []migration.MoveEvent{migration.ReadBack{Seen: d}}
		if cameBack(m, d) && reads > 0 {
			reads--
			if e, enrolled := r.enrolledThere(ctx, m); enrolled {
				news = append(news, migration.Observed{DeviceEvent: e})
			}
		}
		if err := r.tellNewsOf(ctx, m, news); err != nil {
			return err
		}
	}
	return nil
}

// cameBack reports whether Apple shows that the device was set up by the new service's profile since its move asked for that, or
// that its migration is done.
func cameBack(m migration.Move, d enrollment.AssignedDevice) bool {
	return d.Assigned == enrollment.Yes &&
		(d.Migration == enrollment.MigrationSucceeded || !m.AskedAt.IsZero() && (d.ProfilePushed.After(m.AskedAt) || m.Fetched.After(m.AskedAt)))
}

// enrolledThere asks the new MDM whether the device has enrolled, where the message that says so was lost. What the MDM does not
// say when it happened may have happened before.
func (r *Runner) enrolledThere(ctx context.Context, m migration.Move) (enrollment.DeviceEvent, bool) {
	if r.cfg.MDM == nil {
		return enrollment.DeviceEvent{}, false
	}
	facts, err := r.cfg.MDM.DeviceFacts(ctx, m.Tenant, m.Route.NewMDM, m.Device)
	if err != nil || facts.Managed != enrollment.Yes || facts.MDM != m.Route.NewMDM || facts.EnrolledAt.IsZero() ||
		enrollment.NormalSerial(facts.Serial) != m.Device.Serial {
		return enrollment.DeviceEvent{}, false
	}
	return enrollment.DeviceEvent{
		Kind: enrollment.DeviceEnrolled, Tenant: m.Tenant, Serial: m.Device.Serial, MDM: m.Route.NewMDM, At: facts.EnrolledAt,
	}, true
}

// tellNewsOf tells a move what is new to it; what is not costs no write.
func (r *Runner) tellNewsOf(ctx context.Context, m migration.Move, news []migration.MoveEvent) error {
	c, err := r.newChange(ctx, m.Tenant)
	if err != nil {
		return err
	}
	moved := false
	for _, ev := range news {
		tr, err := m.Step(c.policy, c.now, ev)
		if err != nil {
			return err
		}
		m, moved = tr.Move, moved || tr.Moved
	}
	if !moved {
		return nil
	}
	return r.change(ctx, m.Tenant, func(c *change) error {
		fresh, err := c.move(ctx, m.ID)
		for _, ev := range news {
			if err == nil {
				err = c.stepMove(ctx, fresh, ev)
			}
		}
		return err
	})
}
