package appletest

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OAuth 1.0a is what Apple demands
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parameter is one name and value, decoded.
type parameter struct{ name, value string }

// authorize judges the OAuth header of GET /session (RFC 5849; Apple, "Authenticating with a device management
// server"); needs the lock. A malformed request is answered with 400, a wrong one with 401.
func (a *Apple) authorize(r *http.Request, scheme string) (*token, answer) {
	header, err := oauthHeader(r.Header.Values("Authorization"))
	if err != nil {
		return nil, badRequest(err.Error())
	}
	fields := map[string]string{}
	var signed []parameter
	for _, p := range header {
		if _, twice := fields[p.name]; twice {
			return nil, badRequest("duplicate OAuth parameter " + p.name)
		}
		fields[p.name] = p.value
		if p.name != "realm" && p.name != "oauth_signature" {
			signed = append(signed, p)
		}
	}
	if text := a.checkParameters(fields); text != "" {
		return nil, badRequest(text)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("malformed query")
	}
	for name, values := range query {
		if strings.HasPrefix(name, "oauth_") {
			return nil, badRequest("duplicate OAuth parameter " + name)
		}
		for _, v := range values {
			signed = append(signed, parameter{name, v})
		}
	}

	rejected := answer{status: a.behavior.rejectStatus(), code: "token_rejected"}
	t := a.tokens[fields["oauth_token"]]
	if t == nil || t.consumer.key != fields["oauth_consumer_key"] {
		return nil, rejected
	}
	base := baseString(r.Method, baseURI(scheme, r.Host, r.URL.EscapedPath()), signed)
	want := hmacSHA1(t.consumer.secret, t.secret, base)
	wrong := answer{status: a.behavior.rejectStatus(), code: "signature_invalid"}
	if subtle.ConstantTimeCompare([]byte(want), []byte(fields["oauth_signature"])) != 1 {
		return nil, wrong
	}
	seconds, _ := strconv.ParseInt(fields["oauth_timestamp"], 10, 64)
	now := a.clock()
	if a.nonces.refuse(now, a.behavior.window(), nonce{t.key, fields["oauth_nonce"], seconds}) {
		return nil, wrong
	}
	if t.state(now) != Alive {
		return nil, rejected
	}
	return t, answer{}
}

// checkParameters returns what is wrong with the shape of the parameters.
func (a *Apple) checkParameters(fields map[string]string) string {
	for _, name := range []string{
		"oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_signature", "oauth_timestamp", "oauth_nonce",
	} {
		if fields[name] == "" {
			return "missing OAuth parameter " + name
		}
	}
	seconds, err := strconv.ParseInt(fields["oauth_timestamp"], 10, 64)
	switch {
	case fields["oauth_signature_method"] != "HMAC-SHA1":
		return "unsupported signature method"
	case fields["oauth_version"] != "" && fields["oauth_version"] != "1.0":
		return "unsupported OAuth version"
	case err != nil || seconds <= 0:
		return "invalid oauth_timestamp"
	case !a.behavior.AnyRealm && fields["realm"] != "ADM":
		return "invalid realm"
	}
	return ""
}

// baseURI is the base string URI (RFC 5849, 3.4.1.2).
func baseURI(scheme, host, path string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}

// baseString is the signature base string (RFC 5849, 3.4.1.1).
func baseString(method, uri string, parameters []parameter) string {
	pairs := make([]parameter, len(parameters))
	for i, p := range parameters {
		pairs[i] = parameter{escape(p.name), escape(p.value)}
	}
	slices.SortFunc(pairs, func(x, y parameter) int {
		if c := strings.Compare(x.name, y.name); c != 0 {
			return c
		}
		return strings.Compare(x.value, y.value)
	})
	var text strings.Builder
	for i, p := range pairs {
		if i > 0 {
			text.WriteByte('&')
		}
		text.WriteString(p.name + "=" + p.value)
	}
	return strings.ToUpper(method) + "&" + escape(uri) + "&" + escape(text.String())
}

// hmacSHA1 signs a base string (RFC 5849, 3.4.2).
func hmacSHA1(consumerSecret, tokenSecret, base string) string {
	var sum []byte
	// A fake may do what GODEBUG=fips140=only forbids: it protects nothing.
	fips140.WithoutEnforcement(func() {
		mac := hmac.New(sha1.New, []byte(escape(consumerSecret)+"&"+escape(tokenSecret)))
		mac.Write([]byte(base))
		sum = mac.Sum(nil)
	})
	return base64.StdEncoding.EncodeToString(sum)
}

// escape is the percent encoding of RFC 5849, 3.6: everything but unreserved characters, in upper-case hex.
func escape(s string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(unreserved, c) >= 0 {
			out.WriteByte(c)
		} else {
			out.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return out.String()
}

// nonce is what may be used once.
type nonce struct {
	token, value string
	seconds      int64
}

// nonces remembers what was used within the window; older requests are refused by their timestamp alone.
type nonces struct{ used map[nonce]struct{} }

// refuse reports whether a request is out of time or was seen before, and remembers it.
func (n *nonces) refuse(now time.Time, window time.Duration, one nonce) bool {
	at := time.Unix(one.seconds, 0)
	if now.Sub(at).Abs() > window {
		return true
	}
	if _, seen := n.used[one]; seen {
		return true
	}
	if n.used == nil {
		n.used = map[nonce]struct{}{}
	}
	if len(n.used) >= 4096 {
		for old := range n.used {
			if now.Sub(time.Unix(old.seconds, 0)).Abs() > window {
				delete(n.used, old)
			}
		}
	}
	n.used[one] = struct{}{}
	return false
}
