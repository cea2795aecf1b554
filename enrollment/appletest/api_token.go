package appletest

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// audience is what an assertion must be made out to, whichever of the two addresses it is sent to.
const audience = "https://account.apple.com/auth/oauth2/v2/token"

// maxAssertion is how long an assertion may be good.
const maxAssertion = 180 * 24 * time.Hour

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// apiToken is a bearer token of the API.
type apiToken struct {
	account *apiAccount
	ends    time.Time
}

// oauthError is the answer of the token endpoint (RFC 6749, 5.2).
func oauthError(code string) answer {
	return answer{status: http.StatusBadRequest, code: code, value: map[string]string{"error": code}}
}

// apiToken answers the token endpoint.
func (c call) apiToken() answer {
	form, err := url.ParseQuery(string(c.body))
	kind, _, _ := strings.Cut(c.request.Header.Get("Content-Type"), ";")
	switch {
	case err != nil, kind != "application/x-www-form-urlencoded":
		return oauthError("invalid_request")
	case form.Get("grant_type") != "client_credentials":
		return oauthError("unsupported_grant_type")
	case form.Get("client_assertion_type") != assertionType:
		return oauthError("invalid_request")
	}
	account := c.apple.apiAccounts[form.Get("client_id")]
	if account == nil || !account.proves(form.Get("client_assertion"), c.apple.clock()) {
		return oauthError("invalid_client")
	}
	if scope := strings.ToLower(account.org.apiPrefix()) + ".api"; form.Get("scope") != scope {
		return oauthError("invalid_scope")
	}
	token := c.apple.randomHex(40)
	life := c.apple.behavior.apiTokenLife()
	c.apple.apiTokens[token] = apiToken{account, c.apple.clock().Add(life)}
	return ok(map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(life / time.Second), "scope": form.Get("scope"),
	})
}

// proves checks an assertion: ES256 with the key of the account, for Apple, from the account, and good now. An assertion that
// was seen before is refused: its jti must be its own.
func (t *apiAccount) proves(assertion string, now time.Time) bool {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return false
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Sub, Jti string
		Aud           any
		Iat, Exp      int64
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return false
	}
	issued, ends := time.Unix(claims.Iat, 0), time.Unix(claims.Exp, 0)
	switch {
	case header.Alg != "ES256", header.Kid != t.keyID, claims.Iss != t.clientID, claims.Sub != t.clientID, claims.Aud != audience:
		return false
	case !now.Before(ends), ends.Sub(issued) > maxAssertion, issued.After(now.Add(5 * time.Minute)), claims.Jti == "", t.jtis[claims.Jti]:
		return false
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(t.public, digest[:], r, s) {
		return false
	}
	t.jtis[claims.Jti] = true
	return true
}

func decodePart(part string, into any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(raw, into) == nil
}

// ExpireAPITokens ends every bearer token, as if its time had come.
func (a *Apple) ExpireAPITokens() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.apiTokens)
}

// apiCaller returns the account that a request proves to come from.
func (c call) apiCaller() *apiAccount {
	id, is := strings.CutPrefix(c.request.Header.Get("Authorization"), "Bearer ")
	t, known := c.apple.apiTokens[id]
	if !is || !known || !c.apple.clock().Before(t.ends) {
		return nil
	}
	return t.account
}
