package appletest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func (s *shop) details(t *testing.T, client headers, serial string) map[string]any {
	t.Helper()
	var out struct {
		Devices map[string]map[string]any `json:"devices"`
	}
	do(t, client, "POST", "/devices", `{"devices":["`+serial+`"]}`).decode(t, &out)
	require.Len(t, out.Devices, 1)
	return out.Devices[serial]
}

func TestDeviceFieldsDependOnTheProtocolVersion(t *testing.T) {
	now, _ := fixed(time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC))
	s := newShop(t, appletest.Options{Now: now, Behavior: appletest.Behavior{TimestampWindow: ages}})
	s.org.AddDevices(appletest.Device{
		Serial: "A", Model: "iPad Air", Description: "IPAD", Color: "BLUE", AssetTag: "17",
		OS: "iPadOS", Family: "iPad", IMEI: []string{"35"}, MEID: []string{"99"}, EID: "89",
		WiFi: "w", Bluetooth: "b", Ethernet: "e", Replacement: true,
	})
	require.NoError(t, s.admin.AssignWithDeadline(s.service, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), "A"))
	client := s.connect(t)

	want := map[string]any{
		"serial_number": "A", "model": "iPad Air", "description": "IPAD", "color": "BLUE", "asset_tag": "17",
		"profile_status": "empty", "response_status": "SUCCESS",
		"device_assigned_date": "2026-05-01T08:00:00Z", "device_assigned_by": "it@acme.example",
	}
	client.version = "1"
	require.Empty(t, cmp.Diff(want, s.details(t, client, "A")))
	client.version, want["os"], want["device_family"] = "2", "iOS", "iPad"
	require.Empty(t, cmp.Diff(want, s.details(t, client, "A")))
	client.version, want["os"] = "7", "iPadOS"
	require.Empty(t, cmp.Diff(want, s.details(t, client, "A")))
	client.version, want["mdm_migration_deadline"] = "8", "2026-06-01T00:00:00Z"
	require.Empty(t, cmp.Diff(want, s.details(t, client, "A")))
	client.version = "10"
	want["imei"], want["meid"], want["eid"] = []any{"35"}, []any{"99"}, "89"
	want["wifi_mac_address"], want["bluetooth_mac_address"], want["ethernet_mac_address"] = "w", "b", "e"
	want["is_replacement_device"] = true
	require.Empty(t, cmp.Diff(want, s.details(t, client, "A")))
}

func TestDetailsAreOfTheServicesOwnDevices(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.org.AddDevices(appletest.Device{Serial: "UNASSIGNED"})
	client := s.connect(t)
	require.Equal(t, "NOT_ACCESSIBLE", s.details(t, client, "UNASSIGNED")["response_status"])
	require.Equal(t, "NOT_ACCESSIBLE", s.details(t, client, "UNKNOWN")["response_status"])
	require.Equal(t, "DEVICE_ID_REQUIRED", do(t, client, "POST", "/devices", `{"devices":[]}`).Body)
	require.Equal(t, "DEVICE_ID_REQUIRED", do(t, client, "POST", "/devices", `{}`).Body)
	require.Equal(t, 200, do(t, client, "POST", "/devices", `{"devices":["A","B","C"]}`).Status)
	s.apple.Change(func(b *appletest.Behavior) { b.DevicesMax = 2 })
	require.Equal(t, 400, do(t, client, "POST", "/devices", `{"devices":["A","B","C"]}`).Status)
	require.Equal(t, 200, do(t, client, "POST", "/devices", `{"devices":["A","B"]}`).Status)
}

func TestAssigningIsAllOrNothing(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.org.AddDevices(appletest.Device{Serial: "A"})
	require.ErrorIs(t, s.admin.Assign(s.service, "A", "UNKNOWN"), appletest.ErrUnknownDevice)
	client := s.connect(t)
	require.Equal(t, "NOT_ACCESSIBLE", s.details(t, client, "A")["response_status"])
	require.ErrorIs(t, s.org.AddAdmin("staff@acme.example", appletest.Staff).Assign(s.service, "A"), appletest.ErrRole)
	require.ErrorIs(t, s.admin.Unassign("UNKNOWN"), appletest.ErrUnknownDevice)
	stranger := s.apple.AddOrganization("Other").AddAdmin("it@other.example")
	require.ErrorIs(t, stranger.Assign(s.service), appletest.ErrForeign)
	s.service.Delete()
	require.ErrorIs(t, s.admin.Assign(s.service, "A"), appletest.ErrDeleted)
}

func TestActivationLock(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.org.AddDevices(appletest.Device{Serial: "A"}, appletest.Device{Serial: "TV", NoActivationLock: true},
		appletest.Device{Serial: "UNASSIGNED"}, appletest.Device{Serial: "B"}, appletest.Device{Serial: "BAD", LockFails: true})
	require.NoError(t, s.admin.Assign(s.service, "A", "TV", "B", "BAD"))
	client := s.connect(t)
	lock := func(serial string) string {
		t.Helper()
		var out map[string]string
		body := `{"device":"` + serial + `","escrow_key":"` + key64 + `","lost_message":"call us"}`
		do(t, client, "POST", "/device/activationlock", body).decode(t, &out)
		require.Equal(t, serial, out["serial_number"])
		return out["response_status"]
	}
	require.Equal(t, "SUCCESS", lock("A"))
	require.Equal(t, "DEVICE_ALREADY_LOCKED", lock("A"))
	require.Equal(t, "DEVICE_NOT_SUPPORTED", lock("TV"))
	require.Equal(t, "FAILED", lock("BAD"))
	require.Equal(t, "FAILED", lock("BAD"), "it was not locked the first time")
	require.Equal(t, "NOT_ACCESSIBLE", lock("UNASSIGNED"))
	s.org.DisableActivationLock()
	require.Equal(t, "ORG_NOT_SUPPORTED", lock("B"))
	require.Equal(t, "DEVICE_ID_REQUIRED", do(t, client, "POST", "/device/activationlock", `{}`).Body)
	for _, key := range []string{"12", "zz", key64 + "00"} {
		r := do(t, client, "POST", "/device/activationlock", `{"device":"B","escrow_key":"`+key+`"}`)
		require.Equal(t, "MALFORMED_REQUEST_BODY", r.Body)
	}
}

const key64 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
