package abmtoken

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Token is one server token: the OAuth 1.0a credentials of the device assignment service. Its texts are opaque;
// nothing may be concluded from their form or length. The zero Token is not valid; [ParseToken] makes them.
//
// A Token never changes and is safe for concurrent use. Printing it shows which one it is and none of its secrets.
type Token struct {
	consumerKey    string
	consumerSecret Secret
	accessToken    Secret
	accessSecret   Secret
	expires        time.Time
	json           Secret
}

// ConsumerKey names the pair of service and downloading person. It is no secret and no identity: another
// administrator's download of the same service may have another one. Ask a [Verifier] who a token belongs to.
func (t Token) ConsumerKey() string { return t.consumerKey }

// ConsumerSecret is the OAuth consumer secret.
func (t Token) ConsumerSecret() Secret { return t.consumerSecret }

// AccessToken is the OAuth access token.
func (t Token) AccessToken() Secret { return t.accessToken }

// AccessSecret is the OAuth access token's secret.
func (t Token) AccessSecret() Secret { return t.accessSecret }

// Expires is when Apple stops to take the token, in UTC: one calendar year after its download.
func (t Token) Expires() time.Time { return t.expires }

// JSON is the token as it was read, with fields that this package does not know. [ParseToken] reads it again.
func (t Token) JSON() Secret { return t.json }

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t.consumerKey == "" }

// Fingerprint is the hex SHA-256 of the credentials and their expiry: equal exactly for tokens that [Compare] calls
// identical. It may be stored and shown.
func (t Token) Fingerprint() string {
	if t.IsZero() {
		return ""
	}
	var b cryptobyte.Builder
	for _, text := range []string{
		t.consumerKey, t.consumerSecret.Reveal(), t.accessToken.Reveal(), t.accessSecret.Reveal(),
		t.expires.Format(time.RFC3339Nano),
	} {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
	}
	sum := sha256.Sum256(b.BytesOrPanic()) // cannot panic: ParseToken bounds the texts
	return hex.EncodeToString(sum[:])
}

// String says which token it is.
func (t Token) String() string {
	if t.IsZero() {
		return "no server token"
	}
	return "server token " + t.Fingerprint()[:12] + ", expires " + t.expires.Format(time.RFC3339)
}

// LogValue says which token it is.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON returns [ErrSecret]; [Token.JSON] is the way to store one.
func (Token) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText returns [ErrSecret].
func (Token) MarshalText() ([]byte, error) { return nil, ErrSecret }
