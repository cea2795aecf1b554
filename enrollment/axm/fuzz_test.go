package axm_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

// fuzzed is a client whose API answers with these bytes.
func fuzzed(t *testing.T, creds axm.Credentials, status int, body []byte) *axm.Client {
	t.Helper()
	c, err := axm.NewClient(creds, axm.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == tokenPath {
			return response(r, 200, `{"access_token":"canary-bearer","token_type":"Bearer","expires_in":3600}`), nil
		}
		return response(r, status, string(body)), nil
	})})
	require.NoError(t, err)
	return c
}

// fit demands a text that may stand in a log line.
func fit(t *testing.T, text string) {
	t.Helper()
	require.True(t, utf8.ValidString(text))
	require.False(t, strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), "%q", text)
}

// FuzzAnswers reads any answer of the API, with any status.
func FuzzAnswers(f *testing.F) {
	creds := newWorld(f, appletest.API{}).credentials(f)
	for _, body := range []string{
		`{"data":[{"type":"orgDevices","id":"A","attributes":{"isMdmMigrationCapable":true,"mdmMigrationDeadlineDateTime":"2026-12-01T00:00:00Z"}}],"links":{"next":"/x?cursor=c"}}`,
		`{"data":{"type":"orgDeviceActivities","id":"A","attributes":{"status":"COMPLETED","downloadUrl":"https://store.blobstore.apple.com/x"}}}`,
		`{"data":{"type":"mdmServers","id":"A","attributes":{"serverName":"N","deviceCount":1}}}`,
		`{"errors":[{"status":"409","code":"CONFLICT","detail":"d","source":{"pointer":"/data/relationships/devices"}}]}`, `{"error":"invalid_client"}`,
	} {
		f.Add(200, []byte(body))
		f.Add(409, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		c := fuzzed(t, creds, status, body)
		for _, do := range questions {
			if err := do(t.Context(), c); err != nil {
				fit(t, err.Error())
				require.Less(t, len(err.Error()), 8<<10)
				require.NotContains(t, err.Error(), "canary-bearer")
				if e, is := errors.AsType[*axm.Error](err); is {
					require.Equal(t, status, e.Status)
					require.LessOrEqual(t, len(e.Reason), 10)
				}
			}
		}
		for d, err := range c.Devices(t.Context()) {
			if err == nil {
				require.NotEmpty(t, d.Serial)
				fit(t, d.Serial+d.Model+d.Family+d.MigrationStatus)
			}
		}
	})
}

// FuzzLog reads any bytes as the log of an activity.
func FuzzLog(f *testing.F) {
	creds := newWorld(f, appletest.API{}).credentials(f)
	for _, log := range []string{"Serial Number,Status,Error\nA,FAILED,x\n", "serial\n\"A\"\"\n\"\n", "\ufeffserial;x\n", ",\n", ""} {
		f.Add([]byte(log))
	}
	activity := []byte(`{"data":{"type":"orgDeviceActivities","id":"A","attributes":{"status":"COMPLETED","downloadUrl":"https://store.blobstore.apple.com/x?s=canary"}}}`)
	f.Fuzz(func(t *testing.T, log []byte) {
		c, err := axm.NewClient(creds, axm.Options{MaxLog: 1 << 16, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			switch r.URL.Host {
			case axm.LogHost:
				require.Empty(t, r.Header.Get("Authorization"))
				return response(r, 200, string(log)), nil
			case "account.apple.com":
				return response(r, 200, `{"access_token":"canary-bearer","token_type":"Bearer","expires_in":3600}`), nil
			}
			return response(r, 200, string(activity)), nil
		})})
		require.NoError(t, err)
		a, err := c.Activity(t.Context(), "A")
		require.NoError(t, err)
		ended := false
		for row, err := range c.ActivityLog(t.Context(), a) {
			require.False(t, ended, "nothing comes after an error")
			if ended = err != nil; ended {
				fit(t, err.Error())
				require.NotContains(t, err.Error(), "canary")
				continue
			}
			require.NotEmpty(t, row.Serial)
			fit(t, row.Serial+row.Status+row.Reason)
			require.LessOrEqual(t, len(row.Columns), 64)
		}
	})
}
