package dep

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Device is a device that is assigned to the service (Apple, "Device", 2026). Which fields Apple sends depends on
// [Options.ProtocolVersion] and the kind of device; those that it does not send are empty.
type Device struct {
	Serial      string
	Model       string
	Description string
	Color       string
	AssetTag    string
	OS          string // "iOS", "iPadOS", "OSX", "tvOS" or "visionOS"
	Family      string // "iPad", "iPhone", "iPod", "Mac", "AppleTV" or "Vision"

	ProfileUUID     string
	ProfileStatus   ProfileStatus
	ProfileAssigned time.Time
	ProfilePushed   time.Time // when the device fetched it

	Assigned          time.Time // to the service
	AssignedBy        string    // the e-mail address of the person
	MigrationDeadline time.Time // by when it has to move to this service (protocol version 8); zero: none

	// From protocol version 10 on.
	IMEI, MEID                         []string
	EID                                string
	WiFiMAC, BluetoothMAC, EthernetMAC string
	IsReplacement                      bool // of another device
	ReleasedByReplacement              bool // why it was deleted: another device replaced it

	// In answers to [Client.SyncDevices] only.
	Op     Op
	OpDate time.Time

	// Extra are the fields that this package does not know, and those whose value is not as documented. It is nil if
	// there are none.
	Extra map[string]json.RawMessage
}

// ProfileStatus is what became of the profile of a device. Apple may send others than the documented.
type ProfileStatus string

// The documented statuses.
const (
	ProfileEmpty    ProfileStatus = "empty"    // the device has none
	ProfileAssigned ProfileStatus = "assigned" // the device has not fetched it yet
	ProfilePushed   ProfileStatus = "pushed"   // the device has fetched it
	ProfileRemoved  ProfileStatus = "removed"  // it was taken away; assign one again
)

// Op is what happened to a device, in small letters. Apple may send others than the documented.
type Op string

// The documented operations.
const (
	OpAdded    Op = "added"    // assigned to the service
	OpModified Op = "modified" // observed also for a device that came from another service
	OpDeleted  Op = "deleted"  // not the service's any more
)

// A device without a serial number stands for nothing, and leaving it out would hide a device.
var (
	errSerial      = errors.New("a device has no serial number")
	errOtherDevice = errors.New("it is another device")
)

// newDevice takes a device out of its object.
func newDevice(o object) (Device, error) {
	d := Device{
		Serial: o.id("serial_number"),
		Model:  o.shown("model"), Description: o.shown("description"), Color: o.shown("color"),
		AssetTag: o.shown("asset_tag"), OS: o.shown("os"), Family: o.shown("device_family"),
		ProfileUUID: o.id("profile_uuid"), ProfileStatus: ProfileStatus(strings.ToLower(o.id("profile_status"))),
		ProfileAssigned: o.time("profile_assign_time"), ProfilePushed: o.time("profile_push_time"),
		Assigned: o.time("device_assigned_date"), AssignedBy: o.shown("device_assigned_by"),
		MigrationDeadline: o.time("mdm_migration_deadline"),
		IMEI:              o.list("imei"), MEID: o.list("meid"), EID: o.shown("eid"),
		WiFiMAC: o.shown("wifi_mac_address"), BluetoothMAC: o.shown("bluetooth_mac_address"),
		EthernetMAC:   o.shown("ethernet_mac_address"),
		IsReplacement: o.flag("is_replacement_device"), ReleasedByReplacement: o.flag("released_by_replacement"),
		Op: Op(strings.ToLower(o.id("op_type"))), OpDate: o.time("op_date"),
	}
	if d.Serial == "" {
		return Device{}, errSerial
	}
	d.Extra = o.rest()
	return d, nil
}

// Latest returns one entry for each device, sorted by serial number: the one with the latest OpDate, and of several at
// the same time the one that came last. A sync may list a device several times (Apple, "Sync the list of devices").
func Latest(devices []Device) []Device {
	out := slices.Clone(devices)
	slices.SortStableFunc(out, func(a, b Device) int {
		if c := strings.Compare(a.Serial, b.Serial); c != 0 {
			return c
		}
		return a.OpDate.Compare(b.OpDate)
	})
	last := 0
	for i := range out {
		if i+1 == len(out) || out[i+1].Serial != out[i].Serial {
			out[last] = out[i]
			last++
		}
	}
	clear(out[last:])
	return out[:last]
}
