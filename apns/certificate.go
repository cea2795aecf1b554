package apns

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// Certificate is a push certificate as Apple issued it, with the chain and the private key that came along in its file.
// It may be any certificate at all: [Inspect] says whether it does for an MDM.
//
// A Certificate never changes and is safe for concurrent use. Printing it never shows the key. The zero Certificate is none:
// it has no topic, no times, no key and nothing else.
type Certificate struct {
	leaf  *x509.Certificate
	chain []*x509.Certificate // its issuer first; nil: not given
	key   Key                 // zero: not given
}

// ParseCertificate reads one stored certificate in DER, without chain and key. Files from people go through [Read].
// Its error matches [ErrFile].
func ParseCertificate(der []byte) (Certificate, error) {
	if len(der) > MaxFile {
		return Certificate{}, ErrTooLarge
	}
	leaf, err := parse(der)
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{leaf: leaf}, nil
}

// maxCertificateKey bounds the RSA keys in certificates, in bits: what checking a signature costs grows with their square.
const maxCertificateKey = 8192

func parse(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil || hasAbsurdKey(c) {
		return nil, refuse(FileDamaged)
	}
	return c, nil
}

func hasAbsurdKey(c *x509.Certificate) bool {
	public, ok := c.PublicKey.(*rsa.PublicKey)
	return ok && public.N.BitLen() > maxCertificateKey
}

// nothing stands for the certificate that is not there.
var nothing = &x509.Certificate{}

func (c Certificate) orNothing() *x509.Certificate {
	if c.leaf == nil {
		return nothing
	}
	return c.leaf
}

// WithKey returns the certificate with a key that was kept elsewhere, as the key of a signing request is. [Inspect] says
// whether they belong together.
func (c Certificate) WithKey(k Key) Certificate {
	c.key = k
	return c
}

// IsZero reports whether there is no certificate.
func (c Certificate) IsZero() bool { return c.leaf == nil }

// Key is the private key that came with the certificate; zero: there was none.
func (c Certificate) Key() Key { return c.key }

// Topic is what devices listen to: the UID of the subject, "com.apple.mgmt.External." and a UUID for an MDM. Empty: the
// subject has none, more than one, or one with characters that no topic has. (Certificates in use; NanoMDM reads it so, 2026)
func (c Certificate) Topic() string {
	topic := ""
	for _, name := range c.orNothing().Subject.Names {
		if !name.Type.Equal(oidUserID) {
			continue
		}
		value, ok := name.Value.(string)
		if !ok || topic != "" || !plain(value) {
			return ""
		}
		topic = value
	}
	return topic
}

// plain reports whether a text may be a topic: it goes into headers, messages and logs.
func plain(text string) bool {
	return len(text) <= 255 && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

var (
	oidUserID     = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	oidProduction = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 3, 2}
)

// NotBefore is when its validity begins.
func (c Certificate) NotBefore() time.Time { return c.orNothing().NotBefore.UTC() }

// NotAfter is when its validity ends.
func (c Certificate) NotAfter() time.Time { return c.orNothing().NotAfter.UTC() }

// Issuer is the common name of who issued it; the whole name if there is none.
func (c Certificate) Issuer() string {
	issuer := c.orNothing().Issuer
	if issuer.CommonName != "" {
		return issuer.CommonName
	}
	return issuer.String()
}

// Serial is its serial number in hexadecimal digits, as Apple's portal shows it.
func (c Certificate) Serial() string {
	if c.IsZero() {
		return ""
	}
	return strings.ToUpper(c.leaf.SerialNumber.Text(16))
}

// Production reports whether it has Apple's marker of certificates for the production push service.
func (c Certificate) Production() bool {
	for _, extension := range c.orNothing().Extensions {
		if extension.Id.Equal(oidProduction) {
			return true
		}
	}
	return false
}

// Fingerprint is the hex SHA-256 of the certificate in DER; empty without one.
func (c Certificate) Fingerprint() string {
	if c.IsZero() {
		return ""
	}
	return fingerprint(c.leaf)
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// DER is the certificate alone; nil without one.
func (c Certificate) DER() []byte { return bytes.Clone(c.orNothing().Raw) }

// PEM is the certificate and its chain, as TLS clients take it, without the key; nil without one.
func (c Certificate) PEM() []byte {
	if c.IsZero() {
		return nil
	}
	var out []byte
	for _, one := range append([]*x509.Certificate{c.leaf}, c.chain...) {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one.Raw})...)
	}
	return out
}

// Chain are the certificates that came along, in DER, the issuer's first; nil: none.
func (c Certificate) Chain() [][]byte {
	var out [][]byte
	for _, one := range c.chain {
		out = append(out, bytes.Clone(one.Raw))
	}
	return out
}

// Matches reports whether the key is the certificate's own.
func (c Certificate) Matches(k Key) bool {
	public, ok := c.orNothing().PublicKey.(*rsa.PublicKey)
	return ok && !k.IsZero() && public.Equal(k.Public())
}

// KeyID names the key pair that the certificate was made for, as [Key.ID] does; empty: it is no RSA key.
func (c Certificate) KeyID() string {
	public, _ := c.orNothing().PublicKey.(*rsa.PublicKey)
	return keyID(public)
}

// String says which certificate it is.
func (c Certificate) String() string {
	if c.IsZero() {
		return "no push certificate"
	}
	return fmt.Sprintf("push certificate %s of %s until %s", c.Serial(), c.Topic(), c.NotAfter().Format(time.DateOnly))
}
