package dep_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// seen is a request as it arrived.
type seen struct {
	request string
	header  http.Header
	body    string
}

// record lets a client make every call and returns what arrived, by method and path.
func record(t *testing.T) map[string]seen {
	t.Helper()
	got := map[string]seen{}
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		var body strings.Builder
		_ = r.Write(&body)
		_, text, _ := strings.Cut(body.String(), "\r\n\r\n")
		got[r.Method+" "+r.URL.Path] = seen{r.Method + " " + r.URL.RequestURI(), r.Header, text}
		_, _ = w.Write([]byte(`{"profile_uuid":"P","cursor":"c","more_to_follow":false}`))
	}, dep.Options{})
	everything(t, c)
	return got
}

// Each row is a fact of Apple's documents that this package stands on, with the document and its date. A row that fails
// means that either the code or the fact has changed.
func TestAppleDocs(t *testing.T) {
	got := record(t)
	for _, fact := range []struct {
		document, date, says string
		holds                func(t *testing.T)
	}{
		{"Authenticating with a device management server", "2025-06", "every call but the session's carries X-ADM-Auth-Session", func(t *testing.T) {
			for path, r := range got {
				assert.Equal(t, "session-of-the-test", r.header.Get("X-ADM-Auth-Session"), path)
			}
		}},
		{"Authenticating with a device management server", "2025-06", "any answer may bring another session, to be used from then on", func(t *testing.T) {
			TestASessionThatAnAnswerBringsIsUsedFromThenOn(t)
		}},
		{"Interpreting error codes", "2025-06", "a missing or expired session is 401; get another one", func(t *testing.T) {
			TestAnEndedSessionIsReplacedAndTheCallRepeatedOnce(t)
		}},
		{"Interpreting error codes", "2025-06", "User-Agent is mandatory", func(t *testing.T) {
			for path, r := range got {
				assert.Equal(t, dep.DefaultUserAgent, r.header.Get("User-Agent"), path)
			}
		}},
		{"Device", "2026-09", "protocol version 8 has mdm_migration_deadline, 10 has imei, meid, eid and the MAC addresses", func(t *testing.T) {
			TestPain04_VersionTenTellsOfMigration(t)
		}},
		{"Assign a profile", "2026-09", "protocol version 9 has THROTTLED, 10 has retry_after_seconds", func(t *testing.T) {
			TestThrottledDevicesSayWhenToComeBack(t)
		}},
		{"Fetch a list of devices", "2025-06", "POST /server/devices, without a cursor at first; at most 1000 devices per page", func(t *testing.T) {
			assert.JSONEq(t, `{"limit":1000}`, got["POST /server/devices"].body)
		}},
		{"Sync the list of devices", "2025-06", "POST /devices/sync, with a cursor", func(t *testing.T) {
			assert.JSONEq(t, `{"cursor":"c","limit":1000}`, got["POST /devices/sync"].body)
		}},
		{"Sync the list of devices", "2025-06", "a cursor lives for seven days", func(t *testing.T) {
			assert.Equal(t, 168*time.Hour, dep.CursorLife)
			TestCursorsThatDoNotLead(t)
		}},
		{"Sync the list of devices", "2025-06", "a device may come several times; the latest op_date counts", func(t *testing.T) {
			TestLatestKeepsTheLatestEntryOfEachDevice(t)
		}},
		{"Get device details", "2025-06", "POST /devices", func(t *testing.T) {
			assert.JSONEq(t, `{"devices":["A"]}`, got["POST /devices"].body)
		}},
		{"Define a profile", "2025-06", "POST /profile", func(t *testing.T) { assert.Contains(t, got, "POST /profile") }},
		{"Profile", "2026-07", "is_mdm_removable is required", func(t *testing.T) {
			assert.JSONEq(t, `{"is_mdm_removable":true}`, got["POST /profile"].body)
		}},
		{"Get a profile", "2025-06", "GET /profile?profile_uuid=", func(t *testing.T) {
			assert.Equal(t, "GET /profile?profile_uuid=P", got["GET /profile"].request)
		}},
		{"Assign a profile", "2026-09", "POST /profile/devices, at most 1000 devices per call", func(t *testing.T) {
			assert.JSONEq(t, `{"profile_uuid":"P","devices":["A"]}`, got["POST /profile/devices"].body)
			assert.Equal(t, 1000, dep.MaxDevices)
		}},
		{"Remove a profile", "2025-06", "DELETE /profile/devices", func(t *testing.T) {
			assert.JSONEq(t, `{"devices":["A"]}`, got["DELETE /profile/devices"].body)
		}},
		{"Activation lock a device", "2025-06", "POST /device/activationlock; the escrow key and the message are optional", func(t *testing.T) {
			assert.JSONEq(t, `{"device":"A"}`, got["POST /device/activationlock"].body)
		}},
		{"Account Detail", "2025-06", "urls has the limits of the calls that page", func(t *testing.T) {
			w := newWorld(t, appletest.Options{Behavior: appletest.Behavior{PageDefault: 7, PageMax: 9}})
			account, err := w.client(t, dep.Options{}).Account(t.Context())
			require.NoError(t, err)
			assert.Equal(t, map[string]dep.Limit{"/server/devices": {Default: 7, Maximum: 9}, "/devices/sync": {Default: 7, Maximum: 9}}, account.Limits)
		}},
		{"Interpreting Automated Device Enrollment error codes", "2026-09", "the codes of the table", func(t *testing.T) {
			TestEveryDocumentedCodeIsTyped(t)
		}},
		{"Disown devices", "2025-06", "releases devices for ever: never called", func(t *testing.T) {
			assert.NotContains(t, got, "POST /devices/disown")
			paths := make([]string, 0, len(got))
			for path := range got {
				paths = append(paths, path)
			}
			slices.Sort(paths)
			assert.Equal(t, []string{
				"DELETE /profile/devices", "GET /account", "GET /profile", "POST /device/activationlock", "POST /devices", "POST /devices/sync",
				"POST /profile", "POST /profile/devices", "POST /server/devices",
			}, paths, "these are all calls that there are")
		}},
	} {
		t.Run(fact.document+", "+fact.date+": "+fact.says, fact.holds)
	}
}
