package axm_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

const serversPath = "/v1/mdmServers"

// ask only asks; change changes something.
func ask(ctx context.Context, c *axm.Client) error { return only(all(c.Servers(ctx))) }
func change(ctx context.Context, c *axm.Client) error {
	return only(c.Assign(ctx, "0123456789ABCDEF0123456789ABCDEF", "A"))
}

func TestEachAnswerHasItsMeaning(t *testing.T) {
	errorOf := func(code, pointer string) string {
		return `{"errors":[{"id":"x","status":"409","code":"` + code + `","title":"T","detail":"In Apple's words","source":{"pointer":"` + pointer + `"}}]}`
	}
	for _, c := range []struct {
		name      string
		status    int
		body      string
		is        []error
		read, did enrollment.Outcome
		says      string
	}{
		{"a bad request", 400, errorOf("BAD_REQUEST", ""), []error{axm.ErrRequest}, enrollment.Fatal, enrollment.Fatal, "In Apple's words"},
		{"an account that is refused", 401, errorOf("NOT_AUTHORIZED", ""), []error{axm.ErrUnauthorized}, enrollment.Retry, enrollment.Retry, "check the API account"},
		{"what may not be done", 403, errorOf("FORBIDDEN_ERROR", ""), []error{axm.ErrForbidden}, enrollment.Retry, enrollment.Retry, "what the API account may do"},
		{"what is not known", 404, errorOf("NOT_FOUND", ""), []error{axm.ErrNotFound}, enrollment.Fatal, enrollment.Fatal, "NOT_FOUND"},
		{"a service that is none", 409, errorOf("CONFLICT", "/data/relationships/mdmServer/data/id"), []error{axm.ErrConflict}, enrollment.Fatal, enrollment.Fatal, "mdmServer"},
		{"a serial number that is none", 409, errorOf("MISSING_RESOURCES", "/data/relationships/devices/data/0"), []error{axm.ErrConflict, axm.ErrDevices}, enrollment.Fatal, enrollment.Fatal, "every serial number"},
		{"an attribute", 422, errorOf("ENTITY_ERROR.ATTRIBUTE.INVALID", ""), []error{axm.ErrRequest}, enrollment.Fatal, enrollment.Fatal, "ENTITY_ERROR.ATTRIBUTE.INVALID"},
		{"not acceptable", 406, "", []error{axm.ErrRequest}, enrollment.Fatal, enrollment.Fatal, "406"},
		{"too often", 429, errorOf("RATE_LIMIT_EXCEEDED", ""), []error{axm.ErrThrottled}, enrollment.Retry, enrollment.Retry, "later"},
		{"a redirect", 302, "", []error{axm.ErrRedirect}, enrollment.Retry, enrollment.Unknown, "not followed"},
		{"a time-out on the way", 408, "", nil, enrollment.Retry, enrollment.Unknown, "408"},
		{"a failure of Apple's", 500, errorOf("UNEXPECTED_ERROR", ""), nil, enrollment.Retry, enrollment.Unknown, "UNEXPECTED_ERROR"},
		{"a failure in other words", 502, "<html>Bad Gateway</html>", nil, enrollment.Retry, enrollment.Unknown, "Bad Gateway"},
		{"out of service", 503, "", nil, enrollment.Retry, enrollment.Unknown, "later"},
		{"an answer without a meaning", 204, "", nil, enrollment.Retry, enrollment.Unknown, "204"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := answering(t, text(c.status, c.body), axm.Options{})
			for name, call := range map[string]func(context.Context, *axm.Client) error{"read": ask, "write": change} {
				err := call(t.Context(), client)
				e, is := asError(err)
				require.True(t, is, err)
				assert.Equal(t, c.status, e.Status)
				for _, sentinel := range []error{
					axm.ErrUnauthorized, axm.ErrForbidden, axm.ErrNotFound, axm.ErrConflict, axm.ErrDevices, axm.ErrRequest,
					axm.ErrThrottled, axm.ErrRedirect, axm.ErrClock,
				} {
					assert.Equal(t, slices.Contains(c.is, sentinel), errors.Is(err, sentinel), "%s: %v", name, sentinel)
				}
				want := c.read
				if name == "write" {
					want = c.did
				}
				assert.Equal(t, want, axm.Outcome(err), name)
				assert.Contains(t, err.Error(), c.says)
			}
		})
	}
}

func TestAWriteWithoutAnAnswerIsUnknownAndAReadIsWorthAnotherAttempt(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c, serials := w.client(t, axm.Options{}), w.devices(t, 1)
	require.NoError(t, ask(t.Context(), c))
	for _, kind := range []appletest.FaultKind{appletest.CutBefore, appletest.CutAfter, appletest.CutDuring, appletest.Garbage} {
		w.apple.Fail(appletest.Fault{Kind: kind, Times: 1, Path: "/v1/orgDeviceActivities"})
		_, err := c.Assign(t.Context(), w.to.UUID(), serials...)
		require.ErrorIs(t, err, axm.ErrUnknown, kind)
		assert.Equal(t, enrollment.Unknown, axm.Outcome(err))
		w.apple.Heal()
		w.apple.Fail(appletest.Fault{Kind: kind, Times: 1, Path: serversPath})
		err = ask(t.Context(), c)
		require.Error(t, err, kind)
		assert.Equal(t, enrollment.Retry, axm.Outcome(err), kind)
		w.apple.Heal()
	}
	w.apple.Fail(appletest.Fault{Kind: appletest.Down, Times: 1})
	_, err := c.Assign(t.Context(), w.to.UUID(), serials...)
	require.Error(t, err)
	assert.Equal(t, enrollment.Retry, axm.Outcome(err), "there was no connection, so nothing was sent")
}

// Once Apple asks to wait, nothing is sent until the time has come.
func TestRetryAfterHoldsLaterCallsBack(t *testing.T) {
	w := newWorld(t, appletest.API{APIGets: 2})
	c := w.client(t, axm.Options{})
	require.NoError(t, ask(t.Context(), c))
	require.NoError(t, ask(t.Context(), c))
	err := ask(t.Context(), c)
	require.ErrorIs(t, err, axm.ErrThrottled)
	e, _ := asError(err)
	assert.Equal(t, time.Minute, e.RetryAfter())
	assert.False(t, e.Held)

	before := w.apple.Count("GET", serversPath)
	w.clock.Pass(20 * time.Second)
	err = change(t.Context(), c)
	require.ErrorIs(t, err, axm.ErrThrottled)
	e, _ = asError(err)
	assert.True(t, e.Held)
	assert.Equal(t, 40*time.Second, e.RetryAfter())
	assert.Equal(t, enrollment.Retry, axm.Outcome(err))
	assert.Equal(t, before, w.apple.Count("GET", serversPath))
	w.clock.Pass(40 * time.Second)
	require.NoError(t, ask(t.Context(), c))

	ports := w.organizations(t)
	w.apple.Fail(appletest.Throttled(90 * time.Second))
	_, err = ports.Activity(t.Context(), "acme", "0")
	outcome, after := enrollment.Asked(err)
	assert.Equal(t, enrollment.Retry, outcome)
	assert.Equal(t, 90*time.Second, after, "the port hears how long to wait")
}

// A clock that is wrong by minutes makes assertions that Apple does not take; that is no dead account.
func TestAWrongClockIsNotADeadAccount(t *testing.T) {
	w := newWorld(t, appletest.API{})
	late := w.client(t, axm.Options{Now: func() time.Time { return w.clock.Now().Add(-time.Hour) }})
	err := ask(t.Context(), late)
	require.ErrorIs(t, err, axm.ErrClock)
	require.NotErrorIs(t, err, axm.ErrUnauthorized)
	assert.Contains(t, err.Error(), "1h0m0s")
}

func TestAnAccountThatIsRevokedIsSaidSo(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c := w.client(t, axm.Options{})
	require.NoError(t, ask(t.Context(), c))
	w.admin.RevokeAPIAccount(w.account.ClientID)
	err := ask(t.Context(), c)
	require.ErrorIs(t, err, axm.ErrUnauthorized)
	e, _ := asError(err)
	assert.Equal(t, axm.CodeInvalidClient, e.Code)
	assert.Equal(t, enrollment.Retry, axm.Outcome(change(t.Context(), c)), "a person mends it at the portal")
}

// Schools may not have the types of migrations yet.
func TestAnAPIThatKnowsNoMigrationSaysSo(t *testing.T) {
	w := newWorld(t, appletest.API{NoMigrationAPI: true})
	_, err := w.client(t, axm.Options{}).AssignWithDeadline(t.Context(), w.to.UUID(), w.clock.Now().Add(time.Hour), w.devices(t, 1)...)
	require.ErrorIs(t, err, axm.ErrRequest)
	assert.Contains(t, err.Error(), "activityType")
}

func TestTheBudgetHoldsBackWhatChangesSomething(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c, serials := w.client(t, axm.Options{Budget: axm.NewBudget(2, time.Hour)}), w.devices(t, 1)
	for range 2 {
		require.NoError(t, only(c.Assign(t.Context(), w.to.UUID(), serials...)))
		w.clock.Pass(10 * time.Minute)
	}
	err := only(c.Assign(t.Context(), w.to.UUID(), serials...))
	require.ErrorIs(t, err, axm.ErrBudget)
	assert.Contains(t, err.Error(), "40m0s", "when the first falls out of the window")
	assert.Equal(t, enrollment.Retry, axm.Outcome(err))
	require.NoError(t, ask(t.Context(), c), "what only asks is not held back")
	assert.Equal(t, 2, w.apple.Count("POST", "/v1/orgDeviceActivities"))
	w.clock.Pass(40 * time.Minute)
	require.NoError(t, only(c.Assign(t.Context(), w.to.UUID(), serials...)))
	require.ErrorIs(t, only(c.Assign(t.Context(), w.to.UUID(), serials...)), axm.ErrBudget)
	require.ErrorIs(t, only(w.client(t, axm.Options{Budget: axm.NewBudget(0, time.Hour)}).CancelMigration(t.Context(), "A")), axm.ErrBudget)
}

func TestWhatIsAskedForIsCheckedBeforeItIsSent(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c := w.client(t, axm.Options{})
	many := make([]string, axm.MaxDevices+1)
	for i := range many {
		many[i] = "S" + strings.Repeat("X", i%50)
	}
	for name, err := range map[string]error{
		"no device":            only(c.Assign(t.Context(), w.to.UUID())),
		"too many":             only(c.Assign(t.Context(), w.to.UUID(), many...)),
		"twice":                only(c.Assign(t.Context(), w.to.UUID(), "A", "A")),
		"a line":               only(c.Assign(t.Context(), w.to.UUID(), "A\nB")),
		"another path":         only(c.Assign(t.Context(), "../orgDevices", "A")),
		"a device of a path":   only(c.Device(t.Context(), "../mdmServers")),
		"dots":                 only(c.Server(t.Context(), "..")),
		"a query":              only(c.Activity(t.Context(), "x?y=z")),
		"a service of nothing": only(all(c.ServerSerials(t.Context(), ""))),
		"no certificate":       only(c.CreateServer(t.Context(), "New", []byte("x"))),
		"a private key":        only(c.ReplaceCertificate(t.Context(), w.to.UUID(), w.account.PrivateKey)),
		"a large one":          only(c.ReplaceCertificate(t.Context(), w.to.UUID(), make([]byte, 1<<20))),
		"no name":              only(c.CreateServer(t.Context(), "", w.keys.CertificatePEM())),
		"no deadline":          only(c.UpdateDeadline(t.Context(), time.Time{}, "A")),
	} {
		require.ErrorIs(t, err, axm.ErrInput, name)
		assert.Equal(t, enrollment.Fatal, axm.Outcome(err), name)
	}
	assert.Empty(t, w.apple.Requests(), "nothing was sent")
}

func TestServicesAreMadeAndGetCertificates(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c := w.client(t, axm.Options{})
	s, err := c.CreateServer(t.Context(), "Newest MDM", w.keys.CertificatePEM())
	require.NoError(t, err)
	got, err := c.Server(t.Context(), s.ID)
	require.NoError(t, err)
	assert.Equal(t, "Newest MDM", got.Name)
	_, err = c.CreateServer(t.Context(), "Newest MDM", w.keys.CertificatePEM())
	require.ErrorIs(t, err, axm.ErrConflict)
	_, err = c.ReplaceCertificate(t.Context(), s.ID, w.keys.CertificatePEM())
	require.NoError(t, err)
	_, err = c.ReplaceCertificate(t.Context(), "0123456789ABCDEF0123456789ABCDEF", w.keys.CertificatePEM())
	require.ErrorIs(t, err, axm.ErrNotFound)
}

// Every method that Apple refuses with a status that is no success is refused here too, also 3xx to an address inside.
func TestThreat09_RedirectsAreNotFollowed(t *testing.T) {
	hits := 0
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if hits++; r.URL.Path == "/elsewhere" {
			t.Error("it was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}, axm.Options{})
	require.ErrorIs(t, ask(t.Context(), c), axm.ErrRedirect)
	require.ErrorIs(t, change(t.Context(), c), axm.ErrRedirect)
	assert.Equal(t, 2, hits)
}
