package dep

import (
	"crypto/fips140"
	"crypto/rand"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dghubble/oauth1"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// realm is what Apple's service is called in the OAuth header. It is not signed (RFC 5849, 3.4.1.3.1).
const realm = "ADM"

// authorization makes the header of GET /session (RFC 5849, 3.4 and 3.5.1; Apple, "Authenticating with a device
// management server"). The library signs and encodes; the parameters are collected here because its own collector has
// a clock of its own.
func authorization(method string, to *url.URL, token abmtoken.Token, nonce string, now time.Time) (string, error) {
	parameters := [][2]string{
		{"oauth_consumer_key", token.ConsumerKey()},
		{"oauth_nonce", nonce},
		{"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", strconv.FormatInt(now.Unix(), 10)},
		{"oauth_token", token.AccessToken().Reveal()},
		{"oauth_version", "1.0"},
	}
	signature, err := sign(token, signatureBase(method, to, parameters))
	if err != nil {
		return "", err
	}
	parameters = append(parameters, [2]string{"oauth_signature", signature}, [2]string{"realm", realm})
	return "OAuth " + join(parameters, `"`, ", "), nil
}

// signatureBase is the text that is signed (RFC 5849, 3.4.1). The requests that are signed have no form body.
func signatureBase(method string, to *url.URL, parameters [][2]string) string {
	parameters = slices.Clone(parameters)
	for name, values := range to.Query() {
		for _, value := range values {
			parameters = append(parameters, [2]string{name, value})
		}
	}
	return strings.ToUpper(method) + "&" + oauth1.PercentEncode(baseURI(to)) + "&" +
		oauth1.PercentEncode(join(parameters, "", "&"))
}

// baseURI is the address without its query, and without the port that goes without saying (RFC 5849, 3.4.1.2).
func baseURI(to *url.URL) string {
	scheme, host := strings.ToLower(to.Scheme), strings.ToLower(to.Host)
	if scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	path := to.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}

// join encodes, sorts and joins parameters, so that no value can end its own quotes or begin another header.
func join(parameters [][2]string, quote, between string) string {
	pairs := make([][2]string, len(parameters))
	for i, p := range parameters {
		pairs[i] = [2]string{oauth1.PercentEncode(p[0]), oauth1.PercentEncode(p[1])}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = p[0] + "=" + quote + p[1] + quote
	}
	return strings.Join(out, between)
}

// sign is the only place with HMAC-SHA1. Under fips140=only it is reached only with [Options.AllowFIPSException],
// because otherwise there is no client.
func sign(token abmtoken.Token, base string) (signature string, err error) {
	signer := oauth1.HMACSigner{ConsumerSecret: token.ConsumerSecret().Reveal()}
	secret := token.AccessSecret().Reveal()
	call := func() { signature, err = signer.Sign(secret, base) }
	if fips140.Enforced() {
		fips140.WithoutEnforcement(call)
	} else {
		call()
	}
	return signature, err
}

func newNonce() string { return rand.Text() }
