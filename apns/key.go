package apns

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
)

// Key is the RSA private key of a push certificate. It never prints; [Key.RevealPEM] and [Key.Signer] are the only ways
// out. The zero Key is none.
type Key struct {
	private func() *rsa.PrivateKey // a closure, because printers cannot look into a function
}

// ErrSecret is what encoding a [Key] returns, so that no placeholder is ever stored in its place.
var ErrSecret = errors.New("apns: a private key is not encoded; use RevealPEM where it must leave")

// ErrKey says why a private key cannot be made or read.
var ErrKey = errors.New("apns: no usable private key")

const keyBits = 2048 // what Apple issues push certificates for (certificates in use)

// maxKey bounds a private key in DER, in bytes: one of 4096 bits has 2.4 KB, and checking the numbers of a larger one is the
// work of seconds or hours.
const maxKey = 4 << 10

// GenerateKey makes an RSA key of 2048 bits. Store it durably BEFORE a request made with it leaves. It takes some 50 ms of
// one core, at times 200 ms: bound how many run at once.
func GenerateKey() (Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return newKey(private), nil
}

// ParseKey reads an RSA key in PEM (PKCS #1 or PKCS #8, not encrypted) of 2048 to 4096 bits. Its error matches [ErrKey].
func ParseKey(text []byte) (Key, error) {
	if len(text) > MaxFile {
		return Key{}, fmt.Errorf("%w: the file is too large", ErrKey)
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return Key{}, fmt.Errorf("%w: there is no unencrypted RSA key in PEM; export it as PKCS #8", ErrKey)
		}
		if key, found, err := keyOf(block); found {
			return key, err
		}
	}
}

// keyOf reads a block of PEM if it is a private key.
func keyOf(block *pem.Block) (key Key, found bool, err error) {
	switch block.Type {
	case "RSA PRIVATE KEY", "PRIVATE KEY":
		if len(block.Bytes) > maxKey {
			return Key{}, true, errLargeKey
		}
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return Key{}, true, errEncryptedKey
		}
		private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return Key{}, true, fmt.Errorf("%w: it is damaged", ErrKey)
		}
		key, err = usable(private)
		return key, true, err
	case "PRIVATE KEY":
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return Key{}, true, fmt.Errorf("%w: it is damaged", ErrKey)
		}
		key, err = usable(private)
		return key, true, err
	case "ENCRYPTED PRIVATE KEY":
		return Key{}, true, errEncryptedKey
	}
	return Key{}, false, nil
}

var errLargeKey = fmt.Errorf("%w: it has too many bits; 2048 to 4096 are taken", ErrKey)

var errEncryptedKey = fmt.Errorf("%w: it is encrypted; decrypt it first, or upload a .p12 file with its password", ErrKey)

// usable takes an RSA key of a size that is safe and not absurd.
func usable(private any) (Key, error) {
	key, ok := private.(*rsa.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("%w: it is no RSA key; push certificates have one", ErrKey)
	}
	if bits := key.N.BitLen(); bits < 2048 || bits > 4096 {
		return Key{}, fmt.Errorf("%w: it has %d bits; 2048 to 4096 are taken", ErrKey, bits)
	}
	return newKey(key), nil
}

func newKey(private *rsa.PrivateKey) Key {
	return Key{private: func() *rsa.PrivateKey { return private }}
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.private == nil }

// Public is the public half; nil without a key.
func (k Key) Public() *rsa.PublicKey {
	if k.IsZero() {
		return nil
	}
	return &k.private().PublicKey
}

// Signer signs with the key, as crypto/tls needs it; nil without a key.
func (k Key) Signer() *rsa.PrivateKey {
	if k.IsZero() {
		return nil
	}
	return k.private()
}

// RevealPEM is the key in PKCS #8; nil without a key. [ParseKey] reads it again.
func (k Key) RevealPEM() []byte {
	if k.IsZero() {
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.private())
	if err != nil { // not for an RSA key
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// String returns a placeholder.
func (Key) String() string { return "[redacted]" }

// GoString returns a placeholder.
func (Key) GoString() string { return "[redacted]" }

// Format writes a placeholder, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// LogValue returns a placeholder.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON returns [ErrSecret].
func (Key) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText returns [ErrSecret].
func (Key) MarshalText() ([]byte, error) { return nil, ErrSecret }
