package axm_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

// logged is the log of an activity that is answered with this body, at this address.
func logged(t *testing.T, address string, answer http.HandlerFunc, o axm.Options) ([]axm.LogRow, error) {
	t.Helper()
	var base string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		base = "http://" + r.Host
		if r.URL.Path == "/log" {
			answer(w, r)
			return
		}
		at := strings.ReplaceAll(address, "BASE", base)
		_, _ = w.Write([]byte(`{"data":{"type":"orgDeviceActivities","id":"A","attributes":{"status":"COMPLETED","downloadUrl":"` + at + `"}}}`))
	}, o)
	a, err := c.Activity(t.Context(), "A")
	require.NoError(t, err)
	return all(c.ActivityLog(t.Context(), a))
}

// The columns of a log are not documented: they are found by name, whatever they are called and in whatever order.
func TestColumnsOfALogAreFoundByName(t *testing.T) {
	for _, columns := range [][]string{{"Serial Number", "Status", "Error"}, {"serialNumber", "result", "reason"}, {"\ufeffSERIAL", "Outcome", "Message"}} {
		w := newWorld(t, appletest.API{LogColumns: columns})
		c := w.client(t, axm.Options{})
		a, err := c.Assign(t.Context(), w.to.UUID(), append(w.devices(t, 1), "NOBODYS")...)
		a = w.ended(t, c, a, err)
		rows, err := all(c.ActivityLog(t.Context(), a))
		require.NoError(t, err)
		require.Len(t, rows, 2)
		assert.Equal(t, "NOBODYS", rows[1].Serial)
		assert.Equal(t, "FAILED", rows[1].Status)
		assert.Equal(t, "DEVICE_NOT_FOUND", rows[1].Reason)
		assert.Len(t, rows[1].Columns, 3)
	}
	rows, err := logged(t, "BASE/log?s=1", text(200, "x,serial,Status\n1,A,\"a \"\"quoted\"\"\nword\"\n2,,b\n3,C\n4\n"), axm.Options{})
	require.NoError(t, err)
	require.Len(t, rows, 2, "a line without a serial number is about no device")
	assert.Equal(t, `a "quoted" word`, rows[0].Status, "and on one line")
	assert.Equal(t, "C", rows[1].Serial)
	rows, err = logged(t, "BASE/log", text(200, ""), axm.Options{})
	require.NoError(t, err)
	assert.Empty(t, rows)
}

func TestThreat07_HostileLogs(t *testing.T) {
	long := "serial\n" + strings.Repeat("A\n", 1000)
	for name, body := range map[string]string{
		"another table": "a,b\n1,2\n", "a quote": "serial\n\"A", "many columns": "serial" + strings.Repeat(",x", 100), "HTML": "<html>\n",
		"many fields": "serial\n" + strings.Repeat(",", 100) + "\n", "too large": long,
	} {
		_, err := logged(t, "BASE/log", text(200, body), axm.Options{MaxLog: 1000})
		require.ErrorIs(t, err, axm.ErrAnswer, name)
	}
	rows, err := logged(t, "BASE/log", text(200, long), axm.Options{})
	require.NoError(t, err)
	assert.Len(t, rows, 1000)
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("serial\nA\nB\n"))
	}
	rows, err = logged(t, "BASE/log", cut, axm.Options{})
	require.Error(t, err, "what broke off is not all")
	require.NotErrorIs(t, err, axm.ErrAnswer)
	assert.Len(t, rows, 2)
}

// A log is on another host, whose address comes from an answer.
func TestThreat09_ALogIsReadFromApplesHostOnly(t *testing.T) {
	for _, address := range []string{
		"https://evil.example/log", "https://store.blobstore.apple.com.evil.example/log", "http://store.blobstore.apple.com/log",
		"https://me@store.blobstore.apple.com/log", "file:///etc/passwd", "https:store.blobstore.apple.com", "//BASE/log", "https://[::1/", "http://169.254.169.254/",
		"https://store.blobstore.apple.com:8443/log",
	} {
		_, err := logged(t, address, text(200, "serial\nA\n"), axm.Options{})
		require.ErrorIs(t, err, axm.ErrAddress, address)
		assert.NotContains(t, err.Error(), "evil")
	}
	_, err := logged(t, "", text(200, ""), axm.Options{})
	require.ErrorIs(t, err, axm.ErrNoLog)
}

// The other host gets no bearer token, and the address, which is as good as a key, gets into no error.
func TestThreat17_ALogsAddressAndTheTokenStayApart(t *testing.T) {
	authorization := "not asked"
	_, err := logged(t, "BASE/log?signature=canary-of-the-address", func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("no " + r.URL.String() + " " + r.URL.RawQuery))
	}, axm.Options{})
	require.ErrorIs(t, err, axm.ErrForbidden)
	assert.Empty(t, authorization)
	assert.NotContains(t, err.Error(), "canary")

	w := newWorld(t, appletest.API{})
	c := w.client(t, axm.Options{})
	a, err := c.Assign(t.Context(), w.to.UUID(), w.devices(t, 1)...)
	a = w.ended(t, c, a, err)
	w.apple.Fail(appletest.Fault{Kind: appletest.CutBefore})
	_, err = all(c.ActivityLog(t.Context(), a))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "signature")
	assert.NotContains(t, err.Error(), "blobstore")
}

// Also a transport of the host's own, which would connect to anything, is asked for nothing else.
func TestThreat09_ALogElsewhereIsNotEvenAskedFor(t *testing.T) {
	for _, address := range []string{"https://evil.example/log", "https://api-business.apple.com/log", "http://store.blobstore.apple.com/log"} {
		activity := `{"data":{"type":"orgDeviceActivities","id":"A","attributes":{"status":"COMPLETED","downloadUrl":"` + address + `"}}}`
		requests := 0
		c := newWorld(t, appletest.API{}).client(t, axm.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			requests++
			if r.URL.Path == tokenPath {
				return response(r, 200, `{"access_token":"t","token_type":"Bearer","expires_in":3600}`), nil
			}
			return response(r, 200, activity), nil
		})})
		a, err := c.Activity(t.Context(), "A")
		require.NoError(t, err)
		require.ErrorIs(t, only(all(c.ActivityLog(t.Context(), a))), axm.ErrAddress, address)
		assert.Equal(t, 2, requests, "the token and the activity")
	}
}
