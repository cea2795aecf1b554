package runner_test

import (
	"context"
	"iter"

	"github.com/abmrenew/abmrenew/enrollment"
)

// mortalPorts are the ports by which devices move, as a process uses them.
type mortalPorts struct {
	*process
	world *mover
	locks enrollment.LockClearer
}

func (p mortalPorts) Assign(ctx context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	return port(p.process, "assign", func() (enrollment.Activity, error) { return p.world.Assign(ctx, r) })
}

func (p mortalPorts) Activity(ctx context.Context, tenant enrollment.TenantID, id string) (enrollment.Activity, error) {
	return port(p.process, "activity", func() (enrollment.Activity, error) { return p.world.Activity(ctx, tenant, id) })
}

func (p mortalPorts) AssignProfile(ctx context.Context, s enrollment.Service, profile string, serials []string) ([]enrollment.DeviceResult, error) {
	return port(p.process, "profile", func() ([]enrollment.DeviceResult, error) { return p.world.AssignProfile(ctx, s, profile, serials) })
}

func (p mortalPorts) HasProfile(ctx context.Context, s enrollment.Service, profile string) (enrollment.Known, error) {
	return port(p.process, "has_profile", func() (enrollment.Known, error) { return p.world.HasProfile(ctx, s, profile) })
}

func (p mortalPorts) Devices(ctx context.Context, s enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return p.world.Devices(ctx, s)
}

func (p mortalPorts) Lookup(ctx context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	return port(p.process, "lookup", func() ([]enrollment.AssignedDevice, error) { return p.world.Lookup(ctx, s, serials) })
}

func (p mortalPorts) Wipe(ctx context.Context, order enrollment.Wipe, pin enrollment.PIN) (enrollment.WipeStatus, error) {
	return port(p.process, "wipe", func() (enrollment.WipeStatus, error) { return p.world.Wipe(ctx, order, pin) })
}

func (p mortalPorts) WipeStatus(ctx context.Context, w enrollment.WipeRef) (enrollment.WipeStatus, error) {
	return port(p.process, "wipe_status", func() (enrollment.WipeStatus, error) { return p.world.WipeStatus(ctx, w) })
}

func (p mortalPorts) RecallWipe(ctx context.Context, w enrollment.WipeRef) error {
	_, err := port(p.process, "recall", func() (struct{}, error) { return struct{}{}, p.world.RecallWipe(ctx, w) })
	return err
}

func (p mortalPorts) WipeAbilities(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID) (enrollment.WipeAbilities, error) {
	return port(p.process, "abilities", func() (enrollment.WipeAbilities, error) { return p.world.WipeAbilities(ctx, tenant, mdm) })
}

func (p mortalPorts) DeviceFacts(
	ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device,
) (enrollment.DeviceFacts, error) {
	return port(p.process, "facts", func() (enrollment.DeviceFacts, error) { return p.world.DeviceFacts(ctx, tenant, mdm, d) })
}

func (p mortalPorts) ActivationLock(ctx context.Context, tenant enrollment.TenantID, d enrollment.Device) (enrollment.ActivationLock, error) {
	return port(p.process, "lock", func() (enrollment.ActivationLock, error) { return p.locks.ActivationLock(ctx, tenant, d) })
}

func (p mortalPorts) ClearActivationLock(ctx context.Context, tenant enrollment.TenantID, d enrollment.Device) error {
	_, err := port(p.process, "unlock", func() (struct{}, error) { return struct{}{}, p.locks.ClearActivationLock(ctx, tenant, d) })
	return err
}
