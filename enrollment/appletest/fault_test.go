package appletest_test

import (
	"encoding/json"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func accountStatus(t *testing.T, client headers) int {
	t.Helper()
	return do(t, client, "GET", "/account", "").Status
}

func TestFaultDownRefusesTheConnection(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	end := s.apple.Fail(appletest.Fault{Kind: appletest.Down})
	_, err := try(client, "GET", "/account", "")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.Equal(t, appletest.Down, last(s.apple).Fault)
	require.Zero(t, last(s.apple).Status)
	end()
	require.Equal(t, 200, accountStatus(t, client))
}

// What was done before the connection broke is what a client cannot know.
func TestFaultsCutTheConnection(t *testing.T) {
	for kind, done := range map[appletest.FaultKind]bool{
		appletest.CutBefore: false, appletest.CutAfter: true, appletest.CutDuring: true,
	} {
		t.Run(string(kind), func(t *testing.T) {
			s := newShop(t, appletest.Options{})
			s.buy(t, 1)
			client := s.connect(t)
			uuid := define(t, client, good()).UUID
			body := encode(t, map[string]any{"profile_uuid": uuid, "devices": []string{"S00000"}})
			s.apple.Fail(appletest.Fault{Kind: kind, Path: "/profile/devices", Times: 1})
			_, err := try(client, "POST", "/profile/devices", body)
			require.Error(t, err)
			require.Equal(t, kind, last(s.apple).Fault)
			status := s.details(t, client, "S00000")["profile_status"]
			require.Equal(t, done, status == "assigned", "%s", status)
		})
	}
}

func TestFaultAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		fault  appletest.Fault
		status int
		check  func(*testing.T, reply)
	}{
		"status": {appletest.Fault{Kind: appletest.Status}, 500, nil},
		"throttled": {appletest.Throttled(90*time.Second + 1), 429, func(t *testing.T, r reply) {
			require.Equal(t, "91", r.Header.Get("Retry-After"))
		}},
		"unavailable": {appletest.Unavailable(time.Minute), 503, func(t *testing.T, r reply) {
			require.Equal(t, "60", r.Header.Get("Retry-After"))
		}},
		"without retry": {appletest.Throttled(0), 429, func(t *testing.T, r reply) {
			require.Empty(t, r.Header.Get("Retry-After"))
		}},
		"denied": {appletest.Denied("/account"), 403, func(t *testing.T, r reply) {
			require.Equal(t, "ACCESS_DENIED", r.Body)
		}},
		"wrong status": {appletest.Fault{Kind: appletest.WrongStatus, Status: 502}, 502, func(t *testing.T, r reply) {
			require.Contains(t, r.Body, "server_uuid")
		}},
		"garbage": {appletest.Fault{Kind: appletest.Garbage}, 200, func(t *testing.T, r reply) {
			require.False(t, json.Valid([]byte(r.Body)))
		}},
		"oversized": {appletest.Fault{Kind: appletest.Oversized, Size: 100_000}, 200, func(t *testing.T, r reply) {
			require.Len(t, r.Body, 100_000)
			require.True(t, json.Valid([]byte(r.Body)))
		}},
		"redirect": {appletest.Fault{Kind: appletest.Redirect, Location: "https://evil.example/"}, 302,
			func(t *testing.T, r reply) { require.Equal(t, "https://evil.example/", r.Header.Get("Location")) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, appletest.Options{})
			client := s.connect(t)
			s.apple.Fail(c.fault)
			r := do(t, client, "GET", "/account", "")
			require.Equal(t, c.status, r.Status)
			require.NotEmpty(t, r.Header.Get("Date"))
			if c.check != nil {
				c.check(t, r)
			}
			s.apple.Heal()
			require.Equal(t, 200, accountStatus(t, client))
		})
	}
}

func TestFaultsMatchCountAndEnd(t *testing.T) {
	s := newShop(t, appletest.Options{})
	other := newOther(t, s)
	client, stranger := s.connect(t), other.connect(t)
	s.apple.Fail(appletest.Fault{Kind: appletest.Status, Method: "GET", Path: "/account", Service: s.service,
		After: 1, Times: 2})
	require.Equal(t, 200, accountStatus(t, client), "the first passes")
	require.Equal(t, 200, accountStatus(t, stranger), "another service is not concerned")
	require.Equal(t, 200, do(t, client, "POST", "/server/devices", "{}").Status, "nor another path")
	require.Equal(t, []int{500, 500, 200}, []int{
		accountStatus(t, client), accountStatus(t, client), accountStatus(t, client),
	})

	s.apple.Fail(appletest.Fault{Kind: appletest.Status, Path: "/session", Service: s.service})
	require.Equal(t, 500, s.session(t, s.token).Status, "the session is asked for with the service's token")
	require.Equal(t, 200, other.session(t, other.token).Status)
	s.apple.Heal()

	s.apple.Fail(appletest.Fault{Kind: appletest.Status, Status: 500, Times: 1})
	s.apple.Fail(appletest.Fault{Kind: appletest.Status, Status: 503, Times: 1})
	require.Equal(t, []int{500, 503, 200}, []int{
		accountStatus(t, client), accountStatus(t, client), accountStatus(t, client),
	}, "one after the other")
}

func newOther(t *testing.T, s *shop) *shop {
	t.Helper()
	service, err := s.admin.CreateService("Other MDM", pair().pem())
	require.NoError(t, err)
	other := &shop{apple: s.apple, org: s.org, admin: s.admin, service: service}
	other.token = other.download(t, s.admin)
	return other
}

func last(apple *appletest.Apple) appletest.Request {
	all := apple.Requests()
	return all[len(all)-1]
}

func TestRequestsAreRememberedWithoutSecrets(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	accountStatus(t, client)
	s.apple.Fail(appletest.Fault{Kind: appletest.CutAfter, Times: 1})
	_, err := try(client, "GET", "/account", "")
	require.Error(t, err)
	do(t, client, "GET", "/profile", "")
	do(t, headers{next: s.apple.Transport()}, "GET", "/account", "")

	all := s.apple.Requests()
	require.Len(t, all, 5)
	require.Equal(t, 1, s.apple.Count(http.MethodGet, "/session"))
	require.Equal(t, 3, s.apple.Count(http.MethodGet, "/account"))
	require.Equal(t, s.service.UUID(), all[0].Service)
	require.Equal(t, 200, all[1].Status)
	require.Equal(t, 10, all[1].Version)
	require.Equal(t, "appletest/1", all[1].Agent)
	require.Zero(t, all[2].Status, "no answer arrived")
	require.Equal(t, appletest.CutAfter, all[2].Fault)
	require.Equal(t, "PROFILE_UUID_REQUIRED", all[3].Code)
	require.Empty(t, all[4].Service)

	text, err := json.Marshal(all)
	require.NoError(t, err)
	for _, secret := range []string{
		s.token.ConsumerSecret, s.token.AccessSecret, s.token.AccessToken, s.token.ConsumerKey, client.session,
	} {
		require.NotContains(t, string(text), secret)
	}
}

func TestRememberedRequestsAreBounded(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.apple.Fail(appletest.Fault{Kind: appletest.Down})
	client := headers{next: s.apple.Transport()}
	for range 10_001 {
		_, err := try(client, "GET", "/account", "")
		require.Error(t, err)
	}
	require.Len(t, s.apple.Requests(), 5001)
	require.Equal(t, 10_001, s.apple.Count("GET", "/account"))
}
