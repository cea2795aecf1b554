package migration

import "github.com/abmrenew/abmrenew/enrollment"

// Facts are what is known of one device when the way to move it is chosen. What nobody was asked for, or did not answer, is
// zero; it is never taken for a yes where a wipe would follow.
type Facts struct {
	Device enrollment.Device         `json:"device"`             // as the plan's list has it
	Apple  enrollment.AssignedDevice `json:"apple,omitzero"`     // as Apple tells
	MDM    enrollment.DeviceFacts    `json:"mdm,omitzero"`       // as the present MDM tells
	Lock   enrollment.ActivationLock `json:"lock,omitzero"`      // its Activation Lock
	Can    enrollment.WipeAbilities  `json:"abilities,omitzero"` // of the present MDM's dispatcher

	// MDMChanges: the new service stands for another MDM, so the device must enroll again.
	MDMChanges bool `json:"mdm_changes,omitempty"`
	// Arrived: it is enrolled at the new MDM already.
	Arrived enrollment.Known `json:"arrived,omitempty"`
	// Reached: the present MDM runs, and its push certificate is valid, so that commands reach devices.
	Reached enrollment.Known `json:"reached,omitempty"`
	// SharedAccepted: a person has looked at this device and takes it that everybody's data on it is lost, should it be a
	// Shared iPad.
	SharedAccepted bool `json:"shared_accepted,omitempty"`
}

// device is the device by all that is known. Who manages it knows its UDID and OS best.
func (f Facts) device() enrollment.Device {
	return f.Device.Refreshed(f.Apple.Device).Refreshed(f.MDM.Device)
}

// managed is what the present MDM knows, with the family that others told.
func (f Facts) managed() enrollment.DeviceFacts {
	facts := f.MDM
	facts.Device = f.device()
	return facts
}

// firstWithMigration is the first version of iOS, iPadOS and macOS that can change its MDM without an erase (Apple,
// "Migrating managed devices", 2026).
const firstWithMigration = 26

// canMigrate says whether the device can change its MDM without an erase, and why.
func (f Facts) canMigrate() (enrollment.Known, Reason) {
	d := f.device()
	switch d.Platform() {
	case enrollment.PlatformIOS, enrollment.PlatformIPadOS, enrollment.PlatformMacOS, "":
	default:
		return enrollment.No, NoMigrationThere
	}
	switch {
	case f.MDM.SharedIPad == enrollment.Yes:
		return enrollment.No, SharedIPad
	case f.Apple.Capable == enrollment.Yes:
		return enrollment.Yes, Capable
	case f.Apple.Capable == enrollment.No:
		return enrollment.No, NotCapable
	case d.Major() > 0 && d.Major() < firstWithMigration:
		return enrollment.No, OSTooOld
	}
	return enrollment.NotKnown, CapableUnknown
}

// noWipe returns everything that stands against a wipe through the present MDM; none: it can be sent.
func (f Facts) noWipe(l Limits) []Reason {
	d, mdm := f.device(), f.managed()
	var against []Reason
	for _, c := range [...]struct {
		holds bool
		why   Reason
	}{
		{!l.Wipes, WipesOff},
		{f.Apple.Released == enrollment.Yes, NotOurs},
		{f.Arrived == enrollment.Yes, Arrived},
		{d.UDID == "", NoUDID},
		{d.Platform() == "", FamilyUnknown},
		{mdm.SharedIPad == enrollment.Yes && !f.SharedAccepted, SharedIPad},
		{mdm.SharedIPad != enrollment.Yes && mdm.MayBeShared() && !f.SharedAccepted, MaybeShared},
		{mdm.Managed == enrollment.No, NotManaged},
		{mdm.Managed == enrollment.NotKnown, ManagedUnknown},
		{f.Reached == enrollment.No, NotReached},
		{f.Reached == enrollment.NotKnown, ReachUnknown},
		{d.Platform() == enrollment.PlatformMacOS && mdm.Supervised == enrollment.No, NotSupervised},
		{mdm.NeedsPIN() && !f.Can.PIN, NoPIN},
	} {
		if c.holds {
			against = append(against, c.why)
		}
	}
	return against
}
