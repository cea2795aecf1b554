package runner

import (
	"context"
	"errors"
	"iter"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// decidedRow is a row with the way that was chosen for its device, or with what is wrong with it.
type decidedRow struct {
	row
	listed  migration.Listed
	problem *enrollment.Problem
}

// decide asks the ports what is known of some devices, and chooses for each the way that does it least harm. An error is worth
// another attempt: what could not be asked is not guessed.
func (r *Runner) decide(ctx context.Context, p planRecord, rows []row) ([]decidedRow, error) {
	limits, known, err := r.limits(ctx, p)
	if err != nil {
		return nil, err
	}
	apple, err := r.appleFacts(ctx, p.Plan, rows)
	if err != nil {
		return nil, err
	}
	decided := make([]decidedRow, 0, len(rows))
	for _, one := range rows {
		d := decidedRow{row: one}
		f := known
		f.SharedAccepted = one.SharedAccepted
		f.Apple = apple[one.Serial]
		if f.Apple.Serial == "" && p.Route.From != "" {
			d.problem = enrollment.NewProblem(enrollment.CodeNotFound, "what", "device at either service")
		} else {
			f.Device = one.device().Refreshed(f.Apple.Device)
			if err := r.mdmFacts(ctx, p.Plan, &f); err != nil {
				return nil, err
			}
			if there := f.MDM.Serial; there != "" && enrollment.NormalSerial(there) != one.Serial { // the list has another's UDID
				d.problem = enrollment.NewProblem(enrollment.CodeDeviceMismatch, "field", "serial number", "was", one.Serial, "now", plainWords(there))
			}
			f.Device = f.Device.Refreshed(f.MDM.Device)
			d.listed = migration.Listed{Device: f.Device, Decision: migration.Decide(f, limits)}
		}
		decided = append(decided, d)
	}
	return decided, nil
}

// limits are what the operator and the policy allow, and what is known of all devices alike.
func (r *Runner) limits(ctx context.Context, p planRecord) (migration.Limits, migration.Facts, error) {
	known := migration.Facts{MDMChanges: !p.Route.OneMDM(), Reached: p.How.Reached}
	c, err := r.newChange(ctx, p.Tenant)
	if err != nil {
		return migration.Limits{}, known, err
	}
	can := r.cfg.Wipes != nil && r.cfg.MDM != nil
	if can {
		if known.Can, err = r.cfg.Wipes.WipeAbilities(ctx, p.Tenant, p.Route.OldMDM); err != nil {
			return migration.Limits{}, known, unreached(err)
		}
	}
	if known.Reached == enrollment.NotKnown {
		if known.Reached, err = r.pushWorks(ctx, p.Tenant, c.policy, c.now); err != nil {
			return migration.Limits{}, known, err
		}
	}
	if p.Push.Lost {
		known.Reached = enrollment.No
	}
	return migration.Limits{Wish: p.Wish, Wipes: can && c.policy.Wipes.On, ReturnToService: p.How.ReturnToService}, known, nil
}

// appleFacts asks the service that the devices are assigned to, and for the others the new one. Where the old service is gone,
// only the new one can be asked.
func (r *Runner) appleFacts(ctx context.Context, p migration.Plan, rows []row) (map[string]enrollment.AssignedDevice, error) {
	seen := map[string]enrollment.AssignedDevice{}
	var serials []string
	for _, one := range rows {
		serials = append(serials, one.Serial)
	}
	for _, server := range []enrollment.ServerID{p.Route.From, p.Route.To} {
		if server == "" || len(serials) == 0 {
			continue
		}
		service, err := r.serviceOf(ctx, p.Tenant, server)
		if err != nil {
			return nil, err
		}
		found, err := r.cfg.Devices.Lookup(ctx, service, serials)
		if err != nil {
			return nil, unreached(err)
		}
		serials = nil
		for _, d := range found {
			if d.Assigned == enrollment.Yes || d.Released == enrollment.Yes {
				seen[d.Serial] = d
			} else {
				serials = append(serials, d.Serial)
			}
		}
	}
	return seen, nil
}

// mdmFacts asks both MDMs about a device. That one does not know it is an answer.
func (r *Runner) mdmFacts(ctx context.Context, p migration.Plan, f *migration.Facts) (err error) {
	if r.cfg.MDM == nil {
		return nil
	}
	f.MDM, err = r.cfg.MDM.DeviceFacts(ctx, p.Tenant, p.Route.OldMDM, f.Device)
	switch {
	case errors.Is(err, enrollment.ErrNoDevice):
		f.MDM = enrollment.DeviceFacts{MDM: p.Route.OldMDM, Managed: enrollment.No}
	case err != nil:
		return unreached(err)
	}
	if !p.Route.OneMDM() {
		there, err := r.cfg.MDM.DeviceFacts(ctx, p.Tenant, p.Route.NewMDM, f.Device)
		switch {
		case errors.Is(err, enrollment.ErrNoDevice):
			f.Arrived = enrollment.No
		case err != nil:
			return unreached(err)
		default:
			f.Arrived = there.Managed
		}
	}
	if r.cfg.Locks == nil {
		return nil
	}
	if f.Lock, err = r.cfg.Locks.ActivationLock(ctx, p.Tenant, f.Device); err != nil && !errors.Is(err, enrollment.ErrNoDevice) {
		return unreached(err)
	}
	return nil
}

// unreached is the problem of a port that did not answer. One that knows better what is the matter says so itself.
func unreached(err error) error {
	_, told := errors.AsType[*enrollment.Problem](err)
	if told || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return silent(err.Error()).Because(err)
}

// DryRow is what a plan would do with one device.
type DryRow struct {
	Row      int
	Device   enrollment.Device
	Decision migration.Decision // with its reasons
	Problem  *enrollment.Problem
}

// DryRun shows device by device what a plan would do, and why, or why there can be none. Nothing is stored, and nothing is
// asked of Apple but to show the devices.
func (t *Tenant) DryRun(ctx context.Context, q NewPlan, rows iter.Seq2[PlanRow, error]) iter.Seq2[DryRow, error] {
	return func(yield func(DryRow, error) bool) {
		q, err := t.possible(ctx, q)
		if err != nil {
			yield(DryRow{}, err)
			return
		}
		plan := planRecord{
			Plan: migration.Plan{Tenant: t.id, Route: q.Route, Wish: q.Wish},
			How:  planLimits{Reached: q.Reached, ReturnToService: q.ReturnToService},
		}
		var chunk []row
		n := 0
		show := func() bool {
			decided, err := t.r.decide(ctx, plan, chunk)
			if err != nil {
				yield(DryRow{}, asProblem(err))
				return false
			}
			chunk = nil
			for _, d := range decided {
				out := DryRow{Row: d.at, Device: d.listed.Device, Decision: d.listed.Decision, Problem: d.problem}
				out.Device.Serial = d.Serial
				if !yield(out, nil) {
					return false
				}
			}
			return true
		}
		for r, err := range rows {
			n++
			if err != nil {
				yield(DryRow{}, err)
				return
			}
			r, problem := r.checked()
			if problem != nil {
				if !yield(DryRow{Row: n, Device: enrollment.Device{Serial: r.Serial}, Problem: problem}, nil) {
					return
				}
				continue
			}
			if chunk = append(chunk, row{r, n}); len(chunk) == enrollment.MaxBatch && !show() {
				return
			}
		}
		if len(chunk) > 0 {
			show()
		}
	}
}

// possible completes a plan that could be made now.
func (t *Tenant) possible(ctx context.Context, q NewPlan) (NewPlan, error) {
	c, err := t.look(ctx)
	if err != nil {
		return q, err
	}
	if err := t.r.planPorts(q.Wish); err != nil {
		return q, err
	}
	if q, err = c.routed(ctx, q); err == nil {
		_, err = c.draft(ctx, enrollment.Nobody, "dry-run", q, enrollment.NotKnown)
	}
	return q, asProblem(err)
}
