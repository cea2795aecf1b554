package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// Observe takes what happened to a device, as the host's MDM or Apple tells it: a check-in, an enrollment, the answer to a
// wipe. followed is false where no plan has anything to do with the device, which costs one read. Events may come late, twice
// and in any order.
func (t *Tenant) Observe(ctx context.Context, e enrollment.DeviceEvent) (followed bool, err error) {
	return t.r.observe(ctx, t.id, e)
}

// Observe takes what happened to a device, as [Tenant.Observe] does, inside the host's own transaction.
func (w *Within) Observe(ctx context.Context, e enrollment.DeviceEvent) (followed bool, err error) {
	return w.m.observe(storage.CachedOnly(ctx), e.Tenant, e)
}

// maxEnrollmentID bounds an enrollment ID that is taken from outside.
const maxEnrollmentID = 200

func (m rooms) observe(ctx context.Context, tenant enrollment.TenantID, e enrollment.DeviceEvent) (bool, error) {
	if err := validTenant(tenant); err != nil {
		return false, err
	}
	if e.Tenant == "" {
		e.Tenant = tenant
	}
	serial := enrollment.NormalSerial(e.Serial)
	switch {
	case e.Tenant != tenant:
		return false, invalid("tenant", "that of the call")
	case e.Serial != "" && serial == "":
		return false, invalid("serial", "a serial number as Apple writes it, or empty")
	case serial == "" && !validUDID(e.UDID):
		return false, invalid("udid", "the serial number or the enrollment ID of a device")
	}
	if serial == "" {
		item, found, err := find(ctx, m.udids, string(tenant), e.UDID)
		if err != nil || !found {
			return false, asProblem(err)
		}
		serial = item.Value.Serial
	}
	item, found, err := find(ctx, m.devices, string(tenant), serial)
	if err != nil || !found {
		return false, asProblem(err)
	}
	err = m.change(ctx, tenant, func(c *change) error {
		followed, err := c.move(ctx, item.Value.Move)
		if err != nil {
			return err
		}
		rested := !followed.Value.State.Live()
		if err := c.stepMove(ctx, followed, migration.Observed{DeviceEvent: e}); err != nil || !rested || !followed.Value.State.Live() {
			return err
		}
		p, err := c.plan(ctx, followed.Value.Plan)
		if err != nil {
			return err
		}
		return c.stepPlan(ctx, p, migration.DeviceRevived{})
	})
	return err == nil, err
}

func validUDID(udid string) bool {
	return udid != "" && len(udid) <= maxEnrollmentID && printable(udid)
}
