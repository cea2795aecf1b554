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
// A Certificate never changes and is safe for concurrent use. Printing it never shows the key.
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
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return Certificate{}, refuse(FileDamaged)
	}
	return Certificate{leaf: leaf}, nil
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
// subject has none, or more than one. (Certificates in use; NanoMDM reads it so, 2026)
func (c Certificate) Topic() string {
	topic := ""
	for _, name := range c.leaf.Subject.Names {
		if !name.Type.Equal(oidUserID) {
			continue
		}
		value, ok := name.Value.(string)
		if !ok || topic != "" {
			return ""
		}
		topic = value
	}
	return topic
}

var (
	oidUserID     = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	oidProduction = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 3, 2}
)

// NotBefore is when its validity begins.
func (c Certificate) NotBefore() time.Time { return c.leaf.NotBefore.UTC() }

// NotAfter is when its validity ends.
func (c Certificate) NotAfter() time.Time { return c.leaf.NotAfter.UTC() }

// Issuer is the common name of who issued it; the whole name if there is none.
func (c Certificate) Issuer() string {
	if c.leaf.Issuer.CommonName != "" {
		return c.leaf.Issuer.CommonName
	}
	return c.leaf.Issuer.String()
}

// Serial is its serial number in hexadecimal digits, as Apple's portal shows it.
func (c Certificate) Serial() string { return strings.ToUpper(c.leaf.SerialNumber.Text(16)) }

// Production reports whether it has Apple's marker of certificates for the production push service.
func (c Certificate) Production() bool {
	for _, extension := range c.leaf.Extensions {
		if extension.Id.Equal(oidProduction) {
			return true
		}
	}
	return false
}

// Fingerprint is the hex SHA-256 of the certificate in DER.
func (c Certificate) Fingerprint() string { return fingerprint(c.leaf) }

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// DER is the certificate alone.
func (c Certificate) DER() []byte { return bytes.Clone(c.leaf.Raw) }

// PEM is the certificate and its chain, as TLS clients take it; without the key.
func (c Certificate) PEM() []byte {
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
	public, ok := c.leaf.PublicKey.(*rsa.PublicKey)
	return ok && !k.IsZero() && public.Equal(k.Public())
}

// String says which certificate it is.
func (c Certificate) String() string {
	if c.IsZero() {
		return "no push certificate"
	}
	return fmt.Sprintf("push certificate %s of %s until %s", c.Serial(), c.Topic(), c.NotAfter().Format(time.DateOnly))
}
