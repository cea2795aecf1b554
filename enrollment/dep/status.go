package dep

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// Status is Apple's word for what became of one device in a call about several. Apple may send others than the
// documented; they are kept as they came.
type Status string

// The documented statuses (Apple, "Get device details", "Assign a profile", "Remove a profile", "Activation lock a
// device"; 2026).
const (
	StatusSuccess            Status = "SUCCESS"
	StatusNotAccessible      Status = "NOT_ACCESSIBLE"
	StatusNotFound           Status = "NOT_FOUND" // observed
	StatusFailed             Status = "FAILED"
	StatusThrottled          Status = "THROTTLED" // from protocol version 9 on
	StatusOrgNotSupported    Status = "ORG_NOT_SUPPORTED"
	StatusDeviceNotSupported Status = "DEVICE_NOT_SUPPORTED"
	StatusAlreadyLocked      Status = "DEVICE_ALREADY_LOCKED"

	// StatusMissing says that the answer does not mention the device.
	StatusMissing Status = ""
)

// statusAdvice is what a person does about a status.
var statusAdvice = map[Status]string{
	StatusNotAccessible:      "the device is not assigned to this service; check it in Apple's portal",
	StatusNotFound:           "Apple does not know this serial number; check its spelling, and the device in Apple's portal",
	StatusFailed:             "Apple could not do it; try it again",
	StatusThrottled:          "Apple asks to wait; try it again later",
	StatusOrgNotSupported:    "Apple does not offer this to the organization",
	StatusDeviceNotSupported: "Apple does not offer this for the device",
	StatusAlreadyLocked:      "the device is locked already; whoever locked it has to unlock it",
	StatusMissing:            "Apple's answer does not mention the device; ask for its details",
}

// Result is what became of one device.
type Result struct {
	Serial string
	Status Status
	// RetryAfter is how long Apple asks to wait before it is tried again, with StatusThrottled and from protocol version
	// 10 on; zero: it did not say.
	RetryAfter time.Duration

	op    string
	write bool
}

// Err returns nil for a success and a [*DeviceError] for everything else.
func (r Result) Err() error {
	if r.Status == StatusSuccess {
		return nil
	}
	return &DeviceError{Op: r.op, Serial: r.Serial, Status: r.Status, Wait: r.RetryAfter, write: r.write}
}

// What a [*DeviceError] may match with errors.Is, beside ErrThrottled.
var (
	// ErrNotAccessible: the service may not see the device (NOT_ACCESSIBLE), or Apple does not know it (NOT_FOUND).
	ErrNotAccessible = errors.New("dep: the device is not this service's")
	// ErrNotSupported: Apple does not offer it to this organization or for this device.
	ErrNotSupported = errors.New("dep: Apple does not offer this")
)

// DeviceError says what Apple did not do for which device.
type DeviceError struct {
	Op     string // method and path, such as "POST /profile/devices"
	Serial string
	Status Status
	Wait   time.Duration // how long Apple asked to wait; zero: it did not say

	write bool
}

// Is matches the sentinel that the status stands for.
func (e *DeviceError) Is(target error) bool {
	switch e.Status {
	case StatusNotAccessible, StatusNotFound:
		return target == ErrNotAccessible
	case StatusOrgNotSupported, StatusDeviceNotSupported:
		return target == ErrNotSupported
	case StatusThrottled:
		return target == ErrThrottled
	}
	return target == ErrUnknown && e.write && !e.definite()
}

// definite reports whether the status says that nothing was done.
func (e *DeviceError) definite() bool {
	_, documented := statusAdvice[e.Status]
	return documented && e.Status != StatusMissing
}

// Reason is Apple's own word.
func (e *DeviceError) Reason() string { return string(e.Status) }

// RetryAfter is how long Apple asked to wait.
func (e *DeviceError) RetryAfter() time.Duration { return e.Wait }

// Error names the device, what Apple said about it, and what to do.
func (e *DeviceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dep: %s: device %s", e.Op, untrusted.Clean(e.Serial, maxName))
	if e.Status != StatusMissing {
		fmt.Fprintf(&b, ": Apple answered %s", untrusted.Clean(string(e.Status), maxName))
	}
	if e.Wait > 0 {
		return b.String() + "; try it again in " + e.Wait.Round(time.Second).String()
	}
	if text := statusAdvice[e.Status]; text != "" {
		b.WriteString("; " + text)
	}
	return b.String()
}
