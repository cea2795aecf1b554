package abmtoken

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Recipient names the certificate that a file was made for: by issuer and serial number, or by key identifier
// (RFC 5652, section 6.2.1). It is comparable; the zero Recipient names none.
type Recipient struct{ digest [sha256.Size]byte }

// String is a hex digest of 64 digits, fit for a column or an index; empty for the zero Recipient.
func (r Recipient) String() string {
	if r.IsZero() {
		return ""
	}
	return hex.EncodeToString(r.digest[:])
}

// IsZero reports whether r names no certificate.
func (r Recipient) IsZero() bool { return r == Recipient{} }

// RecipientInfo is one recipient of a file, as shown to people.
type RecipientInfo struct {
	Recipient    Recipient
	Issuer       string // such as "CN=Acme MDM, O=Acme Inc."; empty where the key identifier is named
	Serial       string // hex, upper case, with a minus sign where negative; empty where the key identifier is named
	KeyID        string // hex; empty where issuer and serial are named
	KeyTransport string // "rsaes-pkcs1-v1_5", "rsaes-oaep-sha256", ..., or "unsupported"
}

// issuerAndSerial makes the Recipient for a certificate. Both texts are the bytes inside their ASN.1 elements.
// Systems in between re-encode names and numbers, so neither the string type of a name nor a padded number counts.
func issuerAndSerial(issuer, serial []byte) Recipient {
	h := sha256.New()
	h.Write([]byte("issuer and serial\x00"))
	if !eachAttribute(issuer, func(oid, value []byte) {
		h.Write([]byte{byte(len(oid) >> 8), byte(len(oid))})
		h.Write(oid)
		h.Write([]byte{byte(len(value) >> 16), byte(len(value) >> 8), byte(len(value))})
		h.Write(value)
	}) {
		h.Write(issuer)
	}
	h.Write([]byte("\x00serial\x00"))
	h.Write(minimalInteger(serial))
	return Recipient{digest: [sha256.Size]byte(h.Sum(nil))}
}

// keyIdentifier makes the Recipient for a key identifier.
func keyIdentifier(id []byte) Recipient {
	return Recipient{digest: sha256.Sum256(append([]byte("key identifier\x00"), id...))}
}

// minimalInteger drops the leading bytes of a two's complement number that say nothing.
func minimalInteger(n []byte) []byte {
	for len(n) > 1 && (n[0] == 0 && n[1] < 0x80 || n[0] == 0xff && n[1] >= 0x80) {
		n = n[1:]
	}
	return n
}

// integer reads a two's complement number.
func integer(n []byte) *big.Int {
	v := new(big.Int).SetBytes(n)
	if len(n) > 0 && n[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(len(n))*8))
	}
	return v
}

// eachAttribute calls f for each attribute of a Name, given the bytes inside its SEQUENCE. False: it is no Name.
func eachAttribute(name []byte, f func(oid, value []byte)) bool {
	rest := cryptobyte.String(name)
	for !rest.Empty() {
		var set cryptobyte.String
		if !readElement(&rest, &set, asn1.SET) {
			return false
		}
		for !set.Empty() {
			var pair, oid, value cryptobyte.String
			var tag asn1.Tag
			if !readElement(&set, &pair, asn1.SEQUENCE) || !readElement(&pair, &oid, asn1.OBJECT_IDENTIFIER) ||
				!readAny(&pair, &value, &tag) || !pair.Empty() {
				return false
			}
			f(oid, value)
		}
	}
	return true
}

// attributeNames are the short names of the attributes that certificates of this trade have.
var attributeNames = map[string]string{
	"\x55\x04\x03": "CN", "\x55\x04\x05": "SERIALNUMBER", "\x55\x04\x06": "C", "\x55\x04\x07": "L",
	"\x55\x04\x08": "ST", "\x55\x04\x09": "STREET", "\x55\x04\x0a": "O", "\x55\x04\x0b": "OU",
	"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01": "UID", "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19": "DC",
	"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01": "emailAddress",
}

// nameText shows a Name on one line of at most 256 bytes, with a placeholder for what does not print.
func nameText(name []byte) string {
	var text bytes.Buffer
	eachAttribute(name, func(oid, value []byte) {
		if text.Len() >= maxNameText {
			return
		}
		if text.Len() > 0 {
			text.WriteString(", ")
		}
		short, known := attributeNames[string(oid)]
		if !known {
			short = "?"
		}
		text.WriteString(short + "=")
		for _, c := range string(value[:min(len(value), maxNameText)]) {
			if c < ' ' || c == 0x7f || c == '\ufffd' || c >= 0x80 && c < 0xa0 {
				c = '?'
			}
			text.WriteRune(c)
		}
	})
	if text.Len() > maxNameText {
		return string(bytes.ToValidUTF8(text.Bytes()[:maxNameText], nil)) + "..."
	}
	return text.String()
}

const maxNameText = 253
