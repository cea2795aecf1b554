package enrollment

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Wipe is the order to erase one device through the MDM that manages it. It holds no secret; a PIN is handed over beside it.
type Wipe struct {
	// Command is the UUID of the command and the idempotency key: the same for every attempt of the same wipe, on every
	// machine; see [WipeCommand].
	Command string      `json:"command"`
	Tenant  TenantID    `json:"tenant"`
	MDM     MDMID       `json:"mdm"`
	Device  Device      `json:"device"`
	Options WipeOptions `json:"options,omitzero"`
	// NotAfter: from this moment on nothing may be sent. Look at the clock right before the request leaves.
	NotAfter time.Time `json:"not_after"`
	// PIN is the ID of the secret record of the PIN; empty: the device needs none.
	PIN string `json:"pin,omitempty"`
}

// Ref returns what names the wipe after it has left.
func (w Wipe) Ref() WipeRef {
	return WipeRef{Command: w.Command, Tenant: w.Tenant, MDM: w.MDM, Serial: w.Device.Serial, UDID: w.Device.UDID}
}

// WipeRef names a wipe that may have left.
type WipeRef struct {
	Command string   `json:"command"`
	Tenant  TenantID `json:"tenant"`
	MDM     MDMID    `json:"mdm"`
	Serial  string   `json:"serial"`
	UDID    string   `json:"udid"`
}

// WipeOptions are the arguments of EraseDevice (Apple, "EraseDevice", 2026). Left out are those that are not safe.
type WipeOptions struct {
	// Obliteration says what a Mac does that cannot erase all content and settings; empty: not sent.
	Obliteration Obliteration `json:"obliteration,omitempty"`
	// PreserveDataPlan keeps the eSIM, without which a device may not find its way back (iOS and iPadOS 11, watchOS 10).
	PreserveDataPlan bool `json:"preserve_data_plan,omitempty"`
	// ReturnToService sets the device up again without hands. The profile of the Wi-Fi network, which may hold a password,
	// is the dispatcher's own; the old MDM's enrollment profile is never sent along, or the device would enroll there.
	ReturnToService bool `json:"return_to_service,omitempty"`
}

// Obliteration is the ObliterationBehavior of macOS 12 and later.
type Obliteration string

// DoNotObliterate makes a Mac answer with an error and stay as it is where it cannot erase all content and settings. With any
// other value it may lose its system, or erase itself although it answered with an error.
const DoNotObliterate Obliteration = "DoNotObliterate"

// ErrorIsDefinite reports whether the answer Error means that nothing was erased, on a device that heeds the options: macOS 12
// and later, with Apple silicon or a T2 chip.
func (o WipeOptions) ErrorIsDefinite() bool { return o.Obliteration == DoNotObliterate }

// Arguments returns the options as the keys of the command EraseDevice (Apple, "EraseDevice", 2026). The PIN, and the profile
// of a Wi-Fi network for Return to Service, are added by whoever sends it.
func (o WipeOptions) Arguments() map[string]any {
	keys := map[string]any{}
	if o.Obliteration != "" {
		keys["ObliterationBehavior"] = string(o.Obliteration)
	}
	if o.PreserveDataPlan {
		keys["PreserveDataPlan"] = true
	}
	if o.ReturnToService {
		keys["ReturnToService"] = map[string]any{"Enabled": true}
	}
	return keys
}

// SafeWipe returns the options that lose least on this device. Return to Service is asked for only where it exists (iOS and
// iPadOS 17, tvOS 18, visionOS 26).
func SafeWipe(d Device, returnToService bool) WipeOptions {
	var o WipeOptions
	since := 0 // the first version with Return to Service
	switch d.Platform() {
	case PlatformMacOS:
		o.Obliteration = DoNotObliterate
	case PlatformIOS, PlatformIPadOS:
		o.PreserveDataPlan, since = true, 17
	case PlatformWatchOS:
		o.PreserveDataPlan = d.Major() >= 10
	case PlatformTVOS:
		since = 18
	case PlatformVisionOS:
		since = 26
	}
	o.ReturnToService = returnToService && since > 0 && d.Major() >= since
	return o
}

// WipeState is where a wipe stands, as the dispatcher or the device tells.
type WipeState string

// The states of a wipe.
const (
	WipeUnheard      WipeState = "unheard"      // the MDM has no such command: it never came there
	WipeQueued       WipeState = "queued"       // the MDM holds it for the device
	WipeNotNow       WipeState = "not_now"      // the device answered that it will be asked again
	WipeAcknowledged WipeState = "acknowledged" // the device answered that it will erase itself
	WipeFailed       WipeState = "failed"       // the device answered Error; see [WipeOptions.ErrorIsDefinite]
	WipeMalformed    WipeState = "malformed"    // the device answered CommandFormatError: nothing was erased
	WipeRecalled     WipeState = "recalled"     // the MDM withdrew it before the device took it
)

// WipeStatus is what a dispatcher says about a wipe.
type WipeStatus struct {
	State  WipeState `json:"state"`
	Reason string    `json:"reason,omitempty"` // of the device's or the MDM's, for people
	At     time.Time `json:"at,omitzero"`      // when it came to stand there; zero: not known
}

// WipeAbilities are what a dispatcher can do beside sending. A dry run tells people what theirs lacks.
type WipeAbilities struct {
	// RefusesRepeats: a second request with the same command UUID never reaches the device, whatever became of the first.
	// Only then is a wipe sent again of which it is not known whether it left.
	RefusesRepeats bool `json:"refuses_repeats,omitempty"`
	Status         bool `json:"status,omitempty"`
	Recall         bool `json:"recall,omitempty"`
	PIN            bool `json:"pin,omitempty"`
	ReturnService  bool `json:"return_to_service,omitempty"`
}

// WipeCommand returns the UUID of a wipe's command (RFC 9562, version 8). It depends on nothing but its arguments, so that
// every attempt has the same one, and an MDM can refuse the second.
func WipeCommand(tenant TenantID, wipe string) string {
	sum := sha256.Sum256([]byte("abmrenew wipe\x00" + string(tenant) + "\x00" + wipe))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	h := hex.EncodeToString(u)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
