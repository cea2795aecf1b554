package appletest_test

import (
	"crypto/hmac"
	"crypto/sha1" // OAuth 1.0a
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// request is GET /session, signed by hand: another implementation than the one it tests.
type request struct {
	fields         map[string]string
	consumerSecret string
	tokenSecret    string
	query          string
	extra          string // appended to the header as it is
}

func (s *shop) request(c credentials) request {
	return request{
		fields: map[string]string{
			"realm": "ADM", "oauth_consumer_key": c.ConsumerKey, "oauth_token": c.AccessToken,
			"oauth_signature_method": "HMAC-SHA1", "oauth_version": "1.0",
			"oauth_timestamp": fmt.Sprint(s.apple.Now().Unix()), "oauth_nonce": "once",
		},
		consumerSecret: c.ConsumerSecret, tokenSecret: c.AccessSecret,
	}
}

func (q request) header() string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(q.fields)) {
		if name != "realm" {
			pairs = append(pairs, name+"="+url.QueryEscape(q.fields[name]))
		}
	}
	if q.query != "" {
		pairs = append(pairs, q.query)
		slices.Sort(pairs)
	}
	text := "GET&" + url.QueryEscape(base+"/session") + "&" + url.QueryEscape(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(q.consumerSecret+"&"+q.tokenSecret))
	mac.Write([]byte(text))
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	var out []string
	for name, value := range q.fields {
		out = append(out, fmt.Sprintf("%s=%q", name, url.QueryEscape(value)))
	}
	out = append(out, fmt.Sprintf("oauth_signature=%q", url.QueryEscape(signature)))
	return "OAuth " + strings.Join(out, ", ") + q.extra
}

func (s *shop) send(t *testing.T, q request) reply {
	t.Helper()
	path := "/session"
	if q.query != "" {
		path += "?" + q.query
	}
	return s.sendHeader(t, path, q.header())
}

func (s *shop) sendHeader(t *testing.T, path, authorization string) reply {
	t.Helper()
	return do(t, authorize{headers{next: s.apple.Transport()}, authorization}, "GET", path, "")
}

type authorize struct {
	next  http.RoundTripper
	value string
}

func (a authorize) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if a.value != "" {
		r.Header.Set("Authorization", a.value)
	}
	return a.next.RoundTrip(r)
}

// The table of Apple's "Interpreting error codes": what is malformed is 400, what is not accepted 401.
func TestSessionRequestsAreJudged(t *testing.T) {
	now, _ := fixed(time.Now())
	set := func(name, value string) func(*request) {
		return func(q *request) { q.fields[name] = value }
	}
	drop := func(name string) func(*request) {
		return func(q *request) { delete(q.fields, name) }
	}
	at := func(d time.Duration) string { return fmt.Sprint(now().Add(d).Unix()) }
	for name, c := range map[string]struct {
		change func(*request)
		status int
		body   string
	}{
		"honest":                        {func(*request) {}, 200, ""},
		"without version":               {drop("oauth_version"), 200, ""},
		"odd nonce":                     {set("oauth_nonce", "a+/=~é&"), 200, ""},
		"signed query":                  {func(q *request) { q.query = "b=1" }, 200, ""},
		"timestamp at the window's end": {set("oauth_timestamp", at(-299*time.Second)), 200, ""},
		"without consumer key":          {drop("oauth_consumer_key"), 400, ""},
		"without token":                 {drop("oauth_token"), 400, ""},
		"without nonce":                 {drop("oauth_nonce"), 400, ""},
		"without timestamp":             {drop("oauth_timestamp"), 400, ""},
		"timestamp no number":           {set("oauth_timestamp", "now"), 400, ""},
		"other method":                  {set("oauth_signature_method", "HMAC-SHA256"), 400, "unsupported signature method"},
		"plain text":                    {set("oauth_signature_method", "PLAINTEXT"), 400, "unsupported signature method"},
		"other version":                 {set("oauth_version", "2.0"), 400, ""},
		"without realm":                 {drop("realm"), 400, "invalid realm"},
		"other realm":                   {set("realm", "adm"), 400, "invalid realm"},
		"parameter twice":               {func(q *request) { q.extra = `, oauth_nonce="again"` }, 400, ""},
		"parameter in the query too":    {func(q *request) { q.query = "oauth_nonce=once" }, 400, ""},
		"unknown consumer key":          {set("oauth_consumer_key", "CK_0"), 401, "token_rejected"},
		"unknown token":                 {set("oauth_token", "AT_0"), 401, "token_rejected"},
		"wrong consumer secret":         {func(q *request) { q.consumerSecret = "CS_0" }, 401, "signature_invalid"},
		"wrong access secret":           {func(q *request) { q.tokenSecret = "AS_0" }, 401, "signature_invalid"},
		"too old":                       {set("oauth_timestamp", at(-6*time.Minute)), 401, "signature_invalid"},
		"from the future":               {set("oauth_timestamp", at(6*time.Minute)), 401, "signature_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, appletest.Options{Now: now})
			q := s.request(s.token)
			c.change(&q)
			r := s.send(t, q)
			require.Equal(t, c.status, r.Status, r.Body)
			if c.body != "" {
				require.Equal(t, c.body, r.Body)
			}
		})
	}
}

func TestSessionRequestIsSignedForItsURL(t *testing.T) {
	s := newShop(t, appletest.Options{})
	header := s.request(s.token).header()
	require.Equal(t, 401, s.sendHeader(t, "/session?added=1", header).Status)
	require.Equal(t, 200, s.sendHeader(t, "/session", header).Status, "the same header where it belongs")
	require.Equal(t, 400, s.sendHeader(t, "/session", "").Status)
	require.Equal(t, 400, s.sendHeader(t, "/session", "Bearer x").Status)
}

func TestNonceIsUsedOnce(t *testing.T) {
	now, move := fixed(time.Now())
	s := newShop(t, appletest.Options{Now: now})
	q := s.request(s.token)
	require.Equal(t, 200, s.send(t, q).Status)
	require.Equal(t, 401, s.send(t, q).Status, "replayed")
	q.fields["oauth_timestamp"] = fmt.Sprint(now().Unix() + 1)
	require.Equal(t, 200, s.send(t, q).Status, "a nonce is unique per timestamp")
	move(time.Hour)
	require.Equal(t, 401, s.send(t, q).Status, "replayed when the nonce may be forgotten")
	q = s.request(s.token)
	bad := q
	bad.tokenSecret = "AS_0"
	require.Equal(t, 401, s.send(t, bad).Status)
	require.Equal(t, 200, s.send(t, q).Status, "a forgery uses up no nonce")
}

func TestManyNonces(t *testing.T) {
	now, move := fixed(time.Now())
	s := newShop(t, appletest.Options{Now: now})
	first := s.request(s.token)
	require.Equal(t, 200, s.send(t, first).Status)
	for i := range 4200 {
		if i == 2100 {
			move(4 * time.Minute)
		}
		q := s.request(s.token)
		q.fields["oauth_nonce"] = fmt.Sprint(i)
		require.Equal(t, 200, s.send(t, q).Status)
	}
	require.Equal(t, 401, s.send(t, first).Status, "remembered as long as its timestamp would do")
}

func TestAnyRealm(t *testing.T) {
	s := newShop(t, appletest.Options{Behavior: appletest.Behavior{AnyRealm: true}})
	q := s.request(s.token)
	delete(q.fields, "realm")
	require.Equal(t, 200, s.send(t, q).Status)
}

func TestRejectionsMayHaveEitherStatus(t *testing.T) {
	s := newShop(t, appletest.Options{Behavior: appletest.Behavior{RejectStatus: 403, QuotedErrors: true}})
	old := s.token
	s.download(t, s.admin)
	r := s.session(t, old)
	require.Equal(t, 403, r.Status)
	require.Equal(t, `"token_rejected"`, r.Body, "quoted, as JSON")
	s.apple.Change(func(b *appletest.Behavior) { b.RejectStatus, b.QuotedErrors = 401, false })
	r = s.session(t, old)
	require.Equal(t, 401, r.Status)
	require.Equal(t, `token_rejected`, r.Body)
}

func TestSkewedClocksAreNoticed(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.apple.Change(func(b *appletest.Behavior) { b.ClockSkew = 10 * time.Minute })
	r := s.session(t, s.token)
	require.Equal(t, 401, r.Status)
	date, err := http.ParseTime(r.Header.Get("Date"))
	require.NoError(t, err)
	require.InDelta(t, 600, time.Until(date).Seconds(), 30, "the Date header tells whose clock is wrong")
}
