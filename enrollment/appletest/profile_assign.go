package appletest

import "time"

// ThrottleAssignments throttles profile assignments of devices for a time: the answer says THROTTLED for each of
// them, to a client of protocol version 9 or later, and when to come back, from version 10 on.
func (o *Organization) ThrottleAssignments(d time.Duration, serials ...string) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	for _, serial := range serials {
		if one := o.devices[serial]; one != nil {
			one.throttled = o.apple.clock().Add(d)
		}
	}
}

// assignTo gives a profile to devices, each with its own status.
func (c call) assignTo(p *profile, serials []string) answer {
	now := c.apple.clock()
	statuses := map[string]string{}
	var retry time.Duration
	for _, serial := range serials {
		d := c.device(serial)
		switch {
		case d == nil:
			statuses[serial] = statusNotAccessible
		case c.version >= 9 && now.Before(d.throttled):
			statuses[serial] = statusThrottled
			retry = max(retry, d.throttled.Sub(now))
		default:
			d.profile, d.profileStatus, d.profileGiven, d.profileFetched = p.uuid, profileAssigned, now, time.Time{}
			d.service.noteProfile(d, now)
			statuses[serial] = statusSuccess
		}
	}
	out := map[string]any{"profile_uuid": p.uuid, "devices": statuses}
	if retry > 0 && c.version >= 10 {
		out["retry_after_seconds"] = int((retry + time.Second - 1) / time.Second)
	}
	return ok(out)
}
