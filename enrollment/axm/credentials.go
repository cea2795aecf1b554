package axm

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// The kinds of API accounts, by the beginning of their client IDs.
const (
	businessPrefix = "BUSINESSAPI."
	schoolPrefix   = "SCHOOLAPI."
)

// Credentials are those of an API account. They do not print.
type Credentials struct {
	clientID, keyID string
	key             *ecdsa.PrivateKey
}

// NewCredentials makes credentials of what the portal shows of an API account: the client ID, the ID of its key, and the
// private key that the browser downloaded once, as PEM (PKCS #8 or SEC 1). Its errors match [ErrOptions] and never hold a
// part of the key.
func NewCredentials(clientID, keyID string, privateKey []byte) (Credentials, error) {
	c := Credentials{clientID: strings.TrimSpace(clientID), keyID: strings.TrimSpace(keyID)}
	key, err := enrollment.CheckAPIAccount(c.clientID, c.keyID, privateKey)
	if wrong, is := errors.AsType[*enrollment.APIAccountError](err); is {
		return Credentials{}, wrongOption("%s", wrong.Rule)
	}
	c.key = key
	return c, err
}

// ClientID is the ID of the API account.
func (c Credentials) ClientID() string { return c.clientID }

// IsZero reports whether there are none.
func (c Credentials) IsZero() bool { return c.key == nil }

func (c Credentials) prefix() string { return enrollment.APIAccountPrefix(c.clientID) }

// scope is what a token of the account is for.
func (c Credentials) scope() string {
	if c.prefix() == schoolPrefix {
		return "school.api"
	}
	return "business.api"
}

// String leaves the key out.
func (c Credentials) String() string { return "API account " + c.clientID }

// Format writes [Credentials.String], whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

var errNoText = errors.New("axm: credentials are not written down; keep what they were made of, sealed")

// MarshalJSON is an error, so that nothing redacted is kept by mistake.
func (Credentials) MarshalJSON() ([]byte, error) { return nil, errNoText }

// MarshalText is an error too.
func (Credentials) MarshalText() ([]byte, error) { return nil, errNoText }
