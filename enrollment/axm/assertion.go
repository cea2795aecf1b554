package axm

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// audience is whom assertions are made out to, whichever of the two token endpoints they are sent to.
const audience = DefaultTokenURL

// assertionLife is how long an assertion is good. Apple takes up to 180 days; a fresh one is made for each token, so that one
// that is overheard is soon worth nothing.
const assertionLife = 15 * time.Minute

// assertion signs who asks for a token (RFC 7523, section 3).
func (c Credentials) assertion(now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": c.clientID, "sub": c.clientID, "aud": audience,
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(), "jti": rand.Text(),
	})
	t.Header["kid"] = c.keyID
	signed, err := t.SignedString(c.key)
	if err != nil {
		return "", fmt.Errorf("axm: the client assertion could not be signed: %w", err)
	}
	return signed, nil
}
