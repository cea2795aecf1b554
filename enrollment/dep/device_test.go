package dep_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// device reads one as a page lists it.
func device(t *testing.T, body string) dep.Device {
	t.Helper()
	page := `{"cursor":"c","more_to_follow":false,"devices":[` + body + `]}`
	devices, _, err := collect(answering(t, text(200, page), dep.Options{}).FetchDevices(t.Context(), dep.From{}))
	require.NoError(t, err, body)
	require.Len(t, devices, 1)
	return devices[0]
}

func TestEveryDocumentedFieldOfADeviceIsRead(t *testing.T) {
	got := device(t, `{"serial_number":"C02","model":"MacBook Air","description":"MBA 13","color":"SPACE GRAY","asset_tag":"17",
		"os":"OSX","device_family":"Mac","profile_uuid":"88FC","profile_status":"pushed",
		"profile_assign_time":"2026-09-01T10:00:00Z","profile_push_time":"2026-09-01T12:00:00+02:00",
		"device_assigned_date":"2026-08-01T10:00:00Z","device_assigned_by":"it@acme.example",
		"mdm_migration_deadline":"2026-12-01T00:00:00Z","imei":["35","36"],"meid":["A1"],"eid":"8904",
		"wifi_mac_address":"00:11","bluetooth_mac_address":"00:12","ethernet_mac_address":"00:13",
		"is_replacement_device":true,"released_by_replacement":true,"op_type":"Deleted","op_date":"2026-09-02T10:00:00Z"}`)
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return at
	}
	assert.Empty(t, cmp.Diff(dep.Device{
		Serial: "C02", Model: "MacBook Air", Description: "MBA 13", Color: "SPACE GRAY", AssetTag: "17", OS: "OSX", Family: "Mac",
		ProfileUUID: "88FC", ProfileStatus: dep.ProfilePushed,
		ProfileAssigned: at("2026-09-01T10:00:00Z"), ProfilePushed: at("2026-09-01T10:00:00Z"),
		Assigned: at("2026-08-01T10:00:00Z"), AssignedBy: "it@acme.example", MigrationDeadline: at("2026-12-01T00:00:00Z"),
		IMEI: []string{"35", "36"}, MEID: []string{"A1"}, EID: "8904", WiFiMAC: "00:11", BluetoothMAC: "00:12", EthernetMAC: "00:13",
		IsReplacement: true, ReleasedByReplacement: true, Op: dep.OpDeleted, OpDate: at("2026-09-02T10:00:00Z"),
	}, got))
}

// What Apple adds one day, and what is not as it documents, is there for the host to look at.
func TestUnknownFieldsAndValuesAreKept(t *testing.T) {
	got := device(t, `{"serial_number":"C02","chip":{"name":"M9","cores":[1,2]},"mdm_migration_deadline":"soon","color":7,
		"is_replacement_device":"yes","imei":"35","op_type":"a\nb","Serial_number_old":"C01","model":null,"profile_status":"STAGED"}`)
	want := map[string]json.RawMessage{
		"chip": json.RawMessage(`{"name":"M9","cores":[1,2]}`), "mdm_migration_deadline": json.RawMessage(`"soon"`),
		"color": json.RawMessage(`7`), "is_replacement_device": json.RawMessage(`"yes"`), "imei": json.RawMessage(`"35"`),
		"op_type": json.RawMessage(`"a\nb"`), "Serial_number_old": json.RawMessage(`"C01"`),
	}
	assert.Empty(t, cmp.Diff(dep.Device{Serial: "C02", ProfileStatus: "staged", Extra: want}, got))
}

func TestTextsOfADeviceAreFitForAScreen(t *testing.T) {
	got := device(t, `{"serial_number":"C02","model":"Mac\u001b[31m\u202eBook\r\nX-Evil: 1","device_assigned_by":"\u0000a@b"}`)
	assert.Equal(t, "Mac [31m Book  X-Evil: 1", got.Model)
	assert.Equal(t, "a@b", got.AssignedBy)
}

func TestLatestKeepsTheLatestEntryOfEachDevice(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 9, 1, hour, 0, 0, 0, time.UTC) }
	in := []dep.Device{
		{Serial: "B", Op: dep.OpAdded, OpDate: at(1)}, {Serial: "A", Op: dep.OpDeleted, OpDate: at(3)},
		{Serial: "A", Op: dep.OpModified, OpDate: at(2)}, {Serial: "B", Op: dep.OpModified, OpDate: at(1)},
		{Serial: "C", Op: dep.OpAdded},
	}
	before := append([]dep.Device(nil), in...)
	got := dep.Latest(in)
	assert.Equal(t, []dep.Device{
		{Serial: "A", Op: dep.OpDeleted, OpDate: at(3)}, {Serial: "B", Op: dep.OpModified, OpDate: at(1)}, {Serial: "C", Op: dep.OpAdded},
	}, got)
	assert.Equal(t, before, in, "the caller's list is left alone")
	assert.Empty(t, dep.Latest(nil))
}
