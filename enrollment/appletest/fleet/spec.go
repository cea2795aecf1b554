package fleet

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Spec says what a device is, and how it behaves. The zero value of each field is the ordinary device; Serial is needed.
type Spec struct {
	Serial string
	UDID   string            // empty: made of the serial number
	Family enrollment.Family // empty: a Mac
	Model  string            // empty: by the family
	OS     string            // the version; empty: "18.1"

	Unsupervised bool // a Mac that is not supervised obeys no wipe
	SharedIPad   bool
	OldMac       bool // without Apple silicon or T2: an erase needs a PIN and locks it
	NotCapable   bool // it cannot migrate without an erase, whatever its OS
	Locked       bool // its Activation Lock is on, and stops Setup Assistant
	NoBypassCode bool // nobody holds the code of its Activation Lock

	Manner Manner // what it does with a wipe
	// NotNow is how many times it puts a wipe off before it does as its manner is.
	NotNow int
	// Offline are the times in which it is switched off or without a network.
	Offline []Window
	// Polls is how often it checks in without being asked; zero: every four hours.
	Polls time.Duration
	// SetUp is how long a person needs to walk an erased device through Setup Assistant; zero: ten minutes. Never:
	// nobody does, so only Return to Service brings it back.
	SetUp time.Duration
	// Migrates is how long before its migration deadline somebody accepts the migration; zero: nobody does, so it happens
	// at the deadline.
	Migrates time.Duration
}

// Never is a [Spec.SetUp] that does not happen.
const Never = time.Duration(-1)

// Window is a span of time; Until does not belong to it, and zero means for ever.
type Window struct{ From, Until time.Time }

// Manner is what a device does with a wipe.
type Manner string

// The manners of devices (Apple, "EraseDevice", 2026, and what MDM vendors report).
const (
	Obeys       Manner = ""             // it acknowledges and erases itself
	Refuses     Manner = "refuses"      // it answers Error and stays as it is
	Misreads    Manner = "misreads"     // it answers CommandFormatError and stays as it is
	Ignores     Manner = "ignores"      // it takes the command and answers nothing, nor does it erase itself
	Vanishes    Manner = "vanishes"     // it acknowledges, erases itself and is never seen again
	OnlySays    Manner = "only_says"    // it acknowledges and stays as it is: an acknowledgement is no proof
	Silent      Manner = "silent"       // it erases itself, and its answer is lost: devices do not repeat it
	ErasesAfter Manner = "erases_after" // unless told DoNotObliterate, it answers Error and erases itself all the same
)

// filled returns the spec with its defaults.
func (s Spec) filled() Spec {
	if s.Family == "" {
		s.Family = enrollment.FamilyMac
	}
	if s.UDID == "" {
		sum := sha256.Sum256([]byte(s.Serial))
		s.UDID = strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
	}
	if s.Model == "" {
		s.Model = appleFamily(s.Family)
	}
	if s.OS == "" {
		s.OS = "18.1"
	}
	if s.Polls == 0 {
		s.Polls = 4 * time.Hour
	}
	if s.SetUp == 0 {
		s.SetUp = 10 * time.Minute
	}
	return s
}

// device is the device as an MDM learns it from the device itself.
func (s Spec) device() enrollment.Device {
	return enrollment.Device{Serial: s.Serial, UDID: s.UDID, Model: s.Model, Family: s.Family, OS: s.OS}
}

// appleFamily is the family in the words of the device assignment service.
func appleFamily(f enrollment.Family) string {
	return map[enrollment.Family]string{
		enrollment.FamilyIPhone: "iPhone", enrollment.FamilyIPad: "iPad", enrollment.FamilyIPod: "iPod", enrollment.FamilyMac: "Mac",
		enrollment.FamilyAppleTV: "AppleTV", enrollment.FamilyVision: "Vision", enrollment.FamilyWatch: "Watch",
	}[f]
}

// appleOS is the system in the words of the device assignment service.
func appleOS(f enrollment.Family) string {
	if f.Platform() == enrollment.PlatformMacOS {
		return "OSX"
	}
	return string(f.Platform())
}
