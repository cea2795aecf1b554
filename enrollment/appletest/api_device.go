package appletest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// apiView is a device as the API shows it (Apple, "OrgDevice").
func (d *device) apiView() map[string]any {
	status := "UNASSIGNED"
	if d.service != nil {
		status = "ASSIGNED"
	}
	attributes := map[string]any{
		"serialNumber": d.Serial, "deviceModel": d.Model, "productFamily": apiFamily(d.Family), "status": status,
		"isMdmMigrationCapable": d.Migrates,
	}
	if d.ProductType != "" {
		attributes["productType"] = d.ProductType
	}
	if len(d.IMEI) > 0 {
		attributes["imei"] = d.IMEI
	}
	if d.WiFi != "" {
		attributes["wifiMacAddress"] = d.WiFi
	}
	if d.migration != "" {
		attributes["mdmMigrationStatus"] = d.migration
	}
	if !d.deadline.IsZero() {
		attributes["mdmMigrationDeadlineDateTime"] = d.deadline.Format(time.RFC3339)
	}
	return map[string]any{"type": "orgDevices", "id": d.Serial, "attributes": attributes}
}

// apiFamily writes a product family as the API does.
func apiFamily(family string) string {
	if family == "AppleTV" {
		return "APPLE_TV"
	}
	return strings.ToUpper(family)
}

// sorted returns the devices that are wanted, by serial number.
func (o *Organization) sorted(wanted func(*device) bool) []*device {
	var out []*device
	for _, d := range o.devices {
		if wanted(d) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *device) int { return strings.Compare(a.Serial, b.Serial) })
	return out
}

func (c call) orgDevices(o *Organization) answer {
	var out []map[string]any
	for _, d := range o.sorted(func(*device) bool { return true }) {
		out = append(out, d.apiView())
	}
	return c.apiPage(out)
}

func (c call) orgDevice(o *Organization, serial string) answer {
	d := o.devices[serial]
	if d == nil {
		d = o.released[serial]
	}
	if d == nil {
		return apiError(http.StatusNotFound, "NOT_FOUND", "")
	}
	view := d.apiView()
	if !d.released.IsZero() {
		view["attributes"].(map[string]any)["releasedFromOrgDateTime"] = d.released.Format(time.RFC3339)
	}
	return ok(map[string]any{"data": view})
}

// assignedServer answers which service has a device. One without was seen to be answered with 404 and with an empty ID.
func (c call) assignedServer(o *Organization, serial string, whole bool) answer {
	d := o.devices[serial]
	if d == nil || d.service == nil && !c.apple.behavior.EmptyAssignedServer {
		return apiError(http.StatusNotFound, "NOT_FOUND", "")
	}
	if d.service == nil {
		return ok(map[string]any{"data": map[string]any{"type": "mdmServers", "id": ""}})
	}
	if whole {
		return ok(map[string]any{"data": d.service.apiView()})
	}
	return ok(map[string]any{"data": map[string]any{"type": "mdmServers", "id": d.service.uuid}})
}

// AssignedTo returns the service that has a device; nil: none.
func (o *Organization) AssignedTo(serial string) *Service {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	o.apple.advance()
	if d := o.devices[serial]; d != nil {
		return d.service
	}
	return nil
}
