package enrollment

import "time"

// MDMID names one MDM in the host's own words: a server where devices enroll and from which commands leave. One MDM may
// stand behind several services at Apple.
type MDMID string

// DeviceFacts is what an MDM knows of a device that it manages, as [DeviceReader] reads it. What the MDM does not know is
// empty or NotKnown; it is never guessed, because a wipe may hang on it.
type DeviceFacts struct {
	Device            // as the MDM itself knows the device, not as it was asked for
	MDM         MDMID `json:"mdm"`
	Managed     Known `json:"managed,omitempty"`      // it is enrolled there now; No: it has checked out or was removed
	Supervised  Known `json:"supervised,omitempty"`   // the erase of a Mac demands it (Apple, "EraseDevice", 2026)
	SharedIPad  Known `json:"shared_ipad,omitempty"`  // people sign in on it one after the other
	ADEEnrolled Known `json:"ade_enrolled,omitempty"` // it came by Automated Device Enrollment
	// AppleSilicon and SecurityChip (T2) tell Macs that erase themselves from those that only lock, with a PIN.
	AppleSilicon Known `json:"apple_silicon,omitempty"`
	SecurityChip Known `json:"security_chip,omitempty"`
	// ActivationLocked: it would ask for somebody's account, or a bypass code, after an erase.
	ActivationLocked Known     `json:"activation_locked,omitempty"`
	EnrolledAt       time.Time `json:"enrolled_at,omitzero"` // at that MDM, the last time
	LastSeen         time.Time `json:"last_seen,omitzero"`   // its last contact with that MDM
	ObservedAt       time.Time `json:"observed_at"`          // when all this was read
}

// MayBeShared reports whether the device is a Shared iPad or an iPad of which nobody knows that it is none.
func (f DeviceFacts) MayBeShared() bool {
	return f.SharedIPad == Yes || f.SharedIPad == NotKnown && (f.Family == FamilyIPad || f.Family == "")
}

// NeedsPIN reports whether an erase must come with a PIN: on Macs that are not known to have Apple silicon or a T2 chip,
// which lock with Find My instead. Other Macs ignore it.
func (f DeviceFacts) NeedsPIN() bool {
	return f.Family == FamilyMac && f.AppleSilicon != Yes && f.SecurityChip != Yes
}

// ActivationLock is what is known of a device's Activation Lock.
type ActivationLock struct {
	Locked    Known `json:"locked,omitempty"`
	Clearable Known `json:"clearable,omitempty"` // a bypass code is held
}
