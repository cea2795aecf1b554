package enrollment

import (
	"strconv"
	"strings"
)

// PlanID names a plan by which devices move.
type PlanID string

// MoveID names the move of one device within a plan.
type MoveID string

// Device is one device of an organization: what names it, and what decides how it may be moved. Serial is needed; empty
// fields are not known.
type Device struct {
	Serial string `json:"serial"` // Apple's name for it, in capitals
	// UDID is its enrollment ID at the MDM that manages it now. Without it no command reaches the device.
	UDID    string `json:"udid,omitempty"`
	Model   string `json:"model,omitempty"`   // "MacBook Air", for people
	Product string `json:"product,omitempty"` // "Mac14,2"
	Family  Family `json:"family,omitempty"`
	OS      string `json:"os,omitempty"` // the version alone: "26.1"
}

// Family is Apple's product family of a device.
type Family string

// The product families. Apple's services write them in different ways; see [ParseFamily].
const (
	FamilyIPhone  Family = "iphone"
	FamilyIPad    Family = "ipad"
	FamilyIPod    Family = "ipod"
	FamilyMac     Family = "mac"
	FamilyAppleTV Family = "appletv"
	FamilyVision  Family = "vision"
	FamilyWatch   Family = "watch"
)

// ParseFamily reads a product family as the device assignment service writes it ("AppleTV"), as the Apple Business API
// does ("APPLE_TV"), or as a person might. Empty: it is none that is known.
func ParseFamily(s string) Family {
	f := Family(strings.ToLower(strings.NewReplacer("_", "", " ", "").Replace(s)))
	if f == "applevision" || f == "realitydevice" {
		f = FamilyVision
	}
	if f.Platform() == "" {
		return ""
	}
	return f
}

// Platform is the operating system of a device, which decides what commands do to it.
type Platform string

// The platforms.
const (
	PlatformIOS      Platform = "iOS"
	PlatformIPadOS   Platform = "iPadOS"
	PlatformMacOS    Platform = "macOS"
	PlatformTVOS     Platform = "tvOS"
	PlatformVisionOS Platform = "visionOS"
	PlatformWatchOS  Platform = "watchOS"
)

// Platform returns the platform of a family; empty: not known.
func (f Family) Platform() Platform {
	switch f {
	case FamilyIPhone, FamilyIPod:
		return PlatformIOS
	case FamilyIPad:
		return PlatformIPadOS
	case FamilyMac:
		return PlatformMacOS
	case FamilyAppleTV:
		return PlatformTVOS
	case FamilyVision:
		return PlatformVisionOS
	case FamilyWatch:
		return PlatformWatchOS
	}
	return ""
}

// Platform returns the platform of the device; empty: not known.
func (d Device) Platform() Platform { return d.Family.Platform() }

// Major returns the first number of the device's OS version; 0: not known.
func (d Device) Major() int {
	major, _, _ := strings.Cut(strings.TrimSpace(d.OS), ".")
	n, err := strconv.Atoi(major)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Refreshed returns the device with what a newer look at it tells. What the look leaves out stays known.
func (d Device) Refreshed(seen Device) Device {
	for _, field := range [...]struct {
		mine *string
		seen string
	}{
		{&d.UDID, seen.UDID}, {&d.Model, seen.Model}, {&d.Product, seen.Product}, {(*string)(&d.Family), string(seen.Family)}, {&d.OS, seen.OS},
	} {
		if field.seen != "" {
			*field.mine = field.seen
		}
	}
	return d
}

// NormalSerial returns a serial number as Apple writes it, so that the same device is not taken for two. Empty: it is none.
func NormalSerial(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if s == "" || len(s) > MaxSerial {
		return ""
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	return s
}

// MaxSerial bounds the length of a serial number that is taken from outside.
const MaxSerial = 64
