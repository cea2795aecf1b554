package migration

import "slices"

// PlanState is where a plan stands.
type PlanState string

// The states of a plan, each with what it waits for. STATES.md shows how they follow each other.
const (
	PlanDrafting   PlanState = "drafting"          // its list of devices, and a person who submits it
	PlanAwaiting   PlanState = "awaiting_approval" // persons other than the author
	PlanCooling    PlanState = "cooling"           // the end of the cooling period
	PlanRunning    PlanState = "running"           // its devices
	PlanPaused     PlanState = "paused"            // a person who resumes or cancels it
	PlanCancelling PlanState = "cancelling"        // what is under way to be taken back
	PlanCompleted  PlanState = "completed"         // nothing: every device has come to its end
	PlanRejected   PlanState = "rejected"          // nothing: somebody was against it
	PlanExpired    PlanState = "expired"           // nothing: nobody went on with it in time
	PlanCancelled  PlanState = "cancelled"         // nothing: somebody gave it up
)

var (
	livePlans    = []PlanState{PlanDrafting, PlanAwaiting, PlanCooling, PlanRunning, PlanPaused, PlanCancelling}
	restingPlans = []PlanState{PlanCompleted, PlanRejected, PlanExpired, PlanCancelled}
)

// PlanStates returns every state of a plan, the live ones first.
func PlanStates() []PlanState { return slices.Concat(livePlans, restingPlans) }

// Live reports whether the plan is still under way.
func (s PlanState) Live() bool { return slices.Contains(livePlans, s) }
