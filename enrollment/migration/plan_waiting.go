package migration

import (
	"slices"
	"time"
)

// Why says why a plan, or the wipe of a device in it, does not go on. The list is closed; a host that speaks another language
// translates the code.
type Why string

// What is waited for.
const (
	WaitsList               Why = "list"
	WaitsSubmission         Why = "submission"
	WaitsApproval           Why = "approval"
	WaitsCooling            Why = "cooling"
	WaitsPause              Why = "paused"
	WaitsFailures           Why = "failures"
	WaitsService            Why = "service_gone"
	WaitsProfile            Why = "profile_gone"
	WaitsPush               Why = "push_lost"
	WaitsWipesOff           Why = "wipes_off"
	WaitsTenantSwitch       Why = "kill_switch"
	WaitsInstallationSwitch Why = "installation_kill_switch"
	WaitsTenantBudget       Why = "budget"
	WaitsInstallationBudget Why = "installation_budget"
	WaitsClock              Why = "clock"
	WaitsGate               Why = "gate"
	WaitsDevice             Why = "device"
	WaitsWave               Why = "wave"
	WaitsDevices            Why = "devices"
	WaitsApple              Why = "apple"
	WaitsPosts              Why = "api_budget"
	WaitsPortal             Why = "portal"
	WaitsEnd                Why = "ending"
)

var whys = map[Why]string{
	WaitsList:               "The list of devices is still being made",
	WaitsSubmission:         "Nobody has submitted the plan yet",
	WaitsApproval:           "Somebody other than the author has to approve it",
	WaitsCooling:            "It was approved and begins when the cooling period is over",
	WaitsPause:              "Somebody paused it",
	WaitsFailures:           "It paused by itself, because too many devices failed",
	WaitsService:            "The new service is gone at Apple",
	WaitsProfile:            "The new service does not have the enrollment profile of the plan any more",
	WaitsPush:               "The push certificate of the present MDM does not work, so no wipe reaches a device; the rest goes on",
	WaitsWipesOff:           "The policy allows no wipes any more",
	WaitsTenantSwitch:       "The tenant's kill switch is thrown",
	WaitsInstallationSwitch: "The installation's kill switch is thrown",
	WaitsTenantBudget:       "The tenant's budget of wipes is spent",
	WaitsInstallationBudget: "The installation's budget of wipes is spent",
	WaitsClock:              "The clock of the store differs from Apple's by more than five minutes",
	WaitsGate:               "The plan lets no wipe through now",
	WaitsDevice:             "The device has to be confirmed anew before its wipe",
	WaitsWave:               "Enough devices of the present wave have to enroll first",
	WaitsDevices:            "The devices go their way",
	WaitsApple:              "Apple works on it",
	WaitsPosts:              "As much was asked of Apple's API in this hour as the policy allows",
	WaitsPortal:             "Somebody has to assign the devices at Apple's portal",
	WaitsEnd:                "What is under way is taken back, or comes to its end",
}

// Whys returns everything that is waited for, sorted.
func Whys() []Why {
	all := make([]Why, 0, len(whys))
	for w := range whys {
		all = append(all, w)
	}
	slices.Sort(all)
	return all
}

// Text says it in English.
func (w Why) Text() string { return whys[w] }

// Waiting is why nothing moves, and until when at least; the zero Waiting: nothing is waited for.
type Waiting struct {
	Why   Why       `json:"why,omitempty"`
	Until time.Time `json:"until,omitzero"` // zero: that does not depend on time
}
