package appletest

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxCertificateFile bounds an uploaded file.
const maxCertificateFile = 64 << 10

// certificate is what the portal keeps of an uploaded public key certificate: whom to encrypt to, and how a token
// names that recipient. Issuer and serial are DER as uploaded: serials of real certificates may be negative.
type certificate struct {
	issuer, serial []byte
	keyID          []byte // subject key identifier; nil: none
	public         *rsa.PublicKey
}

// readCertificate takes PEM, with or without text before it, or DER; the portal takes .pem, .der and .cer files and
// looks at the content, not at the name. It reads the fields itself, because crypto/x509 refuses negative serials
// and Apple's own sample token was made for one.
func readCertificate(file []byte) (*certificate, error) {
	if len(file) > maxCertificateFile {
		return nil, fmt.Errorf("%w: the file has more than %d bytes", ErrCertificate, maxCertificateFile)
	}
	der := file
	if block, _ := pem.Decode(file); block != nil {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%w: it is a %s", ErrCertificate, block.Type)
		}
		der = block.Bytes
	}
	input := cryptobyte.String(der)
	var outer, tbs, serial, issuer, spki cryptobyte.String
	version := asn1.Tag(0).Constructed().ContextSpecific()
	if !input.ReadASN1(&outer, asn1.SEQUENCE) || !input.Empty() ||
		!outer.ReadASN1(&tbs, asn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(version) ||
		!tbs.ReadASN1Element(&serial, asn1.INTEGER) ||
		!tbs.SkipASN1(asn1.SEQUENCE) || // signature algorithm
		!tbs.ReadASN1Element(&issuer, asn1.SEQUENCE) ||
		!tbs.SkipASN1(asn1.SEQUENCE) || // validity: any; what others upload lives from a day to ten years
		!tbs.SkipASN1(asn1.SEQUENCE) || // subject
		!tbs.ReadASN1Element(&spki, asn1.SEQUENCE) {
		return nil, ErrCertificate
	}
	key, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: the key is %T", ErrCertificate, key)
	}
	c := &certificate{issuer: issuer, serial: serial, public: public}
	if parsed, err := x509.ParseCertificate(der); err == nil {
		c.keyID = parsed.SubjectKeyId
	}
	return c, nil
}
