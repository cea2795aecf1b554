package abmtoken

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The bounds of an imported key.
const (
	maxKeyFile = 64 << 10
	minKeyBits = 2048
	maxKeyBits = 8192
)

func badKey(reason string) error { return fmt.Errorf("%w: %s", ErrBadKey, reason) }

// ImportKeyPair reads a key pair of another system: an RSA private key in PEM (PKCS #1 or PKCS #8, without a
// passphrase) and its certificate in PEM ("TRUSTED CERTIFICATE" too) or DER. The certificate may be nil, or be in the
// key's file; a pair without one is found by trial where a file is opened. Expired certificates, negative and
// repeated serial numbers are all right: none of that keeps Apple from encrypting to it.
//
// Its error matches [ErrBadKey] and says why.
func ImportKeyPair(key, certificate []byte) (pair KeyPair, err error) {
	defer contain(&err)
	if len(key) > maxKeyFile || len(certificate) > maxKeyFile {
		return KeyPair{}, badKey("the file is too large for a key or a certificate")
	}
	key, certificate = asText(key), asText(certificate)
	private, err := readPrivateKey(key)
	if err != nil {
		return KeyPair{}, err
	}
	if len(bytes.TrimSpace(certificate)) == 0 {
		// A file may hold both; a certificate in it that belongs to another key, say of a chain, is passed over.
		for _, der := range certificates(key) {
			if pair, err := newKeyPair(private, der); err == nil {
				return pair, nil
			}
		}
		return newKeyPair(private, nil)
	}
	if certificate[0] == byte(asn1.SEQUENCE) {
		return newKeyPair(private, certificate)
	}
	found := certificates(certificate)
	if len(found) == 0 {
		return KeyPair{}, badKey("there is no certificate in the certificate's file")
	}
	for _, der := range found {
		if pair, err = newKeyPair(private, der); err == nil {
			return pair, nil
		}
	}
	return KeyPair{}, err
}

// certificates are the first few in a PEM file.
func certificates(file []byte) (ders [][]byte) {
	for block, rest := pem.Decode(file); block != nil && len(ders) < 16; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "CERTIFICATE") {
			ders = append(ders, block.Bytes)
		}
	}
	return ders
}

func readPrivateKey(file []byte) (*rsa.PrivateKey, error) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return nil, badKey("the private key is locked with a passphrase; " +
				"unlock it first: openssl pkey -in locked.pem -out key.pem")
		case block.Type == "PRIVATE KEY" || block.Type == "RSA PRIVATE KEY":
			return parsePrivateKey(block.Bytes)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil, badKey("the private key is a " + keyTitle(block.Type) + "; Apple's tokens need RSA in PEM form")
		}
	}
	return nil, badKey("there is no private key in PEM form in the file")
}

// keyTitle names known types only, so that no text of the file gets into an error.
func keyTitle(pemType string) string {
	switch pemType {
	case "EC PRIVATE KEY":
		return "key of an elliptic curve"
	case "OPENSSH PRIVATE KEY":
		return "key of OpenSSH"
	default:
		return "key of another kind"
	}
}

func parsePrivateKey(der []byte) (*rsa.PrivateKey, error) {
	if err := inspectPrivateKey(der); err != nil {
		return nil, err
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, badKey("the private key is damaged") // the cause could show a part of the key
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, badKey("the private key is not RSA")
	}
	return key, nil
}

// inspectPrivateKey looks at the sizes of a key's numbers before anybody calculates with them: long ones take seconds.
func inspectPrivateKey(der []byte) error {
	numbers, ok := privateKeyNumbers(der)
	var modulus, number cryptobyte.String
	if !ok || !readElement(&numbers, &modulus, asn1.INTEGER) {
		return badKey("the private key is not RSA, or damaged")
	}
	if bits := integer(modulus).BitLen(); bits < minKeyBits || bits > maxKeyBits {
		return badKey(fmt.Sprintf("the private key has %d bits, not between %d and %d", bits, minKeyBits, maxKeyBits))
	}
	for !numbers.Empty() {
		if !readElement(&numbers, &number, asn1.INTEGER) {
			return badKey("the private key is not made of two primes")
		}
		if len(number) > len(modulus) {
			return badKey("the private key is damaged")
		}
	}
	return nil
}

// privateKeyNumbers finds the numbers of an RSA key in PKCS #1, or inside PKCS #8, from its modulus on.
func privateKeyNumbers(der []byte) (numbers cryptobyte.String, ok bool) {
	if _, err := guardBER(der); err != nil {
		return nil, false
	}
	rest := cryptobyte.String(der)
	var body, version, algorithm, wrapped cryptobyte.String
	if !readElement(&rest, &body, asn1.SEQUENCE) || !readElement(&body, &version, asn1.INTEGER) {
		return nil, false
	}
	if readElement(&body, &algorithm, asn1.SEQUENCE) {
		if !readElement(&body, &wrapped, asn1.OCTET_STRING) || !readElement(&wrapped, &body, asn1.SEQUENCE) ||
			!readElement(&body, &version, asn1.INTEGER) {
			return nil, false
		}
	}
	return body, true
}
