package enrollmenttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// fakeRecords know two devices, sound but for their quirk.
type fakeRecords struct{ quirk quirk }

var (
	deviceOne = enrollment.Device{Serial: "S1", UDID: "U1", Product: "Mac14,2"}
	deviceTwo = enrollment.Device{Serial: "S2", UDID: "U2", Product: "iPad14,1"}
)

func (f fakeRecords) DeviceFacts(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (enrollment.DeviceFacts, error) {
	switch {
	case ctx.Err() == nil, f.quirk == "does not look at its context":
	case f.quirk == "panics with a context that has ended":
		panic("nil answer")
	default:
		return enrollment.DeviceFacts{}, ctx.Err()
	}
	facts := enrollment.DeviceFacts{MDM: "old", ObservedAt: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)}
	switch f.quirk {
	case "does not say when":
		facts.ObservedAt = time.Time{}
	case "does not say where":
		facts.MDM = ""
	case "echoes what it was asked":
		facts.Device = d
		return facts, nil
	}
	if tenant != "acme" && f.quirk != "mixes tenants" || mdm != "old" && f.quirk != "mixes servers" {
		return enrollment.DeviceFacts{}, enrollment.ErrNoDevice
	}
	for _, known := range []enrollment.Device{deviceOne, deviceTwo} {
		bySerial := d.Serial == known.Serial && (d.UDID == "" || f.quirk == "takes the serial number before the UDID")
		if bySerial && f.quirk != "knows UDIDs only" || d.UDID == known.UDID {
			facts.Device = known
			if f.quirk == "fills in what it was asked" {
				facts.Device = known.Refreshed(d)
			}
			return facts, nil
		}
	}
	switch f.quirk {
	case "has no error for strangers":
		return facts, nil
	case "has an error of its own for strangers":
		return facts, errors.New("404")
	}
	return enrollment.DeviceFacts{}, enrollment.ErrNoDevice
}

func readerRig(_ testing.TB, q quirk) DeviceReaderRig {
	return DeviceReaderRig{Reader: fakeRecords{q}, Tenant: "acme", MDM: "old", One: deviceOne, Two: deviceTwo}
}

func TestDeviceReadersThatBreakAPromiseAreCaught(t *testing.T) {
	catches(t, readerCases, readerRig, map[string][]quirk{
		"a device is read by its UDID, or by its serial number":   {"knows UDIDs only", "does not say when", "does not say where", "echoes what it was asked"},
		"the answer is the MDM's, not an echo":                    {"echoes what it was asked", "fills in what it was asked"},
		"a device that is not there is not known":                 {"has no error for strangers", "has an error of its own for strangers", "takes the serial number before the UDID"},
		"another MDM's, or another tenant's, device is not known": {"mixes tenants", "mixes servers"},
		"a context that has ended is told":                        {"does not look at its context", "panics with a context that has ended"},
	})
}
