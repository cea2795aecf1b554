package dep_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// canaries are what must not be seen: the secrets of a token, with characters that OAuth encodes, and two sessions.
var canaries = []string{"CS_can/ary+1", "AT_can/ary+2", "AS_can/ary+3", "SESSION-canary-4", "SESSION-canary-5"}

func canaryToken(t *testing.T) abmtoken.Token {
	t.Helper()
	token, err := abmtoken.ParseToken(fmt.Appendf(nil, `{"consumer_key":"CK_1","consumer_secret":%q,"access_token":%q,
		"access_secret":%q,"access_token_expiry":"2099-01-01T00:00:00Z"}`, canaries[0], canaries[1], canaries[2]))
	require.NoError(t, err)
	return token
}

// printed is everything that a host may do with a value for its log.
func printed(value any) string {
	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&out, format+"\n", value)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "value", value)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "value", value)
	if encoded, err := json.Marshal(value); err == nil {
		out.Write(encoded)
	}
	return out.String()
}

func unprinted(t *testing.T, value any, what string, canaries ...string) {
	t.Helper()
	text := printed(value)
	require.NotContains(t, text, "oauth_signature", "the header of a session's request: %s", what)
	for _, canary := range canaries {
		for _, form := range []string{canary, oauth1.PercentEncode(canary), canary[:11], fmt.Sprintf("%x", canary)} {
			require.NotContains(t, text, form, what)
		}
	}
	if err, is := value.(error); is {
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
			unprinted(t, fmt.Sprintf("%v %+v %#v", inner, inner, inner), what, canaries...)
		}
	}
}

// A service that sends everything back that it gets, in every way that an error could take up.
func TestThreat17_NoCredentialIsInAnErrorOrAPrintedClient(t *testing.T) {
	echo := func(r *http.Request) string {
		return strings.Join(canaries[:4], " ") + " " + r.Header.Get("Authorization") + " " + r.Header.Get("X-ADM-Auth-Session")
	}
	long := strings.Repeat("SESSION-canary-4 ", 4<<10/17+1) // cut off in the middle of one
	for name, answer := range map[string]http.HandlerFunc{
		"refused":          func(w http.ResponseWriter, r *http.Request) { text(400, echo(r))(w, r) },
		"denied":           func(w http.ResponseWriter, r *http.Request) { text(403, echo(r))(w, r) },
		"quoted":           func(w http.ResponseWriter, r *http.Request) { text(500, fmt.Sprintf("%q", echo(r)))(w, r) },
		"long":             text(500, long),
		"long, and quoted": text(500, `"`+long),
		"only a secret":    text(401, "AT_canary"),
		"answered":         func(w http.ResponseWriter, r *http.Request) { text(200, echo(r))(w, r) },
		"of another type": func(w http.ResponseWriter, r *http.Request) {
			text(200, fmt.Sprintf(`{"urls":%q,"devices":%q,"url":7}`, echo(r), echo(r)))(w, r)
		},
		"rotated": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-ADM-Auth-Session", "SESSION-canary-5")
			text(400, "SESSION-canary-5")(w, r)
		},
		"as a location": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://evil.example/?"+strings.ReplaceAll(echo(r), " ", "+"))
			text(302, echo(r))(w, r)
		},
		"as a broken header": raw("HTTP/1.1 200 OK\r\nX-ADM-Auth-Session SESSION-canary-4 AT_can/ary+2\r\n\r\n"),
		"as a status":        raw("HTTP/1.1 2x0 AS_can/ary+3 SESSION-canary-4\r\n\r\n"),
		"as a protocol":      raw("CS_can/ary+1 SESSION-canary-4\r\n\r\n"),
		"as a length":        raw("HTTP/1.1 200 OK\r\nContent-Length: SESSION-canary-4\r\n\r\n"),
	} {
		for _, at := range []string{"/session", "elsewhere"} {
			known := canaries
			if at == "/session" {
				known = canaries[:3] // there are no sessions that a client could know
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/session" && at != "/session" {
					text(200, `{"auth_session_token":"SESSION-canary-4"}`)(w, r)
					return
				}
				answer(w, r)
			}))
			o := dep.Options{BaseURL: server.URL, Loopback: true}
			c, err := dep.NewClient(abmtoken.Static(canaryToken(t)), o)
			require.NoError(t, err)
			for call, ask := range calls {
				err := ask(t.Context(), c)
				require.Error(t, err, "%s of %s", name, call)
				unprinted(t, err, name+" of "+call, known...)
			}
			unprinted(t, c, "the client", canaries...)
			v, err := dep.NewVerifier(o)
			require.NoError(t, err)
			_, err = v.Account(t.Context(), canaryToken(t))
			unprinted(t, err, name, known...)
			unprinted(t, v, "the verifier", canaries...)
			server.Close()
		}
	}
}

// raw answers with bytes.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte(answer))
		_ = conn.Close()
	}
}

// An answer that hands a session out and is no success all the same.
func TestThreat17_ASessionInARefusalIsNotPrinted(t *testing.T) {
	for _, body := range []string{`{"auth_session_token":"SESSION-canary-4"}`, `"{\"auth_session_token\":\"SESSION-canary-4\"}"`} {
		unprinted(t, ask(t, text(500, body)), body, canaries...)
	}
}

func TestAPrintedClientSaysWhatItIs(t *testing.T) {
	c, err := dep.NewClient(abmtoken.Static(canaryToken(t)), dep.Options{})
	require.NoError(t, err)
	assert.Equal(t, "dep.Client", fmt.Sprintf("%+v", c))
}
