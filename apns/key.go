package apns

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
)

// Key is the RSA private key of a push certificate. It never prints; [Key.RevealPEM] and [Key.Signer] are the only ways
// out. The zero Key is none.
type Key struct {
	private func() crypto.Signer // a closure, because printers cannot look into a function
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
		return Key{}, errNotRSA
	}
	if err := usableSize(&key.PublicKey); err != nil {
		return Key{}, err
	}
	return newKey(key), nil
}

var errNotRSA = fmt.Errorf("%w: it is no RSA key; push certificates have one", ErrKey)

func usableSize(public *rsa.PublicKey) error {
	if bits := public.N.BitLen(); bits < 2048 || bits > 4096 {
		return fmt.Errorf("%w: it has %d bits; 2048 to 4096 are taken", ErrKey, bits)
	}
	return nil
}

func newKey(private crypto.Signer) Key {
	return Key{private: func() crypto.Signer { return private }}
}

// KeyOf makes a Key of one that signs elsewhere, in a hardware module or a key management service: an RSA key of 2048 to
// 4096 bits. It does not leave: [Key.RevealPEM] gives nothing. Its error matches [ErrKey].
func KeyOf(signer crypto.Signer) (Key, error) {
	if signer == nil {
		return Key{}, fmt.Errorf("%w: there is no signer", ErrKey)
	}
	public, ok := signer.Public().(*rsa.PublicKey)
	if !ok {
		return Key{}, errNotRSA
	}
	if err := usableSize(public); err != nil {
		return Key{}, err
	}
	return newKey(signer), nil
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.private == nil }

// Public is the public half; nil without a key.
func (k Key) Public() *rsa.PublicKey {
	if k.IsZero() {
		return nil
	}
	public, _ := k.private().Public().(*rsa.PublicKey) // no other is taken
	return public
}

// ID names the key pair: the hex SHA-256 of its public half. Empty without a key.
func (k Key) ID() string { return keyID(k.Public()) }

func keyID(public *rsa.PublicKey) string {
	if public == nil {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil { // not for an RSA key
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Signer signs with the key, as crypto/tls needs it; nil without a key.
func (k Key) Signer() crypto.Signer {
	if k.IsZero() {
		return nil
	}
	return k.private()
}

// RevealPEM is the key in PKCS #8; nil without a key, and for one that signs elsewhere. [ParseKey] reads it again.
func (k Key) RevealPEM() []byte {
	if k.IsZero() {
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.private())
	if err != nil { // it is not here
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
