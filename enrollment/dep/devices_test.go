package dep_test

import (
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// collect ranges over all pages.
func collect(pages iter.Seq2[dep.Page, error]) (devices []dep.Device, last dep.Page, err error) {
	for page, err := range pages {
		if err != nil {
			return devices, last, err
		}
		devices, last = append(devices, page.Devices...), page
	}
	return devices, last, nil
}

func serialsOf(devices []dep.Device) []string {
	out := make([]string, len(devices))
	for i, d := range devices {
		out[i] = d.Serial
	}
	return out
}

func TestFetchListsEveryDeviceAndSyncGoesOnFromItsCursor(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	serials := w.devices(t, 7)
	c := w.client(t, dep.Options{})

	devices, last, err := collect(c.FetchDevices(t.Context(), dep.From{Limit: 3}))
	require.NoError(t, err)
	assert.Equal(t, serials, serialsOf(devices))
	assert.Equal(t, 3, w.apple.Count("POST", "/server/devices"), "7 devices are 3 pages of 3")
	assert.False(t, last.More)
	assert.WithinDuration(t, time.Now(), last.Until, time.Minute)
	assert.Empty(t, devices[0].Op, "a fetch has no operations")

	require.NoError(t, w.admin.Unassign(serials[0]))
	require.NoError(t, w.admin.Assign(w.service, serials[1]))
	changes, after, err := collect(c.SyncDevices(t.Context(), dep.From{Cursor: last.Cursor}))
	require.NoError(t, err)
	require.Equal(t, []string{serials[0], serials[1]}, serialsOf(changes))
	assert.Equal(t, []dep.Op{dep.OpDeleted, dep.OpModified}, []dep.Op{changes[0].Op, changes[1].Op})
	assert.WithinDuration(t, time.Now(), changes[0].OpDate, time.Minute)

	nothing, _, err := collect(c.SyncDevices(t.Context(), dep.From{Cursor: after.Cursor}))
	require.NoError(t, err)
	assert.Empty(t, nothing, "a sync says things once")
}

// A run that was cut off goes on from the stored cursor, in another process.
func TestFetchGoesOnFromAStoredCursor(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	serials := w.devices(t, 5)
	c := w.client(t, dep.Options{})
	var stored dep.Page
	for page, err := range c.FetchDevices(t.Context(), dep.From{Limit: 2}) {
		require.NoError(t, err)
		stored = page
		break
	}
	assert.Equal(t, 1, w.apple.Count("POST", "/server/devices"), "pages are asked for as they are wanted")
	require.True(t, stored.More)
	rest, last, err := collect(w.client(t, dep.Options{}).FetchDevices(t.Context(), dep.From{Cursor: stored.Cursor, Limit: 2}))
	require.NoError(t, err)
	assert.Equal(t, serials[2:], serialsOf(rest))

	_, _, err = collect(w.client(t, dep.Options{}).FetchDevices(t.Context(), dep.From{Cursor: last.Cursor}))
	require.ErrorIs(t, err, dep.ErrExhausted)
	require.ErrorContains(t, err, "go on with a sync")
}

func TestCursorsThatDoNotLead(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, appletest.Options{Now: func() time.Time { return now }})
	w.devices(t, 1)
	c := w.client(t, dep.Options{Now: func() time.Time { return now }})
	_, last, err := collect(c.FetchDevices(t.Context(), dep.From{}))
	require.NoError(t, err)
	now = now.Add(dep.CursorLife)
	_, _, err = collect(c.SyncDevices(t.Context(), dep.From{Cursor: last.Cursor}))
	require.NoError(t, err, "a cursor lives for seven days")
	now = now.Add(time.Second)
	_, _, err = collect(c.SyncDevices(t.Context(), dep.From{Cursor: last.Cursor}))
	require.ErrorIs(t, err, dep.ErrCursor, "and no longer")
	require.ErrorContains(t, err, "fetch all devices again")

	sent := w.apple.Count("POST", "/devices/sync")
	for _, cursor := range []string{"", "Zm9v\r\nX: 1", "a b", strings.Repeat("A", 1001), "\xff"} {
		_, _, err = collect(c.SyncDevices(t.Context(), dep.From{Cursor: cursor}))
		require.ErrorIs(t, err, dep.ErrCursor, "%q", cursor)
	}
	assert.Equal(t, sent, w.apple.Count("POST", "/devices/sync"), "what cannot be a cursor is not sent")
	_, _, err = collect(c.SyncDevices(t.Context(), dep.From{Cursor: "AAAA"}))
	require.ErrorIs(t, err, dep.ErrCursor)
	assert.Equal(t, sent+1, w.apple.Count("POST", "/devices/sync"), "what can be one is Apple's to judge")
	_, _, err = collect(c.FetchDevices(t.Context(), dep.From{Limit: -1}))
	require.ErrorIs(t, err, dep.ErrInput)
}

// Observed: the cursor of the request comes back, and more_to_follow.
func TestAStuckCursorEndsTheRange(t *testing.T) {
	w := newWorld(t, appletest.Options{Behavior: appletest.Behavior{StuckCursor: true}})
	w.devices(t, 5)
	c := w.client(t, dep.Options{})
	devices, last, err := collect(c.FetchDevices(t.Context(), dep.From{Limit: 2}))
	require.ErrorIs(t, err, dep.ErrLoop)
	assert.Len(t, devices, 4, "the pages before are handed out")
	assert.Equal(t, 2, w.apple.Count("POST", "/server/devices"))
	_, _, err = collect(c.FetchDevices(t.Context(), dep.From{Cursor: last.Cursor, Limit: 2}))
	require.ErrorIs(t, err, dep.ErrLoop)
	assert.Equal(t, 3, w.apple.Count("POST", "/server/devices"), "the cursor that a range begins with counts")
}

// endless answers each page with another cursor.
func endless(page func(n int) string) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"devices":[%s],"cursor":"c%d","more_to_follow":true}`, page(n), n)
		n++
	}
}

func TestPagesThatBringNothingNewEndTheRange(t *testing.T) {
	for name, page := range map[string]func(n int) string{
		"empty":          func(int) string { return "" },
		"the same":       func(int) string { return `{"serial_number":"A"}` },
		"going round":    func(n int) string { return fmt.Sprintf(`{"serial_number":"A%d"}`, n%5) },
		"round, and gap": func(n int) string { return strings.Repeat(fmt.Sprintf(`{"serial_number":"A%d"}`, n%3), n%2) },
	} {
		_, _, err := collect(answering(t, endless(page), dep.Options{}).FetchDevices(t.Context(), dep.From{}))
		require.ErrorIs(t, err, dep.ErrLoop, name)
	}
	// A long list that goes on is none of these, even with some empty pages.
	n := 0
	devices, _, err := collect(answering(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		page := fmt.Sprintf(`{"serial_number":"A%d"}`, n)
		if n%16 != 0 {
			page = ""
		}
		_, _ = fmt.Fprintf(w, `{"devices":[%s],"cursor":"c%d","more_to_follow":%v}`, page, n, n < 320)
	}, dep.Options{}).FetchDevices(t.Context(), dep.From{}))
	require.NoError(t, err)
	assert.Len(t, devices, 20)
}

func TestPageLimit(t *testing.T) {
	var asked []string
	limits := `{"urls":[]}`
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/account" {
			_, _ = w.Write([]byte(limits))
			return
		}
		body := make([]byte, 100)
		n, _ := r.Body.Read(body)
		asked = append(asked, string(body[:n]))
		_, _ = w.Write([]byte(`{"devices":[],"cursor":"c","more_to_follow":false}`))
	}, dep.Options{})
	ask := func(limit int) string {
		t.Helper()
		_, _, err := collect(c.FetchDevices(t.Context(), dep.From{Limit: limit}))
		require.NoError(t, err)
		return asked[len(asked)-1]
	}
	assert.Equal(t, `{"limit":1000}`, ask(0))
	assert.Equal(t, `{"limit":1}`, ask(1))
	assert.Equal(t, `{"limit":1000}`, ask(2000), "more than Apple documents needs Apple's word")
	for _, account := range []struct {
		maximum     int
		least, most string
	}{
		{5000, `{"limit":1000}`, `{"limit":5000}`}, {500, `{"limit":500}`, `{"limit":500}`},
		{1 << 30, `{"limit":1000}`, `{"limit":5000}`}, {0, `{"limit":1000}`, `{"limit":1000}`}, {-7, `{"limit":1000}`, `{"limit":1000}`},
	} {
		limits = fmt.Sprintf(`{"urls":[{"uri":"/server/devices","limit":{"default":100,"maximum":%d}}]}`, account.maximum)
		_, err := c.Account(t.Context())
		require.NoError(t, err)
		assert.Equal(t, account.least, ask(0), "%d", account.maximum)
		assert.Equal(t, account.most, ask(1<<20), "%d", account.maximum)
	}
}

// A page that does not say where the list goes on must not be taken for its end, and a device that is not named must not
// be left out.
func TestPagesThatAreNone(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"devices":[]}`, `{"devices":[],"cursor":"c"}`, `{"devices":[],"more_to_follow":false}`,
		`{"devices":[],"cursor":"","more_to_follow":false}`, `{"devices":[],"cursor":"c","more_to_follow":"no"}`,
		`{"devices":[],"cursor":"c","more_to_follow":null}`, `{"devices":[],"cursor":7,"more_to_follow":false}`,
		`{"devices":{},"cursor":"c","more_to_follow":false}`, `{"devices":["A"],"cursor":"c","more_to_follow":false}`,
		`{"devices":[null],"cursor":"c","more_to_follow":false}`, `{"devices":[{}],"cursor":"c","more_to_follow":false}`,
		`{"devices":[{"serial_number":7}],"cursor":"c","more_to_follow":false}`,
		`{"devices":[{"serial_number":"A\n"}],"cursor":"c","more_to_follow":false}`,
		`{"devices":[],"cursor":"` + strings.Repeat("A", 1001) + `","more_to_follow":false}`,
	} {
		_, _, err := collect(answering(t, text(200, body), dep.Options{}).FetchDevices(t.Context(), dep.From{}))
		require.ErrorIs(t, err, dep.ErrAnswer, body)
	}
}
