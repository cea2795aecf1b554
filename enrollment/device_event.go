package enrollment

import "time"

// DeviceEventKind says what happened to a device.
type DeviceEventKind string

// The kinds of device events.
const (
	// DeviceAuthenticated: the device began to enroll (the check-in message Authenticate). It is not enrolled yet, but what
	// was queued for it before is void.
	DeviceAuthenticated DeviceEventKind = "authenticated"
	// DeviceEnrolled: the device finished enrolling: the first TokenUpdate of its device channel after an Authenticate. A
	// later TokenUpdate tells only of a new push token and is no such event.
	DeviceEnrolled DeviceEventKind = "enrolled"
	// DeviceProfileFetched: in Setup Assistant the device fetched the enrollment profile of a service (its
	// profile_push_time).
	DeviceProfileFetched DeviceEventKind = "profile_fetched"
	// DeviceWipeAnswered: the device answered a wipe. It is no proof of an erase.
	DeviceWipeAnswered DeviceEventKind = "wipe_answered"
	// DeviceReleased: the device does not belong to the organization any more.
	DeviceReleased DeviceEventKind = "released"
	// DeviceReassigned: somebody assigned the device to another service.
	DeviceReassigned DeviceEventKind = "reassigned"
)

// DeviceEvent is something that happened to a device, as an MDM or Apple tells it. It may come late, twice or in another
// order than it happened; who takes it judges by At.
type DeviceEvent struct {
	Kind   DeviceEventKind `json:"kind"`
	Tenant TenantID        `json:"tenant"`
	// Serial is needed for Authenticated, Released and Reassigned; later messages of a device may name its UDID only.
	Serial string `json:"serial,omitempty"`
	UDID   string `json:"udid,omitempty"` // its enrollment ID at MDM
	// MDM is where it checked in; empty for what Apple tells.
	MDM MDMID `json:"mdm,omitempty"`
	// Server is the service that it came by, or was assigned to; empty: not known.
	Server ServerID  `json:"server,omitempty"`
	At     time.Time `json:"at"` // when it happened, by the clock of whoever observed it
	// Device is what the message told beside: model, product, OS version.
	Device Device `json:"device,omitzero"`
	// Wipe is the answer to a wipe.
	Wipe *WipeAnswer `json:"wipe,omitempty"`
}

// WipeAnswer is what a device answered to one wipe.
type WipeAnswer struct {
	Command string    `json:"command"` // the UUID of the command
	State   WipeState `json:"state"`   // WipeAcknowledged, WipeFailed, WipeMalformed or WipeNotNow
	Reason  string    `json:"reason,omitempty"`
}
