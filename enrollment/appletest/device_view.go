package appletest

import "time"

// view is a device as the service shows it; which fields depends on the protocol version (Apple, "Device").
func (d *device) view(version int) map[string]any {
	out := map[string]any{"serial_number": d.Serial, "model": d.Model}
	text := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	date := func(name string, at time.Time) {
		if !at.IsZero() {
			out[name] = at.UTC().Format(time.RFC3339)
		}
	}
	text("description", d.Description)
	text("color", d.Color)
	text("asset_tag", d.AssetTag)
	text("profile_status", d.profileStatus)
	text("profile_uuid", d.profile)
	date("profile_assign_time", d.profileGiven)
	date("profile_push_time", d.profileFetched)
	date("device_assigned_date", d.assigned)
	text("device_assigned_by", d.assignedBy)
	if version >= 2 {
		os := d.OS
		if os == "iPadOS" && version < 7 {
			os = "iOS"
		}
		text("os", os)
		text("device_family", d.Family)
	}
	if version >= 8 {
		date("mdm_migration_deadline", d.deadline)
	}
	if version >= 10 {
		text("eid", d.EID)
		text("wifi_mac_address", d.WiFi)
		text("bluetooth_mac_address", d.Bluetooth)
		text("ethernet_mac_address", d.Ethernet)
		if len(d.IMEI) > 0 {
			out["imei"] = d.IMEI
		}
		if len(d.MEID) > 0 {
			out["meid"] = d.MEID
		}
		if d.Replacement {
			out["is_replacement_device"] = true
		}
	}
	return out
}

// deviceDetails answers POST /devices (Apple, "Get device details").
func (c call) deviceDetails() answer {
	var request struct {
		Devices []string `json:"devices"`
	}
	if res := c.decode(&request); !res.isZero() {
		return res
	}
	if res := c.checkSerials(request.Devices); !res.isZero() {
		return res
	}
	out := map[string]any{}
	for _, serial := range request.Devices {
		if d := c.device(serial); d != nil {
			view := d.view(c.version)
			view["response_status"] = statusSuccess
			out[serial] = view
		} else {
			out[serial] = map[string]any{"serial_number": serial, "response_status": statusNotAccessible}
		}
	}
	return ok(map[string]any{"devices": out})
}

// device returns a device of the service that asks; nil: not accessible.
func (c call) device(serial string) *device {
	d := c.token.service.org.devices[serial]
	if d == nil || d.service != c.token.service {
		return nil
	}
	return d
}

// checkSerials applies to every call that names devices.
func (c call) checkSerials(serials []string) answer {
	if len(serials) == 0 {
		return badRequest("DEVICE_ID_REQUIRED")
	}
	if limit := c.apple.behavior.DevicesMax; limit > 0 && len(serials) > limit {
		return badRequest("MALFORMED_REQUEST_BODY")
	}
	return answer{}
}

// The statuses of a device in an answer.
const (
	statusSuccess       = "SUCCESS"
	statusNotAccessible = "NOT_ACCESSIBLE"
	statusThrottled     = "THROTTLED"
)
