package appletest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// override sets or, with an empty value, removes a header.
type override struct {
	next        http.RoundTripper
	name, value string
}

func (o override) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(o.name, o.value)
	return o.next.RoundTrip(r)
}

func TestEveryEndpointWantsItsHeaders(t *testing.T) {
	s := newShop(t, appletest.Options{})
	for _, endpoint := range [][2]string{
		{"GET", "/session"}, {"GET", "/account"}, {"POST", "/server/devices"}, {"POST", "/devices/sync"},
		{"POST", "/devices"}, {"POST", "/profile"}, {"GET", "/profile"}, {"POST", "/profile/devices"},
		{"PUT", "/profile/devices"}, {"DELETE", "/profile/devices"}, {"POST", "/device/activationlock"},
	} {
		for _, c := range []struct {
			name, value string
			status      int
			code        string
		}{
			{"User-Agent", "", 400, "USER_AGENT_MISSING"},
			{"User-Agent", " ", 400, "USER_AGENT_MISSING"},
			{"User-Agent", "Go-http-client/1.1", 400, "USER_AGENT_INVALID"},
			{"Content-Type", "application/json", 415, ""},
			{"Content-Type", "application/json; charset=utf-8", 415, ""},
		} {
			// The order matters: the override is nearer to the wire than what the helper fills in.
			transport := headers{next: override{s.apple.Transport(), c.name, c.value}}
			r := do(t, transport, endpoint[0], endpoint[1], "")
			require.Equal(t, c.status, r.Status, "%s %q: %s", endpoint, c.value, r.Body)
			require.Equal(t, c.code, r.Body)
		}
		r := do(t, headers{next: s.apple.Transport()}, endpoint[0], endpoint[1], "")
		require.NotContains(t, []int{404, 405, 415}, r.Status, "with them it is judged by other things")
	}
}

func TestHeadersMayBeTakenLightly(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.apple.Change(func(b *appletest.Behavior) { b.AnyContentType, b.RefusedUserAgents = true, []string{"curl/"} })
	client := s.connect(t)
	client.next = override{s.apple.Transport(), "Content-Type", "text/plain"}
	require.Equal(t, 200, do(t, client, "GET", "/account", "").Status)
	client.next = override{s.apple.Transport(), "User-Agent", "curl/8"}
	require.Equal(t, "USER_AGENT_INVALID", do(t, client, "GET", "/account", "").Body)
	client.next = override{s.apple.Transport(), "User-Agent", "Go-http-client/1.1"}
	require.Equal(t, 200, do(t, client, "GET", "/account", "").Status)
}

func TestUnknownPathsAndMethods(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	require.Equal(t, 404, do(t, client, "GET", "/", "").Status)
	require.Equal(t, 404, do(t, client, "POST", "/devices/disown", `{"devices":["A"]}`).Status)
	require.Equal(t, 405, do(t, client, "DELETE", "/account", "").Status)
}

func TestMalformedBodies(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	for _, endpoint := range [][2]string{
		{"POST", "/server/devices"}, {"POST", "/devices/sync"}, {"POST", "/devices"}, {"POST", "/profile"},
		{"POST", "/profile/devices"}, {"DELETE", "/profile/devices"}, {"POST", "/device/activationlock"},
	} {
		for _, body := range []string{`{`, `[]`, `"x"`, `{"devices":"A","limit":"1","device":[]}`} {
			r := do(t, client, endpoint[0], endpoint[1], body)
			require.Equal(t, 400, r.Status, "%s %s", endpoint, body)
			require.Equal(t, "MALFORMED_REQUEST_BODY", r.Body, "%s %s", endpoint, body)
		}
	}
}
