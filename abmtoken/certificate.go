package abmtoken

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // a name for a key, as RFC 5280 defines it; nothing is protected by it
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// certificate is what a key pair needs of an X.509 certificate. crypto/x509 reads its public key only: it refuses
// negative serial numbers, which certificates in use have.
type certificate struct {
	der           []byte
	issuer        []byte // inside its SEQUENCE
	subject       []byte
	serial        []byte
	publicKey     []byte // the whole SubjectPublicKeyInfo
	keyIdentifier []byte // nil: the certificate has none
}

var (
	tagVersion    = asn1.Tag(0).ContextSpecific().Constructed()
	tagExtensions = asn1.Tag(3).ContextSpecific().Constructed()
)

// readCertificate reads the first element of the bytes as a certificate. What follows it is left alone, because a
// "TRUSTED CERTIFICATE" of OpenSSL's has more.
func readCertificate(der []byte) (c certificate, ok bool) {
	rest := cryptobyte.String(der)
	var whole, tbs, algorithm, ignored cryptobyte.String
	if !readElement(&rest, &whole, asn1.SEQUENCE) {
		return certificate{}, false
	}
	der = der[:len(der)-len(rest)]
	if _, err := guardBER(der); err != nil || len(der) > maxMessage {
		return certificate{}, false
	}
	var issuer, serial, subject cryptobyte.String
	if !readElement(&whole, &tbs, asn1.SEQUENCE) || !readElement(&whole, &algorithm, asn1.SEQUENCE) ||
		!readElement(&whole, &ignored, asn1.BIT_STRING) || !whole.Empty() {
		return certificate{}, false
	}
	if tbs.PeekASN1Tag(tagVersion) && !readElement(&tbs, &ignored, tagVersion) {
		return certificate{}, false
	}
	if !readElement(&tbs, &serial, asn1.INTEGER) || len(serial) == 0 || !readElement(&tbs, &algorithm, asn1.SEQUENCE) ||
		!readElement(&tbs, &issuer, asn1.SEQUENCE) || !readElement(&tbs, &ignored, asn1.SEQUENCE) /* validity */ ||
		!readElement(&tbs, &subject, asn1.SEQUENCE) {
		return certificate{}, false
	}
	key := tbs
	if !readElement(&tbs, &ignored, asn1.SEQUENCE) {
		return certificate{}, false
	}
	c = certificate{
		der: bytes.Clone(der), issuer: issuer, serial: serial, subject: subject, publicKey: key[:len(key)-len(tbs)],
	}
	c.keyIdentifier = readKeyIdentifier(tbs)
	return c, true
}

// readKeyIdentifier finds the subject key identifier among what follows the public key.
func readKeyIdentifier(rest cryptobyte.String) []byte {
	for !rest.Empty() {
		var field, extensions cryptobyte.String
		var tag asn1.Tag
		if !readAny(&rest, &field, &tag) {
			return nil
		}
		if tag != tagExtensions || !readElement(&field, &extensions, asn1.SEQUENCE) {
			continue
		}
		for !extensions.Empty() {
			var extension, oid, value, id cryptobyte.String
			if !readElement(&extensions, &extension, asn1.SEQUENCE) ||
				!readElement(&extension, &oid, asn1.OBJECT_IDENTIFIER) {
				return nil
			}
			if string(oid) == "\x55\x1d\x0e" && readElement(&extension, &value, asn1.OCTET_STRING) &&
				readElement(&value, &id, asn1.OCTET_STRING) {
				return id
			}
		}
	}
	return nil
}

func (c certificate) recipient() Recipient {
	if c.der == nil {
		return Recipient{}
	}
	return issuerAndSerial(c.issuer, c.serial)
}

// rsaKey is the certificate's public key, if it is one of RSA's.
func (c certificate) rsaKey() (*rsa.PublicKey, bool) {
	if key, err := x509.ParsePKIXPublicKey(c.publicKey); err == nil {
		k, ok := key.(*rsa.PublicKey)
		return k, ok
	}
	return nil, false
}

func (c certificate) pem() []byte {
	if c.der == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.der})
}

// identifiesKey reports whether a sender may have derived the identifier from the key: RFC 5280, section 4.2.1.2 (1),
// and RFC 7093, section 2 (1). It serves where the certificate has none, or is not at hand.
func identifiesKey(id []byte, key *rsa.PublicKey) bool {
	bits := x509.MarshalPKCS1PublicKey(key)
	newer := sha256.Sum256(bits)
	if bytes.Equal(id, newer[:20]) {
		return true
	}
	match := false
	withoutFIPS(func() {
		older := sha1.Sum(bits) //nolint:gosec // see above
		match = bytes.Equal(id, older[:])
	})
	return match
}
