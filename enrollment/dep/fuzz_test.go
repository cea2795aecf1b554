package dep

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// answering is a client whose transport answers every request with these bytes, sessions aside.
func answering(t *testing.T, status int, body []byte) *Client {
	t.Helper()
	token, err := abmtoken.ParseToken([]byte(`{"consumer_key":"CK_1","consumer_secret":"CS_consumersecret","access_token":"AT_accesstoken",
		"access_secret":"AS_accesssecret","access_token_expiry":"2099-01-01T00:00:00Z"}`))
	require.NoError(t, err)
	c, err := NewClient(abmtoken.Static(token), Options{Transport: canned{status, body}, MaxPage: 1 << 20})
	require.NoError(t, err)
	return c
}

type canned struct {
	status int
	body   []byte
}

func (a canned) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a.status, string(a.body)
	if r.URL.Path == "/session" {
		status, body = http.StatusOK, `{"auth_session_token":"s"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: readCloser{strings.NewReader(body)}, Request: r}, nil
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

var jsonSeeds = []string{
	`{}`, `{"devices":[{"serial_number":"A","op_type":"added","imei":["1"]}],"cursor":"c","more_to_follow":false,"fetched_until":"2026-09-01T00:00:00Z"}`,
	`{"devices":{"A":{"serial_number":"A","response_status":"SUCCESS"},"B":{"response_status":"NOT_ACCESSIBLE"}}}`,
	`{"profile_uuid":"P","devices":{"A":"SUCCESS","B":"THROTTLED"},"retry_after_seconds":30}`,
	`{"server_uuid":"U","org_name":"\u202e","urls":[{"uri":"/server/devices","limit":{"default":100,"maximum":1000}}]}`,
	`{"profile_uuid":"P","url":"https://a","is_mdm_removable":false,"x":{"y":[1,2]}}`, `{"serial_number":"A","response_status":"SUCCESS"}`,
	`{"a":1,"A":2}`, "\xff", `{"a":1e999}`, strings.Repeat("[", 50), `"\"T_C_NOT_SIGNED\""`, "token_rejected", "",
}

func seed(f *testing.F) {
	f.Helper()
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
}

// fit demands a text that may stand in a log line.
func fit(t *testing.T, text string) {
	t.Helper()
	require.True(t, utf8.ValidString(text))
	require.Less(t, len(text), 2000)
	for _, r := range text {
		require.True(t, unicode.IsPrint(r), "%q", text)
	}
}

// judge demands of an error of any answer what every caller relies on.
func judge(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return true
	}
	require.ErrorIs(t, err, ErrAnswer)
	fit(t, err.Error())
	return false
}

func FuzzPage(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := answering(t, 200, body).page(t.Context(), syncPath, From{Cursor: "c"})
		if !judge(t, err) {
			require.Empty(t, page)
			return
		}
		require.True(t, untrusted.Identifier(page.Cursor, maxCursor))
		for _, d := range page.Devices {
			require.True(t, untrusted.Identifier(d.Serial, untrusted.MaxText))
			fit(t, d.Model+d.AssignedBy+string(d.Op)+string(d.ProfileStatus))
			_, err := json.Marshal(d)
			require.NoError(t, err, "a host can store it")
		}
		require.LessOrEqual(t, len(Latest(page.Devices)), len(page.Devices))
	})
}

// One field with any value, in a page that is right but for it: where bytes alone seldom get.
func FuzzDeviceField(f *testing.F) {
	for _, name := range []string{"serial_number", "op_type", "imei", "mdm_migration_deadline", "is_replacement_device", "else", "ſerial_number"} {
		for _, value := range []string{`"A"`, `7`, `null`, `["a","\u0000"]`, `"2026-09-01T00:00:00Z"`, `{"a":{}}`, `true`} {
			f.Add(name, []byte(value))
		}
	}
	f.Fuzz(func(t *testing.T, name string, value []byte) {
		quoted, err := json.Marshal(name)
		require.NoError(t, err)
		var fields map[string]json.RawMessage
		object := append(append(append([]byte("{"), quoted...), ':'), value...)
		if json.Unmarshal(append(object, '}'), &fields) != nil || len(fields) != 1 {
			return
		}
		body := append([]byte(`{"cursor":"c","more_to_follow":false,"devices":[{"serial_number":"A",`), object[1:]...)
		page, err := answering(t, 200, append(body, `}]}`...)).page(t.Context(), syncPath, From{Cursor: "c"})
		if !judge(t, err) {
			return
		}
		d := page.Devices[0]
		require.Equal(t, "A", d.Serial, "no other field replaces it")
		fit(t, d.Model+d.Color+d.AssignedBy+string(d.Op)+strings.Join(d.IMEI, ""))
		for name := range fields {
			if kept, is := d.Extra[name]; is {
				require.Equal(t, canonical(t, fields[name]), canonical(t, kept), "what is kept is as it came")
			}
		}
	})
}

func FuzzDetails(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		details, err := answering(t, 200, body).DeviceDetails(t.Context(), "A", "B")
		if !judge(t, err) {
			require.Empty(t, details)
			return
		}
		require.Len(t, details, 2)
		for i, serial := range []string{"A", "B"} {
			require.Equal(t, serial, details[i].Serial)
			if details[i].Err() == nil {
				require.Equal(t, serial, details[i].Device.Serial)
			} else {
				fit(t, details[i].Err().Error())
			}
		}
	})
}

func FuzzProfile(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := answering(t, 200, body).Profile(t.Context(), "P")
		if !judge(t, err) {
			return
		}
		require.Equal(t, "P", p.UUID)
		sent, err := p.body()
		require.NoError(t, err, "what was read can be defined again")
		text, err := json.Marshal(sent)
		require.NoError(t, err)
		again, err := answering(t, 200, text).Profile(t.Context(), "P")
		require.NoError(t, err)
		for _, extra := range []map[string]json.RawMessage{p.Extra, again.Extra} {
			for name, raw := range extra {
				extra[name] = canonical(t, raw)
			}
		}
		require.Equal(t, p, again)
	})
}

// canonical is a value as it looks after it was encoded: without blanks, and with < > & written as escapes.
func canonical(t *testing.T, raw json.RawMessage) json.RawMessage {
	t.Helper()
	out, err := json.Marshal(raw)
	require.NoError(t, err)
	return out
}

func FuzzAssign(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		results, err := answering(t, 200, body).AssignProfile(t.Context(), "P", "A", "B")
		if !judge(t, err) {
			require.ErrorIs(t, err, ErrUnknown, "Apple said 200")
			return
		}
		require.Len(t, results, 2)
		for _, r := range results {
			require.True(t, r.RetryAfter >= 0 && r.RetryAfter <= untrusted.MaxWait)
			if err := r.Err(); err != nil {
				fit(t, err.Error())
			}
		}
	})
}

func FuzzAccount(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := answering(t, 200, body).Account(t.Context())
		if !judge(t, err) {
			return
		}
		fit(t, a.ServerUUID+a.OrgID+a.OrgIDHash)
		fit(t, a.OrgAddress)
		for _, l := range a.Limits {
			require.True(t, l.Default >= 0 && l.Maximum >= 0)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add(400, []byte(s), "30", "Tue, 01 Sep 2026 12:00:00 GMT")
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, wait, date string) {
		res := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {wait}, "Date": {date}}}
		at := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
		e := refusal("GET /account", res, body, at, at, secrets{"AS_accesssecret"})
		fit(t, e.Error())
		fit(t, e.Body)
		require.NotContains(t, e.Error(), "AS_accesssecret")
		require.True(t, e.Wait >= 0 && e.Wait <= untrusted.MaxWait)
		require.True(t, e.Code == "" || isCode(string(e.Code)))
		if status >= 500 {
			require.NotErrorIs(t, e, abmtoken.ErrRejected)
			require.NotErrorIs(t, e, abmtoken.ErrTermsPending)
		}
	})
}
