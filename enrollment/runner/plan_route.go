package runner

import (
	"context"
	"errors"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// pushWord is what the host told of an MDM's push certificate.
type pushWord struct {
	Lost bool      `json:"lost,omitempty"`
	At   time.Time `json:"at,omitzero"`
}

// ObserveRoute takes what happened to an MDM or a service between which devices move, and tells the plans that depend on it:
// while the push certificate of the present MDM is dead no wipe is released, and once it works again what waits is confirmed
// anew; a plan to a service that is gone pauses. It returns how many plans there are under way. Events may come late, twice and
// in any order. Of a push certificate that is kept here nobody has to tell, if the plan relies on it: see [NewPlan].
func (t *Tenant) ObserveRoute(ctx context.Context, e enrollment.RouteEvent) (plans int, err error) {
	return t.r.observeRoute(ctx, t.id, e)
}

// ObserveRoute takes what happened to an MDM or a service, as [Tenant.ObserveRoute] does, inside the host's own transaction.
func (w *Within) ObserveRoute(ctx context.Context, e enrollment.RouteEvent) (plans int, err error) {
	return w.m.observeRoute(storage.CachedOnly(ctx), e.Tenant, e)
}

func (m rooms) observeRoute(ctx context.Context, tenant enrollment.TenantID, e enrollment.RouteEvent) (plans int, err error) {
	if err := validTenant(tenant); err != nil {
		return 0, err
	}
	push := e.Kind == enrollment.RoutePushLost || e.Kind == enrollment.RoutePushRestored
	switch {
	case e.Tenant != "" && e.Tenant != tenant:
		return 0, invalid("tenant", "that of the call")
	case !push && e.Kind != enrollment.RouteServiceGone:
		return 0, invalid("kind", "push_lost, push_restored or service_gone")
	case push && e.MDM == "":
		return 0, invalid("mdm", "the MDM whose push certificate it is")
	case !push && e.Server == "":
		return 0, invalid("server", "the server that stands for the service")
	}
	err = m.eachOf(ctx, KindPlan, string(tenant), "", func(page []storage.Record) (bool, error) {
		for _, rec := range page {
			if !migration.PlanState(rec.State).Live() {
				continue
			}
			told := false
			err := m.change(ctx, tenant, func(c *change) (err error) {
				told, err = c.observeRoute(ctx, rec.ID, e)
				return err
			})
			if err != nil {
				return false, err
			}
			if told {
				plans++
			}
		}
		return true, nil
	})
	return plans, asProblem(err)
}

// observeRoute tells one plan; false: it has nothing to do with it.
func (c *change) observeRoute(ctx context.Context, id string, e enrollment.RouteEvent) (told bool, err error) {
	p, err := c.plansSeen.get(ctx, c, id)
	if err != nil {
		return false, err
	}
	if e.Kind == enrollment.RouteServiceGone {
		if p.Value.Route.To != e.Server {
			return false, nil
		}
		return true, c.stepPlan(ctx, p, migration.ServiceGone{})
	}
	if p.Value.Route.OldMDM != e.MDM {
		return false, nil
	}
	at := storage.Instant(e.At)
	if e.At.IsZero() || at.After(c.now) {
		at = c.now // a clock that is ahead moves nothing into the future
	}
	if lost := e.Kind == enrollment.RoutePushLost; at.After(p.Value.Push.At) {
		p.Value.Push, p.moved = pushWord{Lost: lost, At: at}, true
	}
	return true, c.tellPush(ctx, p)
}

// tellRoute tells a plan what is known here of where its devices come from and go to.
func (c *change) tellRoute(ctx context.Context, p *tracked[planRecord]) error {
	if !p.Value.State.Live() {
		return nil
	}
	if err := c.tellPush(ctx, p); err != nil {
		return err
	}
	to, err := c.servers.Get(ctx, c.tenant.Tenant, string(p.Value.Route.To))
	if err == nil && to.Value.Retired() || errors.Is(err, storage.ErrNotFound) {
		return c.stepPlan(ctx, p, migration.ServiceGone{})
	}
	return err
}

// tellPush tells a plan whether commands of the present MDM can reach devices, as far as its push certificate goes: by what the
// host told, and by what is known of the one that is kept here, if the plan relies on that.
func (c *change) tellPush(ctx context.Context, p *tracked[planRecord]) error {
	lost := p.Value.Push.Lost
	if !lost && p.Value.How.Reached == enrollment.NotKnown {
		works, err := c.pushWorks(ctx, enrollment.TenantID(c.tenant.Tenant), c.policy, c.now)
		if err != nil {
			return err
		}
		lost = works == enrollment.No
	}
	if lost {
		return c.stepPlan(ctx, p, migration.PushLost{})
	}
	return c.stepPlan(ctx, p, migration.PushRestored{})
}

// pushWorks says whether the push certificate that serves a tenant works, by its end and by what Apple answered last for certain.
func (m rooms) pushWorks(ctx context.Context, tenant enrollment.TenantID, policy enrollment.Policy, now time.Time) (enrollment.Known, error) {
	serving, err := m.pushFor(ctx, tenant, m.account)
	if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) || err == nil && serving.Certificate == nil {
		return enrollment.NotKnown, nil
	}
	if err != nil {
		return enrollment.NotKnown, err
	}
	push, err := m.pushes.Get(ctx, string(serving.Tenant), string(serving.ID))
	if err != nil {
		return enrollment.NotKnown, err
	}
	switch push.Value.Watch.Health(policy, now) {
	case enrollment.Active, enrollment.Expiring:
		return enrollment.Yes, nil
	case enrollment.Expired, enrollment.Rejected:
		return enrollment.No, nil
	}
	return enrollment.NotKnown, nil
}
