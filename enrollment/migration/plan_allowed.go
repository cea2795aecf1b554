package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Allowed returns what this actor may ask of the plan now, for the buttons of a user interface. Whether the new service is
// ready is seen only when they ask.
func (p Plan) Allowed(policy enrollment.Policy, now time.Time, by enrollment.Actor) []EventName {
	ready := Target{Health: enrollment.Active, Profile: p.Route.Profile}
	var allowed []EventName
	for _, ev := range []PlanEvent{
		SubmitRequested{By: by, Target: ready}, ApproveRequested{By: by, Digest: p.Digest}, RejectRequested{By: by}, StartRequested{By: by},
		PauseRequested{By: by}, ResumeRequested{By: by, Target: ready}, DeviceExcluded{By: by, Strategy: Nothing}, CancelRequested{By: by},
	} {
		if given, err := p.Step(policy, now, ev); err == nil && given.Moved {
			allowed = append(allowed, ev.Name())
		}
	}
	return allowed
}

// Allowed returns what this actor may ask of the proposal now, as it would be decided.
func (p Proposal) Allowed(now time.Time, about Proposable, by enrollment.Actor) []EventName {
	var allowed []EventName
	for _, ev := range []ProposalEvent{ApproveRequested{By: by, Digest: p.Digest}, RejectRequested{By: by}} {
		if given, err := p.Step(now, about, ev); err == nil && given.Moved {
			allowed = append(allowed, ev.Name())
		}
	}
	return allowed
}
