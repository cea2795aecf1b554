package appletest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
)

// profile is an enrollment profile of a service, as it was defined.
type profile struct {
	uuid   string
	fields map[string]any
}

// defineProfile answers POST /profile (Apple, "Define a profile"). Devices in it get the profile at once.
func (c call) defineProfile() answer {
	var request struct {
		profileFields
		Devices []string `json:"devices"`
	}
	if res := c.decode(&request); !res.isZero() {
		return res
	}
	if code := request.profileFields.check(); code != "" {
		return badRequest(code)
	}
	fields := map[string]any{}
	if json.Unmarshal(c.body, &fields) != nil {
		return badRequest("MALFORMED_REQUEST_BODY")
	}
	delete(fields, "devices")
	p := &profile{uuid: c.apple.newUUID(), fields: fields}
	c.token.service.profiles[p.uuid] = p
	return c.assignTo(p, request.Devices)
}

// getProfile answers GET /profile.
func (c call) getProfile() answer {
	query, err := url.ParseQuery(c.request.URL.RawQuery)
	uuid := query.Get("profile_uuid")
	if err != nil || uuid == "" {
		return badRequest("PROFILE_UUID_REQUIRED")
	}
	p := c.token.service.profiles[uuid]
	if p == nil {
		return badRequest("NOT_FOUND")
	}
	fields := maps.Clone(p.fields)
	fields["profile_uuid"] = p.uuid
	return ok(fields)
}

// assignProfile answers POST and, as it was once documented, PUT /profile/devices (Apple, "Assign a profile").
func (c call) assignProfile() answer {
	var request struct {
		UUID    string   `json:"profile_uuid"`
		Devices []string `json:"devices"`
	}
	if res := c.decode(&request); !res.isZero() {
		return res
	}
	if request.UUID == "" {
		return badRequest("PROFILE_UUID_REQUIRED")
	}
	if res := c.checkSerials(request.Devices); !res.isZero() {
		return res
	}
	p := c.token.service.profiles[request.UUID]
	if p == nil {
		return answer{status: http.StatusNotFound, code: "NOT_FOUND"}
	}
	return c.assignTo(p, request.Devices)
}

// removeProfile answers DELETE /profile/devices (Apple, "Remove a profile").
func (c call) removeProfile() answer {
	var request struct {
		Devices []string `json:"devices"`
	}
	if res := c.decode(&request); !res.isZero() {
		return res
	}
	if res := c.checkSerials(request.Devices); !res.isZero() {
		return res
	}
	statuses := map[string]string{}
	for _, serial := range request.Devices {
		d := c.device(serial)
		if d == nil {
			statuses[serial] = statusNotAccessible
			continue
		}
		d.dropProfile()
		d.service.noteProfile(d, c.apple.clock())
		statuses[serial] = statusSuccess
	}
	return ok(map[string]any{"devices": statuses})
}
