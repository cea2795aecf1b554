package abmtoken

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" // files of other portals and older ones; it only decrypts here

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers, as the bytes inside their element.
const (
	oidData              = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"         // 1.2.840.113549.1.7.1
	oidSignedData        = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"         // 1.2.840.113549.1.7.2
	oidEnvelopedData     = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"         // 1.2.840.113549.1.7.3
	oidAuthEnvelopedData = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17" // 1.2.840.113549.1.9.16.1.23
	oidRSA               = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"         // 1.2.840.113549.1.1.1
	oidOAEP              = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"         // 1.2.840.113549.1.1.7
	oidMGF1              = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"         // 1.2.840.113549.1.1.8
	oidLabel             = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x09"         // 1.2.840.113549.1.1.9
	oidSHA1              = "\x2b\x0e\x03\x02\x1a"                         // 1.3.14.3.2.26
	oidSHA256            = "\x60\x86\x48\x01\x65\x03\x04\x02\x01"         // 2.16.840.1.101.3.4.2.1
)

// contentCipher is a way to encrypt the content: a block cipher in CBC mode.
type contentCipher struct {
	name       string
	key, block int // bytes
	fips       bool
	open       func(key []byte) (cipher.Block, error)
}

var contentCiphers = map[string]*contentCipher{
	"\x60\x86\x48\x01\x65\x03\x04\x01\x02": {"aes128-cbc", 16, 16, true, aes.NewCipher}, // 2.16.840.1.101.3.4.1.2
	"\x60\x86\x48\x01\x65\x03\x04\x01\x16": {"aes192-cbc", 24, 16, true, aes.NewCipher}, // ...22
	"\x60\x86\x48\x01\x65\x03\x04\x01\x2a": {"aes256-cbc", 32, 16, true, aes.NewCipher}, // ...42
	"\x2a\x86\x48\x86\xf7\x0d\x03\x07": { // 1.2.840.113549.3.7
		"des-ede3-cbc", 24, 8, false, des.NewTripleDESCipher,
	},
}

// transportScheme is a way to encrypt the content's key. Hash 0 is PKCS #1 v1.5, others are OAEP.
type transportScheme struct {
	name      string
	hash, mgf crypto.Hash
}

func (s transportScheme) fips() bool { return s.hash == crypto.SHA256 && s.mgf == crypto.SHA256 }

var (
	schemePKCS1 = &transportScheme{name: "rsaes-pkcs1-v1_5"}
	// Java makes the hash of the mask SHA-1 whatever the other one is.
	schemesOAEP = []*transportScheme{
		{"rsaes-oaep-sha1", crypto.SHA1, crypto.SHA1},
		{"rsaes-oaep-sha256", crypto.SHA256, crypto.SHA256},
		{"rsaes-oaep-sha256-mgf1-sha1", crypto.SHA256, crypto.SHA1},
		{"rsaes-oaep-sha1-mgf1-sha256", crypto.SHA1, crypto.SHA256},
	}
)

// readTransportScheme reads an AlgorithmIdentifier; nil: it is not supported.
func readTransportScheme(algorithm cryptobyte.String) *transportScheme {
	var oid, parameters cryptobyte.String
	if !readElement(&algorithm, &oid, asn1.OBJECT_IDENTIFIER) {
		return nil
	}
	switch string(oid) {
	case oidRSA:
		return schemePKCS1
	case oidOAEP:
	default:
		return nil
	}
	hash, mgf := crypto.SHA1, crypto.SHA1
	if !algorithm.Empty() && !readElement(&algorithm, &parameters, asn1.SEQUENCE) {
		return nil
	}
	for !parameters.Empty() { // RFC 4055, section 4.1
		var field cryptobyte.String
		var tag asn1.Tag
		if !readAny(&parameters, &field, &tag) {
			return nil
		}
		ok := false
		switch tag {
		case tag0Constructed:
			hash, ok = readHash(field)
		case tag1Constructed:
			var inside cryptobyte.String
			if readElement(&field, &inside, asn1.SEQUENCE) && readElement(&inside, &oid, asn1.OBJECT_IDENTIFIER) &&
				string(oid) == oidMGF1 {
				mgf, ok = readHash(inside)
			}
		case asn1.Tag(2).ContextSpecific().Constructed():
			ok = isEmptyLabel(field)
		}
		if !ok {
			return nil
		}
	}
	for _, s := range schemesOAEP {
		if s.hash == hash && s.mgf == mgf {
			return s
		}
	}
	return nil
}

func readHash(field cryptobyte.String) (crypto.Hash, bool) {
	var algorithm, oid cryptobyte.String
	if !readElement(&field, &algorithm, asn1.SEQUENCE) || !readElement(&algorithm, &oid, asn1.OBJECT_IDENTIFIER) {
		return 0, false
	}
	switch string(oid) {
	case oidSHA1:
		return crypto.SHA1, true
	case oidSHA256:
		return crypto.SHA256, true
	default:
		return 0, false
	}
}

func isEmptyLabel(field cryptobyte.String) bool {
	var algorithm, oid, label cryptobyte.String
	return readElement(&field, &algorithm, asn1.SEQUENCE) && readElement(&algorithm, &oid, asn1.OBJECT_IDENTIFIER) &&
		string(oid) == oidLabel && readElement(&algorithm, &label, asn1.OCTET_STRING) && label.Empty()
}
