package appletest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// listing is the answer of both list calls.
type listing struct {
	Devices []map[string]any `json:"devices"`
	Cursor  string           `json:"cursor"`
	More    bool             `json:"more_to_follow"`
	Until   time.Time        `json:"fetched_until"`
}

func (l listing) serials() []string {
	var out []string
	for _, d := range l.Devices {
		out = append(out, d["serial_number"].(string))
	}
	return out
}

func list(t *testing.T, client headers, path, cursor string, limit int) listing {
	t.Helper()
	body := fmt.Sprintf(`{"limit":%d}`, limit)
	if cursor != "" {
		body = fmt.Sprintf(`{"cursor":%q,"limit":%d}`, cursor, limit)
	}
	var out listing
	do(t, client, "POST", path, body).decode(t, &out)
	return out
}

// code is the error code of a list call.
func code(t *testing.T, client headers, path, cursor string) string {
	t.Helper()
	r := do(t, client, "POST", path, fmt.Sprintf(`{"cursor":%q}`, cursor))
	require.Equal(t, 400, r.Status, r.Body)
	return r.Body
}

func (s *shop) buy(t *testing.T, n int) (serials []string) {
	t.Helper()
	for i := range n {
		serial := fmt.Sprintf("S%05d", i)
		s.org.AddDevices(appletest.Device{Serial: serial})
		serials = append(serials, serial)
	}
	require.NoError(t, s.admin.Assign(s.service, serials...))
	return serials
}

func TestFetchPagesOverASnapshot(t *testing.T) {
	s := newShop(t, appletest.Options{})
	serials := s.buy(t, 250)
	s.org.AddDevices(appletest.Device{Serial: "UNASSIGNED"})
	client := s.connect(t)

	first := list(t, client, "/server/devices", "", 0)
	require.Equal(t, serials[:100], first.serials(), "a hundred, unless asked for more")
	require.True(t, first.More)
	require.NotEmpty(t, first.Cursor)
	require.LessOrEqual(t, len(first.Cursor), 1000)
	require.NotContains(t, first.Devices[0], "op_type", "fetching lists what is, not what changed")
	require.WithinDuration(t, s.apple.Now(), first.Until, time.Minute)

	second := list(t, client, "/server/devices", first.Cursor, 149)
	require.Equal(t, serials[100:249], second.serials())
	require.True(t, second.More)
	last := list(t, client, "/server/devices", second.Cursor, 1000)
	require.Equal(t, serials[249:], last.serials())
	require.False(t, last.More)
	require.Equal(t, "EXHAUSTED_CURSOR", code(t, client, "/server/devices", last.Cursor))
}

func TestPagesAreLimited(t *testing.T) {
	s := newShop(t, appletest.Options{Behavior: appletest.Behavior{PageDefault: 2, PageMax: 3}})
	s.buy(t, 10)
	client := s.connect(t)
	require.Len(t, list(t, client, "/server/devices", "", 0).Devices, 2)
	require.Len(t, list(t, client, "/server/devices", "", 5000).Devices, 3)
	require.Equal(t, 400, do(t, client, "POST", "/server/devices", `{"limit":-1}`).Status)
	require.Len(t, list(t, client, "/server/devices", "", 1).Devices, 1)
	var whole listing
	do(t, client, "POST", "/server/devices", "").decode(t, &whole) // an empty body is an empty object
	require.Len(t, whole.Devices, 2)
}

func TestSyncListsWhatChanged(t *testing.T) {
	now, move := fixed(time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC))
	s := newShop(t, appletest.Options{Now: now, Behavior: appletest.Behavior{SessionLife: ages, TimestampWindow: ages}})
	s.buy(t, 2)
	client := s.connect(t)
	start := list(t, client, "/server/devices", "", 1)
	// What changes while pages are fetched is not lost.
	s.org.AddDevices(appletest.Device{Serial: "NEW"})
	move(time.Hour)
	require.NoError(t, s.admin.Assign(s.service, "NEW"))
	fetched := list(t, client, "/server/devices", start.Cursor, 100)
	require.False(t, fetched.More)

	changes := list(t, client, "/devices/sync", fetched.Cursor, 100)
	require.Equal(t, []string{"NEW"}, changes.serials())
	require.Equal(t, "added", changes.Devices[0]["op_type"])
	require.Equal(t, "2026-05-01T09:00:00Z", changes.Devices[0]["op_date"])
	require.Equal(t, changes.Devices[0]["op_date"], changes.Devices[0]["device_assigned_date"])
	require.False(t, changes.More)
	require.Empty(t, list(t, client, "/devices/sync", changes.Cursor, 100).Devices, "nothing since")
	require.Equal(t, []string{"NEW"}, list(t, client, "/devices/sync", fetched.Cursor, 100).serials(),
		"an older cursor tells it again")

	move(time.Hour)
	require.NoError(t, s.admin.Unassign("NEW", "S00000"))
	require.NoError(t, s.admin.Unassign("NEW"), "twice is once")
	page := list(t, client, "/devices/sync", changes.Cursor, 1)
	require.True(t, page.More)
	page = list(t, client, "/devices/sync", page.Cursor, 1)
	require.False(t, page.More)
	require.Equal(t, "deleted", page.Devices[0]["op_type"])
	require.Equal(t, "EXHAUSTED_CURSOR", code(t, client, "/server/devices", page.Cursor))
}

func TestReassignedDevicesLeaveOneServiceAndComeToTheOther(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.buy(t, 2)
	service, err := s.admin.CreateService("New MDM", pair().pem())
	require.NoError(t, err)
	other := &shop{apple: s.apple, org: s.org, admin: s.admin, service: service}
	other.token = other.download(t, s.admin)
	here, there := s.connect(t), other.connect(t)
	hereCursor := list(t, here, "/server/devices", "", 100).Cursor
	thereCursor := list(t, there, "/server/devices", "", 100).Cursor

	require.NoError(t, s.admin.Assign(service, "S00000"))
	left := list(t, here, "/devices/sync", hereCursor, 100)
	require.Equal(t, "deleted", left.Devices[0]["op_type"])
	came := list(t, there, "/devices/sync", thereCursor, 100)
	require.Equal(t, "added", came.Devices[0]["op_type"])
	require.Equal(t, "empty", came.Devices[0]["profile_status"])
	require.Equal(t, "it@acme.example", came.Devices[0]["device_assigned_by"])

	s.apple.Change(func(b *appletest.Behavior) { b.ReassignAsModified = true })
	require.NoError(t, s.admin.Assign(service, "S00001"))
	came = list(t, there, "/devices/sync", came.Cursor, 100)
	require.Equal(t, "modified", came.Devices[0]["op_type"], "as it was seen to happen")

	service.Delete()
	require.Equal(t, 401, do(t, there, "POST", "/server/devices", "{}").Status)
	require.NoError(t, s.admin.Assign(s.service, "S00000", "S00001"), "the devices are the organization's still")
}

func TestCursorsAreJudged(t *testing.T) {
	now, move := fixed(time.Now())
	s := newShop(t, appletest.Options{Now: now, Behavior: appletest.Behavior{SessionLife: ages}})
	s.buy(t, 3)
	client := s.connect(t)
	unfinished := list(t, client, "/server/devices", "", 1).Cursor
	finished := list(t, client, "/server/devices", "", 100).Cursor

	require.Equal(t, "CURSOR_REQUIRED", code(t, client, "/devices/sync", ""))
	require.Equal(t, "INVALID_CURSOR", code(t, client, "/devices/sync", unfinished))
	for _, path := range []string{"/server/devices", "/devices/sync"} {
		for _, bad := range []string{"x", "MTIz", finished[:40], "A" + finished[1:]} {
			require.Equal(t, "INVALID_CURSOR", code(t, client, path, bad), "%s %s", path, bad)
		}
	}
	service, err := s.admin.CreateService("New MDM", pair().pem())
	require.NoError(t, err)
	other := &shop{apple: s.apple, service: service}
	other.token = other.download(t, s.admin)
	require.Equal(t, "INVALID_CURSOR", code(t, other.connect(t), "/devices/sync", finished), "another service's")

	move(7 * 24 * time.Hour)
	require.Empty(t, list(t, client, "/devices/sync", finished, 1).Devices)
	move(time.Second)
	require.Equal(t, "EXPIRED_CURSOR", code(t, client, "/devices/sync", finished))
	require.Equal(t, "EXPIRED_CURSOR", code(t, client, "/server/devices", unfinished))
}

func TestCursorMayBeStuck(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.buy(t, 1)
	client := s.connect(t)
	cursor := list(t, client, "/server/devices", "", 10).Cursor
	s.apple.Change(func(b *appletest.Behavior) { b.StuckCursor = true })
	page := list(t, client, "/devices/sync", cursor, 10)
	require.True(t, page.More)
	require.Equal(t, cursor, page.Cursor)
}

// Apple, "Sync the list of devices" (developer.apple.com, June 2025): a device may be listed more than once; a client
// orders by serial number and keeps the latest op_date.
func TestSyncMayRepeatADeviceInAnyOrder(t *testing.T) {
	now, move := fixed(time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC))
	s := newShop(t, appletest.Options{Now: now, Behavior: appletest.Behavior{
		SessionLife: ages, TimestampWindow: ages, NewestFirst: true, CapitalOps: true,
	}})
	client := s.connect(t)
	start := list(t, client, "/server/devices", "", 1)
	s.buy(t, 1)
	move(time.Hour)
	require.NoError(t, s.admin.Unassign("S00000"))
	move(time.Hour)
	require.NoError(t, s.admin.Assign(s.service, "S00000"))

	changes := list(t, client, "/devices/sync", start.Cursor, 2)
	require.Equal(t, []string{"S00000", "S00000"}, changes.serials())
	require.Equal(t, []any{"DELETED", "ADDED"}, []any{changes.Devices[0]["op_type"], changes.Devices[1]["op_type"]})
	require.Greater(t, changes.Devices[0]["op_date"], changes.Devices[1]["op_date"])
	require.True(t, changes.More, "pages still follow each other")
	changes = list(t, client, "/devices/sync", changes.Cursor, 2)
	require.Equal(t, "ADDED", changes.Devices[0]["op_type"])
	require.False(t, changes.More)
}

// The same page (June 2025): a cursor is opaque and has at most 1000 characters. The published ones look like base64.
func TestCursorsAreShort(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.buy(t, 1)
	s.org.AddDevices(appletest.Device{Serial: strings.Repeat("Z", 40)}, appletest.Device{Serial: strings.Repeat("Z", 41)})
	require.NoError(t, s.admin.Assign(s.service, strings.Repeat("Z", 40), strings.Repeat("Z", 41)))
	client := s.connect(t)
	for l := list(t, client, "/server/devices", "", 1); ; l = list(t, client, "/server/devices", l.Cursor, 1) {
		require.LessOrEqual(t, len(l.Cursor), 1000)
		require.Regexp(t, `^[A-Za-z0-9+/]+=*$`, l.Cursor)
		if !l.More {
			return
		}
	}
}
