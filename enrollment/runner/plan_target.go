package runner

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// target is the new service of a route as it is now; has says whether it has the enrollment profile.
func (c *change) target(ctx context.Context, route migration.Route, has enrollment.Known) (migration.Target, error) {
	s, err := c.server(ctx, route.To)
	if err != nil {
		return migration.Target{}, err
	}
	target := migration.Target{Name: s.Value.Name, Health: s.Value.Watch.Health(c.policy, c.now)}
	if has != enrollment.No {
		target.Profile = route.Profile
	}
	if s.Value.Retired() {
		return target, enrollment.NewProblem(enrollment.CodeRetired)
	}
	return target, nil
}

// profileOf asks whether the new service of a plan has the plan's enrollment profile.
func (t *Tenant) profileOf(ctx context.Context, id enrollment.PlanID) (enrollment.Known, error) {
	c, err := t.look(ctx)
	if err != nil {
		return enrollment.NotKnown, err
	}
	p, err := c.plan(ctx, id)
	if err != nil {
		return enrollment.NotKnown, asProblem(err)
	}
	return t.r.hasProfile(ctx, t.id, p.Value.Route)
}

// hasProfile asks the new service of a route whether it has the enrollment profile. Nobody who could be asked, or Apple's silence,
// is NotKnown, and stops nobody: that is seen before any wipe, where the service has to show the profile with each device.
func (r *Runner) hasProfile(ctx context.Context, tenant enrollment.TenantID, route migration.Route) (enrollment.Known, error) {
	reader, reads := r.cfg.Profiles.(enrollment.ProfileReader)
	if !reads || route.Profile == "" {
		return enrollment.NotKnown, nil
	}
	c, err := r.Tenant(tenant).look(ctx)
	if err != nil {
		return enrollment.NotKnown, err
	}
	target, err := c.target(ctx, route, enrollment.NotKnown)
	_, told := errors.AsType[*enrollment.Problem](err)
	if told || err == nil && target.Health != enrollment.Active && target.Health != enrollment.Expiring {
		return enrollment.NotKnown, nil // that it is not ready is for others to say
	}
	var to enrollment.Service
	if err == nil {
		to, err = r.serviceOf(ctx, tenant, route.To)
	}
	if err != nil {
		return enrollment.NotKnown, asProblem(err)
	}
	has, err := reader.HasProfile(ctx, to, route.Profile)
	if err != nil {
		r.log.WarnContext(ctx, "a service could not be asked for an enrollment profile", "server", route.To, "error", err)
		return enrollment.NotKnown, ctx.Err()
	}
	return has, nil
}
