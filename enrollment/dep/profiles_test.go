package dep_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

func fullProfile() dep.Profile {
	return dep.Profile{
		Name: "Acme", URL: "https://mdm.acme.example/enroll", WebURL: "https://mdm.acme.example/web", Magic: "acme",
		Department: "IT", SupportPhone: "+1 555 0100", SupportEmail: "help@acme.example", Language: "en", Region: "US",
		Supervised: true, Mandatory: true, NotRemovable: true, MultiUser: true, AwaitConfigured: true, AutoAdvance: true,
		ReturnToService: true, NoProfileFromBackup: true, SkipItems: []string{"Siri"}, AnchorCertificates: []string{"MIIB"},
		SupervisingHostsCerts: []string{"MIIC"}, Extra: map[string]json.RawMessage{"allow_pairing": json.RawMessage(`false`)},
	}
}

func TestAProfileComesBackAsItWasDefined(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	c := w.client(t, dep.Options{})
	for _, p := range []dep.Profile{fullProfile(), {Name: "Acme \"2\"\n", URL: "https://a.example", Magic: strings.Repeat("m", 256)}} {
		uuid, err := c.DefineProfile(t.Context(), p)
		require.NoError(t, err)
		got, err := c.Profile(t.Context(), uuid)
		require.NoError(t, err)
		p.UUID = uuid
		assert.Empty(t, cmp.Diff(p, got))

		again, err := c.DefineProfile(t.Context(), got)
		require.NoError(t, err, "what was read can be defined again")
		assert.NotEqual(t, uuid, again)
	}
	_, err := c.Profile(t.Context(), "UNKNOWN")
	require.ErrorIs(t, err, dep.ErrNotFound)
}

// is_mdm_removable and org_magic are required (Apple, "Profile"); extra fields never replace what the host has set.
func TestWhatIsSentOfAProfile(t *testing.T) {
	var body string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		body = string(raw)
		_, _ = w.Write([]byte(`{"profile_uuid":"P","devices":{}}`))
	}, dep.Options{})
	_, err := c.DefineProfile(t.Context(), dep.Profile{Name: "n", URL: "u", Magic: "m", UUID: "OLD", Extra: map[string]json.RawMessage{
		"profile_name": json.RawMessage(`"other"`), "devices": json.RawMessage(`["A"]`), "is_supervised": json.RawMessage(`true`),
		"allow_pairing": json.RawMessage(`false`),
	}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"profile_name":"n","url":"u","org_magic":"m","is_mdm_removable":true,"allow_pairing":false}`, body)

	_, err = c.DefineProfile(t.Context(), dep.Profile{Extra: map[string]json.RawMessage{"x": json.RawMessage(`{`)}})
	require.ErrorIs(t, err, dep.ErrInput)
	require.ErrorContains(t, err, `Extra["x"] is no JSON`)
}

// What a profile does not say is as Apple's default is: its management can be removed (Apple, "Profile").
func TestDefaultsOfAProfile(t *testing.T) {
	for body, notRemovable := range map[string]bool{`{}`: false, `{"is_mdm_removable":true}`: false, `{"is_mdm_removable":null}`: false, `{"is_mdm_removable":false}`: true} {
		got, err := answering(t, text(200, body), dep.Options{}).Profile(t.Context(), "P")
		require.NoError(t, err)
		assert.Equal(t, dep.Profile{UUID: "P", NotRemovable: notRemovable}, got, body)
	}
}

func TestProfilesThatAreNone(t *testing.T) {
	for _, body := range []string{
		`[]`, `{"is_supervised":"yes"}`, `{"url":7}`, `{"skip_setup_items":"all"}`, `{"profile_uuid":"OTHER"}`, `{"url":"a","URL":"b"}`,
	} {
		_, err := answering(t, text(200, body), dep.Options{}).Profile(t.Context(), "P")
		require.ErrorIs(t, err, dep.ErrAnswer, body)
	}
	for _, body := range []string{`{}`, `{"profile_uuid":7}`, `{"profile_uuid":"a b"}`} {
		_, err := answering(t, text(200, body), dep.Options{}).DefineProfile(t.Context(), fullProfile())
		require.ErrorIs(t, err, dep.ErrAnswer, body)
		assert.Equal(t, enrollment.Unknown, dep.Outcome(err), "Apple has it, under a name that nobody knows")
	}
	c := answering(t, text(200, `{}`), dep.Options{})
	for _, uuid := range []string{"", "a b", strings.Repeat("A", 129), "A&b=\r\n"} {
		_, err := c.Profile(t.Context(), uuid)
		require.ErrorIs(t, err, dep.ErrInput, "%q", uuid)
		_, err = c.AssignProfile(t.Context(), uuid, "A")
		require.ErrorIs(t, err, dep.ErrInput, "%q", uuid)
	}
}

func TestAssignAndRemoveAProfile(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	serials := w.devices(t, 2)
	c := w.client(t, dep.Options{})
	uuid := profile(t, c)

	results, err := c.AssignProfile(t.Context(), uuid, serials[1], "ELSEWHERE", serials[0])
	require.NoError(t, err)
	require.Len(t, results, 3)
	assert.Equal(t, []string{serials[1], "ELSEWHERE", serials[0]}, []string{results[0].Serial, results[1].Serial, results[2].Serial})
	require.NoError(t, results[0].Err())
	require.ErrorIs(t, results[1].Err(), dep.ErrNotAccessible)
	assert.Equal(t, enrollment.Fatal, dep.Outcome(results[1].Err()))
	assert.Equal(t, 1, w.apple.Count("POST", "/profile/devices"), "POST is what Apple documents now")

	status := func() dep.Device {
		details, err := c.DeviceDetails(t.Context(), serials[0])
		require.NoError(t, err)
		return details[0].Device
	}
	assert.Equal(t, dep.ProfileAssigned, status().ProfileStatus)
	assert.Equal(t, uuid, status().ProfileUUID)
	require.True(t, w.org.FetchProfile(serials[0]))
	assert.Equal(t, dep.ProfilePushed, status().ProfileStatus)
	assert.False(t, status().ProfilePushed.IsZero())

	results, err = c.RemoveProfile(t.Context(), serials[0], "ELSEWHERE")
	require.NoError(t, err)
	require.NoError(t, results[0].Err())
	require.ErrorIs(t, results[1].Err(), dep.ErrNotAccessible)
	assert.Equal(t, dep.ProfileRemoved, status().ProfileStatus)
	assert.Empty(t, status().ProfileUUID)

	_, err = c.AssignProfile(t.Context(), "UNKNOWN", serials...)
	require.ErrorIs(t, err, dep.ErrNotFound)
	assert.Equal(t, enrollment.Fatal, dep.Outcome(err))
}

func TestThrottledDevicesSayWhenToComeBack(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	serials := w.devices(t, 2)
	w.org.ThrottleAssignments(90*time.Second, serials[1])
	for version, wait := range map[int]time.Duration{10: 90 * time.Second, 9: 0} {
		c := w.client(t, dep.Options{ProtocolVersion: version})
		results, err := c.AssignProfile(t.Context(), profile(t, c), serials...)
		require.NoError(t, err)
		require.NoError(t, results[0].Err())
		assert.Zero(t, results[0].RetryAfter, "only who is throttled waits")
		one := results[1].Err()
		require.ErrorIs(t, one, dep.ErrThrottled)
		assert.InDelta(t, wait, results[1].RetryAfter, float64(2*time.Second), "version %d", version)
		assert.Equal(t, enrollment.Retry, dep.Outcome(one))
		var device *dep.DeviceError
		require.ErrorAs(t, one, &device)
		assert.Equal(t, results[1].RetryAfter, device.RetryAfter())
		require.ErrorContains(t, one, "again")
	}
}

func TestAWaitForADeviceIsBelievedWithinReason(t *testing.T) {
	for said, wait := range map[string]time.Duration{
		"30": 30 * time.Second, "99999999": 24 * time.Hour, "-5": 0, `"30"`: 0, "1e99": 0, "9223372036854775807": 0, "null": 0, "1.5": 0,
	} {
		c := answering(t, text(200, `{"profile_uuid":"P","devices":{"A":"THROTTLED"},"retry_after_seconds":`+said+`}`), dep.Options{})
		results, err := c.AssignProfile(t.Context(), "P", "A")
		require.NoError(t, err, said)
		assert.Equal(t, wait, results[0].RetryAfter, said)
	}
}

func TestADeviceThatTheAnswerToAWriteForgetsIsUnknown(t *testing.T) {
	c := answering(t, text(200, `{"devices":{"A":"SUCCESS","C":"PARTLY","D":"FAILED"}}`), dep.Options{})
	results, err := c.AssignProfile(t.Context(), "P", "A", "B", "C", "D")
	require.NoError(t, err)
	var got []enrollment.Outcome
	for _, r := range results {
		got = append(got, dep.Outcome(r.Err()))
	}
	assert.Equal(t, []enrollment.Outcome{enrollment.OK, enrollment.Unknown, enrollment.Unknown, enrollment.Retry}, got)
	require.ErrorContains(t, results[2].Err(), "device C: Apple answered PARTLY")
}
