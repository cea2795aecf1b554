package dep

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

func tokenOf(t *testing.T, consumerKey, consumerSecret, accessToken, accessSecret string) abmtoken.Token {
	t.Helper()
	token, err := abmtoken.ParseToken(fmt.Appendf(nil,
		`{"consumer_key":%q,"consumer_secret":%q,"access_token":%q,"access_secret":%q,"access_token_expiry":"2099-01-01T00:00:00Z"}`,
		consumerKey, consumerSecret, accessToken, accessSecret))
	require.NoError(t, err)
	return token
}

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

// The example of RFC 5849, section 1.2.
func TestSignatureOfTheStandardsExample(t *testing.T) {
	token := tokenOf(t, "dpf43f3p2l4k3l03", "kd94hf93k423kf44", "nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")
	base := signatureBase("GET", parsed(t, "http://photos.example.net/photos?file=vacation.jpg&size=original"), [][2]string{
		{"oauth_consumer_key", "dpf43f3p2l4k3l03"}, {"oauth_token", "nnch734d00sl2jdk"}, {"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", "137131202"}, {"oauth_nonce", "chapoH"},
	})
	signature, err := sign(token, base)
	require.NoError(t, err)
	assert.Equal(t, "MdpQcU8iPSUjWoN/UDMsK2sui9I=", signature)
}

// RFC 5849, 3.4.1.2.
func TestBaseURIs(t *testing.T) {
	for text, want := range map[string]string{
		"HTTPS://MDMenrollment.Apple.com:443/session?a=b": "https://mdmenrollment.apple.com/session",
		"http://Example.com:80":                           "http://example.com/", "https://example.com:8443/r%20v/X": "https://example.com:8443/r%20v/X",
		"http://example.com:443/": "http://example.com:443/", "https://example.com:80/": "https://example.com:80/",
	} {
		assert.Equal(t, want, baseURI(parsed(t, text)), text)
	}
}

// No text of a token can end its quotes or begin another parameter or header.
func TestThreat10_TokenTextsStayWithinTheirQuotes(t *testing.T) {
	token := tokenOf(t, `CK", oauth_token="evil`, "CS&=%+", `AT"\, x="`, "AS&=%+")
	header, err := authorization("GET", parsed(t, "https://mdmenrollment.apple.com/session"), token, "n", time.Unix(1, 0))
	require.NoError(t, err)
	assert.Equal(t, 16, strings.Count(header, `"`), "8 parameters, and no quote but theirs: %s", header)
	assert.Contains(t, header, `oauth_consumer_key="`+oauth1.PercentEncode(token.ConsumerKey())+`"`)
	assert.Contains(t, header, `realm="ADM"`)
	assert.Contains(t, header, `oauth_timestamp="1"`)
	assert.NotContains(t, header, "CS")
	assert.True(t, strings.HasPrefix(header, "OAuth "))
}

func TestNoncesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		n := newNonce()
		require.False(t, seen[n])
		require.True(t, untrusted.Identifier(n, 64))
		seen[n] = true
	}
}
