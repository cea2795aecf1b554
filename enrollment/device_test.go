package enrollment_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Apple's two services spell the families differently (Apple, "Device", and Apple Business API, "OrgDevice", 2026).
func TestFamiliesAreReadFromBothServices(t *testing.T) {
	for text, want := range map[string]enrollment.Platform{
		"iPad": enrollment.PlatformIPadOS, "IPAD": enrollment.PlatformIPadOS,
		"iPhone": enrollment.PlatformIOS, "IPHONE": enrollment.PlatformIOS, "iPod": enrollment.PlatformIOS, "IPOD": enrollment.PlatformIOS,
		"Mac": enrollment.PlatformMacOS, "MAC": enrollment.PlatformMacOS,
		"AppleTV": enrollment.PlatformTVOS, "APPLE_TV": enrollment.PlatformTVOS, "Apple TV": enrollment.PlatformTVOS,
		"Vision": enrollment.PlatformVisionOS, "VISION": enrollment.PlatformVisionOS,
		"WATCH": enrollment.PlatformWatchOS, "Watch": enrollment.PlatformWatchOS,
		"": "", "Newton": "", "mac\n": "",
	} {
		assert.Equal(t, want, enrollment.ParseFamily(text).Platform(), "%q", text)
	}
}

func TestMajorVersions(t *testing.T) {
	for text, want := range map[string]int{
		"26": 26, "26.1": 26, "15.7.2": 15, " 17.0 ": 17, "": 0, "macOS 26": 0, "-3.1": 0, "99999999999999999999": 0,
	} {
		assert.Equal(t, want, enrollment.Device{OS: text}.Major(), "%q", text)
	}
}

func TestSerialNumbersHaveOneForm(t *testing.T) {
	for text, want := range map[string]string{
		"C02XL0GSJGH5": "C02XL0GSJGH5", " c02xl0gsjgh5\r": "C02XL0GSJGH5", "": "", "  ": "", "C02 XL": "", "C02/XL": "",
		"Ä02": "", "C02;DROP": "", strings.Repeat("A", enrollment.MaxSerial): strings.Repeat("A", enrollment.MaxSerial),
		strings.Repeat("A", enrollment.MaxSerial+1): "",
	} {
		assert.Equal(t, want, enrollment.NormalSerial(text), "%q", text)
	}
}

func TestALookCompletesADevice(t *testing.T) {
	d := enrollment.Device{Serial: "A", UDID: "old", Model: "iPad", OS: "17.1"}
	seen := enrollment.Device{Serial: "B", UDID: "new", Product: "iPad14,1", Family: enrollment.FamilyIPad}
	assert.Equal(t, enrollment.Device{
		Serial: "A", UDID: "new", Model: "iPad", Product: "iPad14,1", Family: enrollment.FamilyIPad, OS: "17.1",
	}, d.Refreshed(seen))
	assert.Equal(t, d, d.Refreshed(enrollment.Device{}))
}

func TestWhatMightBeASharedIPad(t *testing.T) {
	for _, c := range []struct {
		family enrollment.Family
		shared enrollment.Known
		want   bool
	}{
		{enrollment.FamilyIPad, enrollment.Yes, true},
		{enrollment.FamilyIPad, enrollment.NotKnown, true},
		{enrollment.FamilyIPad, enrollment.No, false},
		{"", enrollment.NotKnown, true},
		{"", enrollment.No, false},
		{enrollment.FamilyMac, enrollment.NotKnown, false},
		{enrollment.FamilyIPhone, enrollment.NotKnown, false},
		{enrollment.FamilyIPhone, enrollment.Yes, true},
	} {
		f := enrollment.DeviceFacts{Device: enrollment.Device{Family: c.family}, SharedIPad: c.shared}
		assert.Equal(t, c.want, f.MayBeShared(), "%+v", c)
	}
}

// An erase locks a Mac without T2 with Find My and the PIN; others ignore it, so that a doubt costs nothing.
func TestMacsThatMayLockNeedAPIN(t *testing.T) {
	mac := func(silicon, chip enrollment.Known) enrollment.DeviceFacts {
		return enrollment.DeviceFacts{Device: enrollment.Device{Family: enrollment.FamilyMac}, AppleSilicon: silicon, SecurityChip: chip}
	}
	assert.True(t, mac(enrollment.NotKnown, enrollment.NotKnown).NeedsPIN())
	assert.True(t, mac(enrollment.No, enrollment.No).NeedsPIN())
	assert.False(t, mac(enrollment.Yes, enrollment.NotKnown).NeedsPIN())
	assert.False(t, mac(enrollment.No, enrollment.Yes).NeedsPIN())
	assert.False(t, enrollment.DeviceFacts{Device: enrollment.Device{Family: enrollment.FamilyIPad}}.NeedsPIN())
}

func TestOnlyAnAssignedProfileIsHad(t *testing.T) {
	const uuid = "34D3B4F0-AAAA-4BBB-8CCC-0123456789AB"
	a := enrollment.AssignedDevice{Profile: strings.ToLower(strings.ReplaceAll(uuid, "-", ""))}
	for status, want := range map[enrollment.ProfileStatus]bool{
		enrollment.ProfileAssigned: true, enrollment.ProfilePushed: true,
		enrollment.ProfileRemoved: false, enrollment.ProfileEmpty: false, "": false, "new": false,
	} {
		a.ProfileStatus = status
		assert.Equal(t, want, a.HasProfile(uuid), "%q", status)
	}
	a.ProfileStatus = enrollment.ProfileAssigned
	assert.False(t, a.HasProfile("another"))
	assert.False(t, enrollment.AssignedDevice{ProfileStatus: enrollment.ProfileAssigned}.HasProfile(""), "none is none")
}

func TestActivitiesEnd(t *testing.T) {
	for state, want := range map[enrollment.ActivityState]bool{
		enrollment.ActivityRunning: false, enrollment.ActivityByHand: false, "": false,
		enrollment.ActivityCompleted: true, enrollment.ActivityStopped: true, enrollment.ActivityFailed: true,
	} {
		assert.Equal(t, want, state.Ended(), state)
	}
}
