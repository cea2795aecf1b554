package enrollment

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// The kinds of API accounts, by the beginning of their client IDs.
const (
	businessAPI = "BUSINESSAPI."
	schoolAPI   = "SCHOOLAPI."
)

// maxAPIKey bounds the file of a private key. Apple's have about 240 bytes.
const maxAPIKey = 16 << 10

// APIAccount is what is kept in the open about an account for the Apple Business or School Manager API, by which the devices
// of a tenant move without a person at the portal. Its private key is in the secret record.
type APIAccount struct {
	ClientID string    `json:"client_id"` // "BUSINESSAPI." or "SCHOOLAPI." and a UUID
	KeyID    string    `json:"key_id"`
	Key      string    `json:"key"`    // hex SHA-256 of the public key
	Secret   string    `json:"secret"` // the ID of the secret record
	AddedAt  time.Time `json:"added_at"`
	AddedBy  Actor     `json:"added_by"`
}

// APIAccountError says which part of an API account is not possible: "client_id", "key_id" or "key". It never holds a part of
// the key.
type APIAccountError struct{ Field, Rule string }

// Error says what is needed.
func (e *APIAccountError) Error() string { return e.Field + ": " + e.Rule }

func wrongAPIAccount(field, format string, args ...any) error {
	return &APIAccountError{Field: field, Rule: fmt.Sprintf(format, args...)}
}

// APIAccountPrefix returns the beginning of a client ID by which Apple tells businesses ("BUSINESSAPI.") from schools
// ("SCHOOLAPI."); empty: it is no client ID.
func APIAccountPrefix(clientID string) string {
	for _, prefix := range [...]string{businessAPI, schoolAPI} {
		if strings.HasPrefix(clientID, prefix) && len(clientID) > len(prefix) && plainName(clientID) {
			return prefix
		}
	}
	return ""
}

// CheckAPIAccount checks what the portal shows of an API account: the client ID, the ID of its key, and the private key that
// the browser downloaded once, as PEM (PKCS #8 or SEC 1, EC on the curve P-256, not encrypted). It returns the key, or an
// [*APIAccountError].
func CheckAPIAccount(clientID, keyID string, privateKey []byte) (*ecdsa.PrivateKey, error) {
	switch {
	case APIAccountPrefix(clientID) == "":
		return nil, wrongAPIAccount("client_id", "the client ID of an API account begins with %s or %s", businessAPI, schoolAPI)
	case keyID == "" || !plainName(keyID):
		return nil, wrongAPIAccount("key_id", "the key ID is the one that the portal shows beside the client ID")
	case len(privateKey) > maxAPIKey:
		return nil, wrongAPIAccount("key", "the private key is larger than %d bytes, so it is none", maxAPIKey)
	}
	return readAPIKey(privateKey)
}

func readAPIKey(file []byte) (*ecdsa.PrivateKey, error) {
	for {
		block, rest := pem.Decode(file)
		if block == nil {
			return nil, wrongAPIAccount("key", "there is no private key in the file; it is the .pem that the browser downloaded when the key was made")
		}
		file = rest
		switch block.Type {
		case "EC PARAMETERS": // openssl writes them before a SEC 1 key
			continue
		case "EC PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" { // how openssl encrypts them
				return nil, wrongAPIAccount("key", "the private key is encrypted; decrypt it first")
			}
			key, err := x509.ParseECPrivateKey(block.Bytes)
			return onP256(key, err)
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			ec, is := key.(*ecdsa.PrivateKey)
			if err == nil && !is {
				return nil, wrongAPIAccount("key", "the private key is no EC key, so it is none of an API account")
			}
			return onP256(ec, err)
		case "ENCRYPTED PRIVATE KEY":
			return nil, wrongAPIAccount("key", "the private key is encrypted; decrypt it first")
		}
		return nil, wrongAPIAccount("key", "the file holds %.64q and no private key of an API account", block.Type)
	}
}

// onP256 demands the curve of ES256. What the parser says about a damaged key may quote it, so it is left out.
func onP256(key *ecdsa.PrivateKey, err error) (*ecdsa.PrivateKey, error) {
	if err != nil {
		return nil, wrongAPIAccount("key", "the private key is damaged")
	}
	if key.Curve != elliptic.P256() {
		return nil, wrongAPIAccount("key", "the private key is not one of the curve P-256, so it is none of an API account")
	}
	return key, nil
}

// APIKeyFingerprint is how a key of an API account is told from another without showing it: the hex SHA-256 of its public key.
func APIKeyFingerprint(key *ecdsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil { // not of a key that was read
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
