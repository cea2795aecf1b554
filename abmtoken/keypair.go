package abmtoken

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// KeyPair is an RSA private key and, unless only the key was ever held, the certificate for Apple's portal. Keep every
// pair as long as its service lives: a token that is downloaded again later is made for the certificate on file.
//
// A KeyPair never changes and is safe for concurrent use. Printing it shows which one it is and never the key.
type KeyPair struct {
	private   func() *rsa.PrivateKey // a closure for the same reason as in Secret
	id        string
	cert      certificate
	recipient Recipient
}

// KeyOptions says what key pair to make.
type KeyOptions struct {
	Name string    // the certificate's common name, for people; empty: "Device management service"
	Bits int       // 2048 or 3072; 0: 2048
	Now  time.Time // the certificate starts an hour before, so that clocks may differ, and ends ten years after
}

const (
	defaultBits  = 2048
	certYears    = 10
	clockMargin  = time.Hour
	uniqueBits   = 64
	maxName      = 64 // RFC 5280, ub-common-name
	defaultTitle = "Device management service"
)

// GenerateKeyPair makes an RSA key and a self-signed certificate with a random positive serial number of 128 bits,
// so that a file tells which pair it was made for. Store the pair durably BEFORE its certificate leaves: what Apple
// encrypts to it can be read with nothing else.
//
// It takes some 50 ms of one core, at times 200 ms: bound how many run at once. Its error matches [ErrBadKey].
func GenerateKeyPair(o KeyOptions) (KeyPair, error) {
	if o.Bits == 0 {
		o.Bits = defaultBits
	}
	if o.Bits != 2048 && o.Bits != 3072 {
		return KeyPair{}, fmt.Errorf("%w: %d bits; Apple takes RSA with 2048 or 3072", ErrBadKey, o.Bits)
	}
	if o.Now.IsZero() || o.Now.Year() > 9999-certYears {
		return KeyPair{}, fmt.Errorf("%w: KeyOptions.Now is no present time", ErrBadKey)
	}
	key, err := rsa.GenerateKey(rand.Reader, o.Bits)
	if err != nil {
		return KeyPair{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	keyID := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	template := x509.Certificate{
		SerialNumber:          serialNumber(),
		Subject:               pkix.Name{CommonName: commonName(o.Name)},
		NotBefore:             o.Now.Add(-clockMargin),
		NotAfter:              o.Now.AddDate(certYears, 0, 0),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature,
		SignatureAlgorithm:    x509.SHA256WithRSA,
		SubjectKeyId:          keyID[:20],
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	return newKeyPair(key, der)
}

// serialNumber is random, positive and always 16 bytes long.
func serialNumber() *big.Int {
	serial := make([]byte, 16)
	_, _ = rand.Read(serial) // never fails
	serial[0] = serial[0]&0x3f | 0x40
	return new(big.Int).SetBytes(serial)
}

// commonName makes a name fit for a certificate.
func commonName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	if name = strings.TrimSpace(name); name == "" {
		return defaultTitle
	}
	return name
}

// newKeyPair joins a key and the certificate made for it; der may be empty.
func newKeyPair(key *rsa.PrivateKey, der []byte) (KeyPair, error) {
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return KeyPair{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	sum := sha256.Sum256(spki)
	k := KeyPair{private: func() *rsa.PrivateKey { return key }, id: hex.EncodeToString(sum[:])}
	if len(der) == 0 {
		return k, nil
	}
	cert, ok := readCertificate(der)
	if !ok {
		return KeyPair{}, fmt.Errorf("%w: the certificate is not X.509", ErrBadKey)
	}
	if public, ok := cert.rsaKey(); !ok || !public.Equal(&key.PublicKey) {
		return KeyPair{}, fmt.Errorf("%w: the certificate belongs to another key", ErrBadKey)
	}
	k.cert, k.recipient = cert, cert.recipient()
	return k, nil
}

// IsZero reports whether there is no key.
func (k KeyPair) IsZero() bool { return k.private == nil }

// ID is the hex SHA-256 of the public key (its SubjectPublicKeyInfo). It stays the same whatever the certificate.
func (k KeyPair) ID() string { return k.id }

// HasCertificate reports whether the certificate is known, and not only the key.
func (k KeyPair) HasCertificate() bool { return k.cert.der != nil }

// CertificatePEM is the file to upload at Apple's portal; nil without a certificate.
func (k KeyPair) CertificatePEM() []byte { return k.cert.pem() }

// CertificateDER is the certificate in DER; nil without one.
func (k KeyPair) CertificateDER() []byte { return bytes.Clone(k.cert.der) }

// CertificateFingerprint is the hex SHA-256 of the certificate in DER; empty without one.
func (k KeyPair) CertificateFingerprint() string {
	if !k.HasCertificate() {
		return ""
	}
	sum := sha256.Sum256(k.cert.der)
	return hex.EncodeToString(sum[:])
}

// PrivateKeyPEM is the private key in PKCS #8. [ImportKeyPair] reads it again.
func (k KeyPair) PrivateKeyPEM() Secret {
	if k.IsZero() {
		return Secret{}
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.private())
	if err != nil { // not for an RSA key
		return Secret{}
	}
	return NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// Recipient is what files made for this pair's certificate name; zero without a certificate.
func (k KeyPair) Recipient() Recipient { return k.recipient }

// UniqueRecipient reports whether no other certificate has the same Recipient, so that a file which names it is
// surely for this pair. False for the many systems that give each certificate the serial number 1.
func (k KeyPair) UniqueRecipient() bool {
	return k.HasCertificate() && integer(k.cert.serial).BitLen() >= uniqueBits
}

// String says which key it is.
func (k KeyPair) String() string {
	if k.IsZero() {
		return "no key pair"
	}
	return "key pair " + k.id[:12]
}

// LogValue says which key it is.
func (k KeyPair) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON returns [ErrSecret]; [KeyPair.PrivateKeyPEM] and [KeyPair.CertificatePEM] are the way to store one.
func (KeyPair) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText returns [ErrSecret].
func (KeyPair) MarshalText() ([]byte, error) { return nil, ErrSecret }
