package appletest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// good is a profile that Apple takes.
func good() map[string]any {
	return map[string]any{
		"profile_name": "Acme", "url": "https://mdm.acme.example/enroll", "org_magic": "acme", "is_supervised": true,
		"is_mdm_removable": false, "skip_setup_items": []string{"Siri"}, "something_new": "kept",
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// given is the answer of the calls that give a profile to devices.
type given struct {
	UUID    string            `json:"profile_uuid"`
	Devices map[string]string `json:"devices"`
	Retry   *int              `json:"retry_after_seconds"`
}

func define(t *testing.T, client headers, profile map[string]any) given {
	t.Helper()
	var out given
	do(t, client, "POST", "/profile", encode(t, profile)).decode(t, &out)
	require.NotEmpty(t, out.UUID)
	return out
}

func assign(t *testing.T, client headers, method, uuid string, serials ...string) given {
	t.Helper()
	var out given
	body := encode(t, map[string]any{"profile_uuid": uuid, "devices": serials})
	do(t, client, method, "/profile/devices", body).decode(t, &out)
	return out
}

func TestProfilesAreChecked(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	long := func(n int) string { return strings.Repeat("ä", n) }
	for _, c := range []struct {
		field string
		value any // nil: without the field
		code  string
	}{
		{"profile_name", nil, "CONFIG_NAME_REQUIRED"},
		{"profile_name", "", "CONFIG_NAME_REQUIRED"},
		{"profile_name", long(126), "CONFIG_NAME_INVALID"},
		{"url", nil, "CONFIG_URL_REQUIRED"},
		{"url", "not an address", "CONFIG_URL_INVALID"},
		{"url", "https://a.example/" + strings.Repeat("a", 2000), "CONFIG_URL_INVALID"},
		{"department", long(126), "DEPARTMENT_INVALID"},
		{"org_magic", nil, "MAGIC_INVALID"},
		{"org_magic", long(257), "MAGIC_INVALID"},
		{"support_phone_number", long(51), "SUPPORT_PHONE_INVALID"},
		{"support_email_address", long(251), "SUPPORT_EMAIL_INVALID"},
		{"is_supervised", false, "FLAGS_INVALID"}, // cannot be supervised and not removable
		{"language", "german", "LOCALE_INVALID"},
		{"region", "GER", "LOCALE_INVALID"},
	} {
		profile := good()
		if profile[c.field] = c.value; c.value == nil {
			delete(profile, c.field)
		}
		r := do(t, client, "POST", "/profile", encode(t, profile))
		require.Equal(t, 400, r.Status, "%s", c.code)
		require.Equal(t, c.code, r.Body)
	}
	for field, value := range map[string]any{
		"profile_name": long(125), "department": long(125), "org_magic": long(256), "support_phone_number": long(50),
		"support_email_address": long(250), "language": "de", "region": "DE",
		"url": "https://a.example/" + strings.Repeat("a", 2000-18),
	} {
		profile := good()
		profile[field] = value
		define(t, client, profile)
	}
	profile := good()
	profile["configuration_web_url"] = profile["url"]
	delete(profile, "url")
	define(t, client, profile)
}

func TestProfilesAreKept(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	uuid := define(t, client, good()).UUID
	var got map[string]any
	do(t, client, "GET", "/profile?profile_uuid="+uuid, "").decode(t, &got)
	require.Equal(t, uuid, got["profile_uuid"])
	require.Equal(t, "kept", got["something_new"])
	require.NotContains(t, got, "devices")
	require.Equal(t, "PROFILE_UUID_REQUIRED", do(t, client, "GET", "/profile", "").Body)
	require.Equal(t, "PROFILE_UUID_REQUIRED", do(t, client, "GET", "/profile?profile_uuid=%zz", "").Body)
	r := do(t, client, "GET", "/profile?profile_uuid=unknown", "")
	require.Equal(t, 400, r.Status)
	require.Equal(t, "NOT_FOUND", r.Body)
}

func TestProfilesAreAssignedAndRemoved(t *testing.T) {
	now, move := fixed(time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC))
	s := newShop(t, appletest.Options{
		Now: now, Behavior: appletest.Behavior{SessionLife: ages, TimestampWindow: ages},
	})
	s.buy(t, 3)
	client := s.connect(t)
	profile := good()
	profile["devices"] = []string{"S00000", "FOREIGN"}
	defined := define(t, client, profile)
	require.Equal(t, map[string]string{"S00000": "SUCCESS", "FOREIGN": "NOT_ACCESSIBLE"}, defined.Devices)
	require.Equal(t, "assigned", s.details(t, client, "S00000")["profile_status"])

	for i, method := range []string{"POST", "PUT"} {
		serial := []string{"S00001", "S00002"}[i]
		out := assign(t, client, method, defined.UUID, serial, "FOREIGN")
		require.Equal(t, map[string]string{serial: "SUCCESS", "FOREIGN": "NOT_ACCESSIBLE"}, out.Devices)
		require.Equal(t, defined.UUID, out.UUID)
		d := s.details(t, client, serial)
		require.Equal(t, defined.UUID, d["profile_uuid"])
		require.Equal(t, "2026-05-01T08:00:00Z", d["profile_assign_time"])
	}
	r := do(t, client, "POST", "/profile/devices", `{"profile_uuid":"unknown","devices":["S00001"]}`)
	require.Equal(t, 404, r.Status)
	require.Equal(t, "PROFILE_UUID_REQUIRED", do(t, client, "POST", "/profile/devices", `{"devices":["A"]}`).Body)
	body := `{"profile_uuid":"` + defined.UUID + `"}`
	require.Equal(t, "DEVICE_ID_REQUIRED", do(t, client, "POST", "/profile/devices", body).Body)
	require.Equal(t, "DEVICE_ID_REQUIRED", do(t, client, "DELETE", "/profile/devices", `{}`).Body)

	move(time.Hour)
	require.True(t, s.org.FetchProfile("S00001"))
	d := s.details(t, client, "S00001")
	require.Equal(t, "pushed", d["profile_status"])
	require.Equal(t, "2026-05-01T09:00:00Z", d["profile_push_time"])

	var out given
	do(t, client, "DELETE", "/profile/devices", `{"devices":["S00001","FOREIGN"]}`).decode(t, &out)
	require.Equal(t, map[string]string{"S00001": "SUCCESS", "FOREIGN": "NOT_ACCESSIBLE"}, out.Devices)
	require.Equal(t, "removed", s.details(t, client, "S00001")["profile_status"])
	require.False(t, s.org.FetchProfile("S00001"), "there is none")
	require.False(t, s.org.FetchProfile("UNKNOWN"))
}

// Observed: assigning a device to the service that it has drops its profile, and shows as a modification.
func TestReassigningDropsTheProfile(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.buy(t, 1)
	client := s.connect(t)
	uuid := define(t, client, good()).UUID
	cursor := list(t, client, "/server/devices", "", 10).Cursor
	assign(t, client, "POST", uuid, "S00000")
	require.Empty(t, list(t, client, "/devices/sync", cursor, 10).Devices)
	require.NoError(t, s.admin.Assign(s.service, "S00000"))
	changes := list(t, client, "/devices/sync", cursor, 10)
	require.Equal(t, "modified", changes.Devices[0]["op_type"])
	require.Equal(t, "removed", changes.Devices[0]["profile_status"])
	require.NotContains(t, changes.Devices[0], "profile_uuid")

	s.apple.Change(func(b *appletest.Behavior) { b.ProfileEvents = true })
	assign(t, client, "POST", uuid, "S00000")
	changes = list(t, client, "/devices/sync", changes.Cursor, 10)
	require.Equal(t, "assigned", changes.Devices[0]["profile_status"], "where assignments are listed")
}

func TestAssignmentsAreThrottledDeviceByDevice(t *testing.T) {
	now, move := fixed(time.Now())
	s := newShop(t, appletest.Options{Now: now})
	s.buy(t, 2)
	client := s.connect(t)
	uuid := define(t, client, good()).UUID
	s.org.ThrottleAssignments(90*time.Second, "S00001", "UNKNOWN")

	both := map[string]string{"S00000": "SUCCESS", "S00001": "THROTTLED"}
	out := assign(t, client, "POST", uuid, "S00000", "S00001")
	require.Equal(t, both, out.Devices)
	require.Equal(t, 90, *out.Retry)
	require.Equal(t, "empty", s.details(t, client, "S00001")["profile_status"], "nothing was done")

	client.version = "9"
	out = assign(t, client, "POST", uuid, "S00000", "S00001")
	require.Equal(t, both, out.Devices)
	require.Nil(t, out.Retry, "came with version 10")

	move(89 * time.Second)
	client.version = "10"
	require.Equal(t, 1, *assign(t, client, "POST", uuid, "S00001").Retry)
	move(time.Second)
	out = assign(t, client, "POST", uuid, "S00001")
	require.Equal(t, "SUCCESS", out.Devices["S00001"])
	require.Nil(t, out.Retry)

	s.org.ThrottleAssignments(time.Minute, "S00001")
	client.version = "8"
	require.Equal(t, "SUCCESS", assign(t, client, "POST", uuid, "S00001").Devices["S00001"], "before version 9")
}
