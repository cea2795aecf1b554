package dep_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// everything makes one call of each kind.
func everything(t *testing.T, c *dep.Client) {
	t.Helper()
	for _, call := range calls {
		_ = call(t.Context(), c) // what is answered is not the question here
	}
}

func TestPain03_EveryRequestNamesItsAgent(t *testing.T) {
	for set, want := range map[string]string{"": dep.DefaultUserAgent, "Acme MDM/7.1 (test)": "Acme MDM/7.1 (test)"} {
		w := newWorld(t, appletest.Options{})
		everything(t, w.client(t, dep.Options{UserAgent: set}))
		paths := map[string]bool{}
		for _, r := range w.apple.Requests() {
			assert.Equal(t, want, r.Agent, r.Path)
			assert.NotEqual(t, "USER_AGENT_INVALID", r.Code)
			paths[r.Path] = true
		}
		assert.Len(t, paths, 8, "all that the client calls, /session among them")
	}
	for _, agent := range []string{" ", "a\r\nX: 1", "é", strings.Repeat("a", 257), "a\x00"} {
		_, err := dep.NewVerifier(dep.Options{UserAgent: agent})
		require.ErrorIs(t, err, dep.ErrOptions, "%q", agent)
	}
}

func TestPain03_AnAgentThatAppleRefusesIsSaid(t *testing.T) {
	w := newWorld(t, appletest.Options{Behavior: appletest.Behavior{RefusedUserAgents: []string{"Bad/"}}})
	c := w.client(t, dep.Options{UserAgent: "Bad/1"})
	err := only(c.Account(t.Context()))
	require.ErrorIs(t, err, dep.ErrRequest)
	require.NotErrorIs(t, err, abmtoken.ErrRejected)
	require.ErrorContains(t, err, "GET /session with HTTP 400 USER_AGENT_INVALID; set Options.UserAgent to the name of your product")
}

func TestPain04_EachClientHasItsProtocolVersion(t *testing.T) {
	for set, want := range map[int]int{0: 10, 3: 3, 11: 11} {
		w := newWorld(t, appletest.Options{})
		everything(t, w.client(t, dep.Options{ProtocolVersion: set}))
		for _, r := range w.apple.Requests() {
			assert.Equal(t, want, r.Version, r.Path)
		}
	}
	for _, version := range []int{-1, 1001} {
		_, err := dep.NewVerifier(dep.Options{ProtocolVersion: version})
		require.ErrorIs(t, err, dep.ErrOptions)
	}
}

// What a device tells depends on the version: deadlines of migrations from 8 on, its radios from 10 on.
func TestPain04_VersionTenTellsOfMigration(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	w.org.AddDevices(appletest.Device{Serial: "A", OS: "iPadOS", Family: "iPad", IMEI: []string{"35"}})
	deadline := w.apple.Now().AddDate(0, 1, 0)
	require.NoError(t, w.admin.AssignWithDeadline(w.service, deadline, "A"))
	see := func(version int) dep.Device {
		details, err := w.client(t, dep.Options{ProtocolVersion: version}).DeviceDetails(t.Context(), "A")
		require.NoError(t, err)
		return details[0].Device
	}
	assert.WithinDuration(t, deadline, see(0).MigrationDeadline, 1e9)
	assert.Equal(t, []string{"35"}, see(0).IMEI)
	assert.Equal(t, "iPadOS", see(7).OS)
	assert.True(t, see(7).MigrationDeadline.IsZero())
	assert.Empty(t, see(9).IMEI)
	assert.Equal(t, "iOS", see(3).OS)
}

func TestHeadersOfARequest(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "application/json;charset=UTF8", r.Header.Get("Content-Type"), "to the letter, also without a body")
		assert.Empty(t, r.Header.Values("Authorization"), "OAuth is for the session only")
		assert.Empty(t, r.Header.Values("Cookie"))
		assert.Empty(t, r.Header.Values("Referer"))
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		_, _ = w.Write([]byte(`{}`))
	}, dep.Options{})
	everything(t, c)
}
