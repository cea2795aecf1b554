package dep

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// ActivationLock says how to lock a device.
type ActivationLock struct {
	Serial string
	// EscrowKey is the hash of the bypass code that will unlock the device: 64 hex digits, PBKDF2 of the code and not
	// the code itself (Apple, "Creating and using bypass codes"). Without one the device is locked to the Apple Account
	// of the person who created the service in the portal.
	EscrowKey string
	Message   string // what the device shows; empty: nothing
}

// String leaves the escrow key out.
func (a ActivationLock) String() string {
	return "activation lock of device " + untrusted.Clean(a.Serial, maxName)
}

// Format writes [ActivationLock.String], whatever the verb.
func (a ActivationLock) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(a.String())) }

// LockActivation turns Activation Lock of a device on (Apple, "Activation lock a device"): after an erasure it can only be
// set up by who has the bypass code, or with the account that it is locked to. Keep the code durably before this call:
// without it the device is lost to the organization until an administrator turns the lock off in Apple's portal.
//
// What Apple does not do is a [*DeviceError]: the device is not the service's, locked already, or neither it nor the
// organization can. With [ErrUnknown] the device may be locked: keep the code.
func (c *Client) LockActivation(ctx context.Context, lock ActivationLock) error {
	if !untrusted.Identifier(lock.Serial, maxName) {
		return wrongInput("%q is no serial number", untrusted.Clean(lock.Serial, maxName))
	}
	if lock.EscrowKey != "" && (len(lock.EscrowKey) != 64 || strings.Trim(lock.EscrowKey, "0123456789abcdefABCDEF") != "") {
		return wrongInput("EscrowKey has to be 64 hex digits: the hash of the bypass code, not the code")
	}
	k := call{
		method: http.MethodPost, path: "/device/activationlock", write: true, hide: []string{lock.EscrowKey},
		body: struct {
			Device    string `json:"device"`
			EscrowKey string `json:"escrow_key,omitempty"`
			Message   string `json:"lost_message,omitempty"`
		}{lock.Serial, lock.EscrowKey, lock.Message},
	}
	var answer struct {
		Serial untrusted.Text `json:"serial_number"`
		Status untrusted.Text `json:"response_status"`
	}
	if err := c.do(ctx, k, &answer); err != nil {
		return err
	}
	if serial := answer.Serial.ID(); serial != "" && serial != lock.Serial {
		return k.maybe(fmt.Errorf("%w: %s: %w", ErrAnswer, k.op(), errOtherDevice))
	}
	return Result{Serial: lock.Serial, Status: Status(answer.Status.ID()), op: k.op(), write: true}.Err()
}
