package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Ports are the ports of package enrollment that an MDM stands behind, over all MDMs of a world.
type Ports struct{ world *World }

var (
	_ enrollment.WipeDispatcher = Ports{}
	_ enrollment.DeviceReader   = Ports{}
	_ enrollment.LockClearer    = Ports{}
)

// Ports returns the ports.
func (w *World) Ports() Ports { return Ports{w} }

// errLost is what a caller sees whose request was carried out, and whose answer was lost.
var errLost = errors.New("fleet: the answer was lost")

// mdm finds an MDM that answers; it needs the lock.
func (p Ports) mdm(ctx context.Context, tenant enrollment.TenantID, id enrollment.MDMID) (*MDM, error) {
	m := p.world.find(tenant, id)
	switch {
	case ctx.Err() != nil:
		return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: ctx.Err()}
	case m == nil:
		return nil, fmt.Errorf("fleet: there is no MDM %q: %w", id, enrollment.ErrNoDevice)
	case m.down:
		return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: errDown}
	}
	return m, nil
}

// Wipe implements [enrollment.WipeDispatcher].
func (p Ports) Wipe(ctx context.Context, w enrollment.Wipe, pin enrollment.PIN) (enrollment.WipeStatus, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	m, err := p.mdm(ctx, w.Tenant, w.MDM)
	if err != nil {
		return enrollment.WipeStatus{}, err
	}
	now := p.world.clock()
	if !now.Before(w.NotAfter) {
		return enrollment.WipeStatus{}, enrollment.ErrTooLate
	}
	r := m.records[w.Device.UDID]
	if r == nil {
		return enrollment.WipeStatus{}, enrollment.ErrNoDevice
	}
	if c := m.commands[w.Command]; c != nil && !m.behavior.TakesRepeats {
		return c.status, enrollment.ErrRepeated
	}
	c := &command{wipe: w, pin: pin.Reveal(), status: enrollment.WipeStatus{State: enrollment.WipeQueued, At: now}}
	m.commands[w.Command] = c
	r.queue = append(r.queue, c)
	if m.behavior.LosesAnswers > 0 {
		m.behavior.LosesAnswers--
		return enrollment.WipeStatus{}, errLost
	}
	return c.status, nil
}

// WipeStatus implements [enrollment.WipeDispatcher].
func (p Ports) WipeStatus(ctx context.Context, w enrollment.WipeRef) (enrollment.WipeStatus, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	m, err := p.mdm(ctx, w.Tenant, w.MDM)
	switch {
	case err != nil:
		return enrollment.WipeStatus{}, err
	case m.behavior.NoStatus:
		return enrollment.WipeStatus{}, errors.ErrUnsupported
	}
	if c := m.commands[w.Command]; c != nil {
		return c.status, nil
	}
	return enrollment.WipeStatus{State: enrollment.WipeUnheard}, nil
}

// RecallWipe implements [enrollment.WipeDispatcher].
func (p Ports) RecallWipe(ctx context.Context, w enrollment.WipeRef) error {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	m, err := p.mdm(ctx, w.Tenant, w.MDM)
	switch {
	case err != nil:
		return err
	case m.behavior.NoRecall:
		return errors.ErrUnsupported
	}
	c := m.commands[w.Command]
	switch {
	case c == nil: // it never came here, and never will
		m.commands[w.Command] = &command{status: enrollment.WipeStatus{State: enrollment.WipeRecalled, At: p.world.clock()}}
		return nil
	case c.status.State == enrollment.WipeRecalled:
		return nil
	}
	r, before := m.records[c.wipe.Device.UDID], c.status.State
	r.queue = slices.DeleteFunc(r.queue, func(one *command) bool { return one == c })
	if before == enrollment.WipeQueued && c.taken || before != enrollment.WipeQueued && before != enrollment.WipeNotNow {
		return enrollment.ErrWipeTaken
	}
	c.status = enrollment.WipeStatus{State: enrollment.WipeRecalled, At: p.world.clock()}
	return nil
}

// WipeAbilities implements [enrollment.WipeDispatcher].
func (p Ports) WipeAbilities(_ context.Context, tenant enrollment.TenantID, id enrollment.MDMID) (enrollment.WipeAbilities, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	m := p.world.find(tenant, id)
	if m == nil {
		return enrollment.WipeAbilities{}, fmt.Errorf("fleet: there is no MDM %q: %w", id, enrollment.ErrNoDevice)
	}
	b := m.behavior
	return enrollment.WipeAbilities{RefusesRepeats: !b.TakesRepeats, Status: !b.NoStatus, Recall: !b.NoRecall, PIN: true, ReturnService: true}, nil
}

// DeviceFacts implements [enrollment.DeviceReader]: what the MDM believes, which may be out of date.
func (p Ports) DeviceFacts(ctx context.Context, tenant enrollment.TenantID, id enrollment.MDMID, asked enrollment.Device) (enrollment.DeviceFacts, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	m, err := p.mdm(ctx, tenant, id)
	if err != nil {
		return enrollment.DeviceFacts{}, err
	}
	r := m.records[asked.UDID]
	if asked.UDID == "" {
		for _, one := range m.records {
			if one.device.Serial == asked.Serial {
				r = one
			}
		}
	}
	if r == nil {
		return enrollment.DeviceFacts{}, enrollment.ErrNoDevice
	}
	isMac := r.spec.Family == enrollment.FamilyMac
	return enrollment.DeviceFacts{
		Device: r.device, MDM: m.id, Managed: known(r.managed), Supervised: known(!r.spec.Unsupervised),
		SharedIPad: known(r.spec.SharedIPad), ADEEnrolled: known(r.ade),
		AppleSilicon: known(isMac && !r.spec.OldMac), SecurityChip: known(false),
		ActivationLocked: known(p.world.byUDID[r.device.UDID].isLocked()),
		EnrolledAt:       r.enrolledAt, LastSeen: r.seen, ObservedAt: p.world.clock(),
	}, nil
}

// ActivationLock implements [enrollment.LockClearer].
func (p Ports) ActivationLock(ctx context.Context, _ enrollment.TenantID, device enrollment.Device) (enrollment.ActivationLock, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	d, err := p.device(ctx, device)
	if err != nil {
		return enrollment.ActivationLock{}, err
	}
	return enrollment.ActivationLock{Locked: known(d.isLocked()), Clearable: known(!d.spec.NoBypassCode)}, nil
}

// ClearActivationLock implements [enrollment.LockClearer]. A device that was stuck goes on.
func (p Ports) ClearActivationLock(ctx context.Context, _ enrollment.TenantID, device enrollment.Device) error {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	d, err := p.device(ctx, device)
	switch {
	case err != nil:
		return err
	case !d.isLocked():
		return nil
	case d.spec.NoBypassCode:
		return enrollment.ErrNoBypassCode
	}
	d.unlock()
	if d.state == Stuck {
		d.state, d.next = Erased, p.world.clock()
	}
	return nil
}

// device finds a device; it needs the lock.
func (p Ports) device(ctx context.Context, asked enrollment.Device) (*Device, error) {
	if ctx.Err() != nil {
		return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: ctx.Err()}
	}
	if d := p.world.bySerial[asked.Serial]; d != nil {
		return d, nil
	}
	return nil, enrollment.ErrNoDevice
}

func known(yes bool) enrollment.Known { return enrollment.KnownOf(&yes) }
