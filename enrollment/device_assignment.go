package enrollment

import "time"

// MaxBatch is how many devices one call about devices names at most. Apple wants no more than 1000 in a call of the device
// assignment service; of the Apple Business API no limit is documented, and the portal takes 1024.
const MaxBatch = 1000

// Service names a device management service for the ports: the server that stands for it here, and Apple's name for it.
type Service struct {
	Tenant TenantID `json:"tenant"`
	Server ServerID `json:"server"`
	UUID   string   `json:"uuid,omitempty"` // the server_uuid; see [NormalUUID]
	Name   string   `json:"name,omitempty"` // as the portal shows it
}

// AssignmentKind says what is to be done with the assignment of devices.
type AssignmentKind string

// The kinds of assignments, with the activity type of the Apple Business API that each is.
const (
	AssignDevices   AssignmentKind = "assign"           // ASSIGN_DEVICES
	UnassignDevices AssignmentKind = "unassign"         // UNASSIGN_DEVICES
	MigrateDevices  AssignmentKind = "migrate"          // ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE
	HurryMigration  AssignmentKind = "hurry_migration"  // UPDATE_MDM_MIGRATION_DEADLINE; never later than it is
	CancelMigration AssignmentKind = "cancel_migration" // CANCEL_MDM_MIGRATION; the device stays with its old MDM
)

// MaxDeadline is how far ahead Apple takes a migration deadline (Apple, "Migrating managed devices", 2026).
const MaxDeadline = 90 * 24 * time.Hour

// AssignmentRequest is one call about the assignment of devices.
type AssignmentRequest struct {
	// Effect names what asked for it, for logs. It is no idempotency key: Apple has none.
	Effect   EffectID
	Kind     AssignmentKind
	Service  Service   // the one that the devices go to, or leave
	Serials  []string  // at most MaxBatch, no serial twice
	Deadline time.Time // of MigrateDevices and HurryMigration
}

// ActivityState is where an activity stands.
type ActivityState string

// The states of an activity.
const (
	ActivityRunning   ActivityState = "running"
	ActivityByHand    ActivityState = "by_hand"   // a person has to do it at the portal
	ActivityCompleted ActivityState = "completed" // Apple has done with it; not with every device in the way that was asked
	ActivityStopped   ActivityState = "stopped"
	ActivityFailed    ActivityState = "failed"
)

// Ended reports whether nothing more comes of the activity.
func (s ActivityState) Ended() bool {
	return s == ActivityCompleted || s == ActivityStopped || s == ActivityFailed
}

// Activity is Apple's word for a call about the assignment of many devices, which takes minutes.
type Activity struct {
	ID    string        `json:"id"`
	State ActivityState `json:"state"`
	At    time.Time     `json:"at,omitzero"` // when it came to stand there
	// Refused names devices that Apple says it did nothing about, with its reasons. The others count only once they are
	// read back: Apple completes an activity also over serial numbers that it does not know.
	Refused []DeviceResult `json:"refused,omitempty"`
}

// DeviceResult is what became of one device of a call about many.
type DeviceResult struct {
	Serial string `json:"serial"`
	// Outcome is OK, Retry (throttled, say) or Fatal (the device is not the service's, say).
	Outcome    Outcome       `json:"outcome"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	Reason     string        `json:"reason,omitempty"` // Apple's own word
}

// ProfileStatus is what became of the enrollment profile of a device at its service.
type ProfileStatus string

// The statuses of an enrollment profile.
const (
	ProfileEmpty    ProfileStatus = "empty"
	ProfileAssigned ProfileStatus = "assigned" // it waits for the device
	ProfilePushed   ProfileStatus = "pushed"   // the device has fetched it
	ProfileRemoved  ProfileStatus = "removed"
)

// MigrationStatus is how far a migration with a deadline has come, as Apple tells.
type MigrationStatus string

// The statuses of a migration.
const (
	MigrationRequested MigrationStatus = "requested"
	MigrationStarted   MigrationStatus = "started"
	MigrationSucceeded MigrationStatus = "success"
	MigrationFailed    MigrationStatus = "failed"
)

// AssignedDevice is a device as a service, or the organization's account, sees it. What this view does not tell is empty.
type AssignedDevice struct {
	Device
	// Assigned: to the service that was asked. No: it was asked for by its serial number and is not there.
	Assigned Known `json:"assigned"`
	// Server is the service of this installation that it is assigned to, and Service Apple's UUID of it; empty: not told.
	Server  ServerID `json:"server,omitempty"`
	Service string   `json:"service,omitempty"`
	// Released: it does not belong to the organization any more.
	Released Known `json:"released,omitempty"`

	Profile         string        `json:"profile,omitempty"` // UUID
	ProfileStatus   ProfileStatus `json:"profile_status,omitempty"`
	ProfileAssigned time.Time     `json:"profile_assigned,omitzero"`
	ProfilePushed   time.Time     `json:"profile_pushed,omitzero"` // when the device fetched it

	// Capable is Apple's answer to whether the device can migrate without an erase.
	Capable           Known           `json:"capable,omitempty"`
	Migration         MigrationStatus `json:"migration,omitempty"`
	MigrationDeadline time.Time       `json:"migration_deadline,omitzero"`

	ObservedAt time.Time `json:"observed_at"`
}

// HasProfile reports whether the service holds this enrollment profile for the device, so that it will enroll by it after an
// erase.
func (a AssignedDevice) HasProfile(uuid string) bool {
	return uuid != "" && NormalUUID(a.Profile) == NormalUUID(uuid) &&
		(a.ProfileStatus == ProfileAssigned || a.ProfileStatus == ProfilePushed)
}
