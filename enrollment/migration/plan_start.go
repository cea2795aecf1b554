package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// PlanRequest is what a plan starts from.
type PlanRequest struct {
	ID       enrollment.PlanID
	Tenant   enrollment.TenantID
	Route    Route
	Wish     Strategy      // empty: Auto
	Deadline time.Duration // of migrations; zero: the policy's
	Target   Target
	By       enrollment.Actor
}

// StartPlan returns a new plan, which waits for its list of devices. The error is a [*enrollment.Problem].
func StartPlan(policy enrollment.Policy, now time.Time, q PlanRequest) (PlanTransition, error) {
	if q.Wish == "" {
		q.Wish = Auto
	}
	if q.Deadline == 0 {
		q.Deadline = policy.MigrationDeadline
	}
	if err := q.validate(policy); err != nil {
		return PlanTransition{}, err
	}
	at := outbox.Instant(now)
	s := planStep{policy: policy, now: at, Plan: Plan{
		ID: q.ID, Tenant: q.Tenant, State: PlanDrafting, Revision: 1, CreatedBy: q.By, CreatedAt: at, Route: q.Route, Wish: q.Wish,
		Deadline: q.Deadline, Caps: CapsOf(policy.Wipes), LapseAt: at.Add(policy.UploadWithin),
	}}
	s.say(enrollment.ActPlanMade, q.By, "from", string(q.Route.From), "to", string(q.Route.To), "wish", string(q.Wish))
	return s.transition(Gate{}), nil
}

func (q PlanRequest) validate(policy enrollment.Policy) error {
	if q.Route.To != "" && q.Route.To == q.Route.From {
		return enrollment.NewProblem(enrollment.CodeSameServer)
	}
	p := policy
	p.MigrationDeadline = q.Deadline
	if err := p.Validate(); err != nil {
		return err
	}
	for _, c := range [...]struct {
		wrong       bool
		field, rule string
	}{
		{q.ID == "", "id", "not empty"},
		{!q.By.Valid(), "actor", "somebody"},
		{q.Route.To == "", "to", "the server that the devices go to"},
		{q.Route.OldMDM == "" || q.Route.NewMDM == "", "mdm", "the MDM of both services"},
		{q.Wish != Auto && q.Wish != Reassign && q.Wish != Migrate && q.Wish != Wipe, "strategy", "auto, reassign, migrate or wipe"},
	} {
		if c.wrong {
			return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", c.field, "rule", c.rule)
		}
	}
	if q.Wish == Wipe && !policy.Wipes.On {
		return enrollment.NewProblem(enrollment.CodeWipesOff)
	}
	if problem := q.Target.wrong(q.Route); problem != nil {
		return problem
	}
	return nil
}
