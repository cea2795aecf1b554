package axm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// The kinds of API accounts, by the beginning of their client IDs.
const (
	businessPrefix = "BUSINESSAPI."
	schoolPrefix   = "SCHOOLAPI."
)

// maxKey bounds the file of a private key. Apple's have about 240 bytes.
const maxKey = 16 << 10

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
	switch {
	case !untrusted.Identifier(c.clientID, 128) || c.prefix() == "":
		return Credentials{}, wrongOption("the client ID of an API account begins with %s or %s", businessPrefix, schoolPrefix)
	case !untrusted.Identifier(c.keyID, 128):
		return Credentials{}, wrongOption("the key ID is the one that the portal shows beside the client ID")
	case len(privateKey) > maxKey:
		return Credentials{}, wrongOption("the private key is larger than %d bytes, so it is none", maxKey)
	}
	var err error
	if c.key, err = parseKey(privateKey); err != nil {
		return Credentials{}, wrongOption("%v", err)
	}
	return c, nil
}

func parseKey(file []byte) (*ecdsa.PrivateKey, error) {
	for {
		block, rest := pem.Decode(file)
		if block == nil {
			return nil, errors.New("there is no private key in the file; it is the .pem that the browser downloaded when the key was made")
		}
		file = rest
		switch block.Type {
		case "EC PARAMETERS": // openssl writes them before a SEC 1 key
			continue
		case "EC PRIVATE KEY":
			key, err := x509.ParseECPrivateKey(block.Bytes)
			return p256(key, err)
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			ec, is := key.(*ecdsa.PrivateKey)
			if err == nil && !is {
				return nil, errors.New("the private key is no EC key, so it is none of an API account")
			}
			return p256(ec, err)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the private key is encrypted; decrypt it first")
		}
		return nil, fmt.Errorf("the file holds a %s and no private key", untrusted.Clean(block.Type, 64))
	}
}

// p256 demands the curve of ES256. What the parser says about a damaged key may quote it, so it is left out.
func p256(key *ecdsa.PrivateKey, err error) (*ecdsa.PrivateKey, error) {
	if err != nil {
		return nil, errors.New("the private key is damaged")
	}
	if key.Curve != elliptic.P256() {
		return nil, errors.New("the private key is not one of the curve P-256, so it is none of an API account")
	}
	return key, nil
}

// ClientID is the ID of the API account.
func (c Credentials) ClientID() string { return c.clientID }

// IsZero reports whether there are none.
func (c Credentials) IsZero() bool { return c.key == nil }

func (c Credentials) prefix() string {
	for _, prefix := range []string{businessPrefix, schoolPrefix} {
		if strings.HasPrefix(c.clientID, prefix) && len(c.clientID) > len(prefix) {
			return prefix
		}
	}
	return ""
}

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
