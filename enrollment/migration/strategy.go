package migration

import (
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Strategy is a way to move a device. Operators wish for one of [Auto], [Reassign], [Migrate] and [Wipe]; [Decide] answers
// with any but Auto.
type Strategy string

// The strategies, least harm first.
const (
	Auto     Strategy = "auto"     // a wish only: the way that does least harm
	Nothing  Strategy = "nothing"  // the device cannot be moved by us at all
	Reassign Strategy = "reassign" // new service and enrollment profile, then stop: it counts from the next erase
	Migrate  Strategy = "migrate"  // new service with a deadline, by which the device changes its MDM without an erase
	Hands    Strategy = "hands"    // new service and enrollment profile, then a person looks at the device
	Wipe     Strategy = "wipe"     // new service and enrollment profile, then an erase through the present MDM
)

// Wishes are what an operator may ask for.
func Wishes() []Strategy { return []Strategy{Auto, Reassign, Migrate, Wipe} }

// Harm orders strategies by what they do on the device without anybody looking at it: nothing, a change of its MDM, or the
// loss of its data.
func (s Strategy) Harm() int {
	switch s {
	case Migrate:
		return 1
	case Wipe:
		return 2
	}
	return 0
}

// Limits are what the operator wishes and the policy allows.
type Limits struct {
	Wish            Strategy `json:"wish,omitempty"` // empty: Auto
	Wipes           bool     `json:"wipes,omitempty"`
	ReturnToService bool     `json:"return_to_service,omitempty"` // set wiped devices up without hands where that exists
}

// Decision is the way that was chosen for one device.
type Decision struct {
	Strategy Strategy `json:"strategy"`
	Reasons  []Reason `json:"reasons,omitempty"` // for the operator, the weightiest first
	// Options and NeedsPIN are how it would be wiped.
	Options  enrollment.WipeOptions `json:"options,omitzero"`
	NeedsPIN bool                   `json:"needs_pin,omitempty"`
	// SharedAccepted: it may be wiped although it might be a Shared iPad.
	SharedAccepted bool `json:"shared_accepted,omitempty"`
}

// Decide chooses the way to move a device that does least harm, within what the operator wishes and the policy allows. It is
// a pure function of both.
//
// A wipe is never assumed: it takes a device that is known to be unable to migrate, or an operator who asked for it, and
// in both cases everything that Facts can know for it. A wish that cannot be fulfilled never becomes a more harmful way.
func Decide(f Facts, l Limits) Decision {
	if f.Apple.Released == enrollment.Yes {
		return Decision{Strategy: Nothing, Reasons: []Reason{NotOurs}}
	}
	switch l.Wish {
	case Reassign:
		return Decision{Strategy: Reassign, Reasons: []Reason{Wished, CountsFromErase}}
	case Migrate:
		return f.wishMigration(l)
	case Wipe:
		return f.wishWipe(l)
	}
	return f.gentlest(l)
}

// gentlest takes the first way that is possible, least harm first.
func (f Facts) gentlest(l Limits) Decision {
	if gentle, why := f.gentle(); gentle != Hands {
		return Decision{Strategy: gentle, Reasons: why}
	}
	capable, why := f.canMigrate()
	if capable == enrollment.NotKnown {
		// Perhaps it need not be erased at all: that is for Apple, or for a person, to say.
		return Decision{Strategy: Hands, Reasons: []Reason{why}}
	}
	against := f.noWipe(l)
	if len(against) > 0 {
		return Decision{Strategy: Hands, Reasons: with(against, why)}
	}
	return f.wipe(l, why)
}

// gentle is the way without an erase, or Hands where there is none.
func (f Facts) gentle() (Strategy, []Reason) {
	switch {
	case f.Arrived == enrollment.Yes:
		return Reassign, []Reason{Arrived}
	case !f.MDMChanges && f.MDM.Managed == enrollment.NotKnown:
		return Reassign, []Reason{MDMStays, ManagedUnknown}
	case !f.MDMChanges && f.MDM.Managed != enrollment.No:
		return Reassign, []Reason{MDMStays}
	}
	if capable, why := f.canMigrate(); f.MDMChanges && capable == enrollment.Yes {
		return Migrate, []Reason{why}
	}
	return Hands, nil
}

// wishMigration migrates where Apple does not say no.
func (f Facts) wishMigration(l Limits) Decision {
	capable, why := f.canMigrate()
	switch {
	case f.Arrived == enrollment.Yes:
		return Decision{Strategy: Reassign, Reasons: []Reason{Arrived}}
	case capable != enrollment.No:
		return Decision{Strategy: Migrate, Reasons: []Reason{Wished, why}}
	}
	gentle, also := f.gentle()
	return Decision{Strategy: gentle, Reasons: with([]Reason{why}, also...)}
}

// wishWipe wipes where nothing stands against it; else it is the gentlest way, with what stood against it.
func (f Facts) wishWipe(l Limits) Decision {
	if against := f.noWipe(l); len(against) > 0 {
		gentle, also := f.gentle()
		return Decision{Strategy: gentle, Reasons: with(against, also...)}
	}
	why := []Reason{Wished}
	if gentle, _ := f.gentle(); gentle != Hands {
		why = append(why, Gentler)
	}
	return f.wipe(l, why...)
}

func (f Facts) wipe(l Limits, why ...Reason) Decision {
	d := Decision{
		Strategy: Wipe, Reasons: append(why, Reaches), NeedsPIN: f.managed().NeedsPIN(), SharedAccepted: f.SharedAccepted,
		Options: enrollment.SafeWipe(f.device(), l.ReturnToService && f.Can.ReturnService),
	}
	if f.Lock.Locked == enrollment.Yes && f.Lock.Clearable != enrollment.Yes {
		d.Reasons = append(d.Reasons, LockStays)
	}
	return d
}

// with adds reasons to others, none twice.
func with(reasons []Reason, more ...Reason) []Reason {
	for _, r := range more {
		if !slices.Contains(reasons, r) {
			reasons = append(reasons, r)
		}
	}
	return reasons
}
