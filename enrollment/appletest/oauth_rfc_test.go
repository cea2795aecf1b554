package appletest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dghubble/oauth1"
)

// RFC 5849, 3.4.1: the example of a signature base string, with its odd parameters. The signature is that of the
// erratum with the secrets of section 3.1.
func TestBaseStringOfTheRFC(t *testing.T) {
	base := baseString("post", baseURI("http", "EXAMPLE.COM:80", "/request"), []parameter{
		{"b5", "=%3D"}, {"a3", "a"}, {"c@", ""}, {"a2", "r b"},
		{"oauth_consumer_key", "9djdj82h48djs9d2"}, {"oauth_token", "kkk9d7dh3k39sjv7"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131201"}, {"oauth_nonce", "7d8f3e4a"},
		{"c2", ""}, {"a3", "2 q"},
	})
	require.Equal(t, "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D"+
		"%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a"+
		"%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7", base)
	require.Equal(t, "r6/TJjbCOr97/+UU0NsvSne7s5g=", hmacSHA1("j49sk3j29djd", "dh893hdasih9", base))
}

// RFC 5849, 1.2: the photos of the introduction.
func TestSignatureOfTheRFC(t *testing.T) {
	base := baseString("GET", baseURI("http", "photos.example.net", "/photos"), []parameter{
		{"file", "vacation.jpg"}, {"size", "original"},
		{"oauth_consumer_key", "dpf43f3p2l4k3l03"}, {"oauth_token", "nnch734d00sl2jdk"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131202"}, {"oauth_nonce", "chapoH"},
	})
	require.Equal(t, "MdpQcU8iPSUjWoN/UDMsK2sui9I=", hmacSHA1("kd94hf93k423kf44", "pfkkdhi9sl3r4s00", base))
}

// A request as Apple wants it; the signature was computed with Python's hmac module.
func TestSignatureOfASessionRequest(t *testing.T) {
	base := baseString("GET", baseURI("https", "mdmenrollment.apple.com:443", "/session"), []parameter{
		{"oauth_version", "1.0"}, {"oauth_nonce", "n+1"}, {"oauth_timestamp", "1764000000"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_consumer_key", "CK_1"}, {"oauth_token", "AT_O1Oab"},
	})
	require.Equal(t, "zawbXtdvpuV1mQAtBS6MQN5ZEsY=", hmacSHA1("CS_x", "AS_y", base))
}

func TestBaseURI(t *testing.T) {
	require.Equal(t, "https://a.example/", baseURI("https", "A.example", ""))
	require.Equal(t, "https://a.example:80/s", baseURI("https", "a.example:80", "/s"))
	require.Equal(t, "http://a.example:8080/s", baseURI("http", "a.example:8080", "/s"))
}

func TestEscapeAgreesWithAnotherImplementation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		require.Equal(t, oauth1.PercentEncode(text), escape(text))
	})
}

func TestOAuthHeader(t *testing.T) {
	parameters, err := oauthHeader([]string{`oauth realm="ADM", a="1%2B+",b=""`})
	require.NoError(t, err)
	require.Equal(t, []parameter{{"realm", "ADM"}, {"a", "1++"}, {"b", ""}}, parameters)
	for _, bad := range [][]string{
		nil, {`OAuth a="1"`, `OAuth a="1"`}, {`Bearer x`}, {`OAuth`}, {`OAuth a`}, {`OAuth a=1`}, {`OAuth a="`},
		{`OAuth a="%zz"`}, {`OAuth %zz="a"`}, {`OAuth a="1",`},
	} {
		_, err := oauthHeader(bad)
		require.Error(t, err, "%q", bad)
	}
}
