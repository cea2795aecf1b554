package appletest

import "encoding/hex"

// DisableActivationLock makes Apple answer ORG_NOT_SUPPORTED when a service of the organization locks a device.
func (o *Organization) DisableActivationLock() {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	o.noActivationLock = true
}

// activationLock answers POST /device/activationlock (Apple, "Activation lock a device").
func (c call) activationLock() answer {
	var request struct {
		Device string `json:"device"`
		Escrow string `json:"escrow_key"`
		Lost   string `json:"lost_message"`
	}
	if res := c.decode(&request); !res.isZero() {
		return res
	}
	if request.Device == "" {
		return badRequest("DEVICE_ID_REQUIRED")
	}
	if key, err := hex.DecodeString(request.Escrow); err != nil || len(key) != 0 && len(key) != 32 {
		return badRequest("MALFORMED_REQUEST_BODY")
	}
	status := statusSuccess
	switch d := c.device(request.Device); {
	case d == nil:
		status = statusNotAccessible
	case c.token.service.org.noActivationLock:
		status = "ORG_NOT_SUPPORTED"
	case d.NoActivationLock:
		status = "DEVICE_NOT_SUPPORTED"
	case d.LockFails:
		status = "FAILED"
	case d.locked:
		status = "DEVICE_ALREADY_LOCKED"
	default:
		d.locked = true
	}
	return ok(map[string]string{"serial_number": request.Device, "response_status": status})
}
