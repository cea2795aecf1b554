package apns

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
)

// MaxFile bounds what is read of a file with a certificate, in bytes. Apple's have some 2 KiB.
const MaxFile = 64 << 10

// maxCertificates bounds the certificates in one file: a chain has three.
const maxCertificates = 8

// Read reads a push certificate from a file as people have it: PEM as Apple's portal gives it, with or without the chain and
// the key, in any order; DER; or PKCS #12 (.p12, .pfx), whose password is given. The password is of no other use.
//
// A certificate that is no push certificate at all reads like any other: [Inspect] tells. Errors match [ErrTooLarge],
// [ErrFile] (a [*FileError] says what the file is instead), [ErrPassword], [ErrUnsupported] or [ErrKey].
func Read(file []byte, password string) (Certificate, error) {
	if len(file) > MaxFile {
		return Certificate{}, ErrTooLarge
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")))
	if kind := sniff(text); kind != "" {
		return Certificate{}, refuse(kind)
	}
	if text[0] != sequence {
		return readPEM(text)
	}
	if isPKCS12(file) {
		return readPKCS12(file, password)
	}
	return ParseCertificate(file)
}

const sequence = 0x30 // how DER files begin

var errTwoKeys = fmt.Errorf("%w: the file has more than one; leave only the certificate's own in it", ErrKey)

// readPEM takes the certificates and the key of a file, whatever their order.
func readPEM(text []byte) (Certificate, error) {
	var certs []*x509.Certificate
	var key Key
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if k, found, err := keyOf(block); err != nil {
			return Certificate{}, err
		} else if found && !key.IsZero() {
			return Certificate{}, errTwoKeys
		} else if found {
			key = k
			continue
		}
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			continue
		}
		cert, err := parse(block.Bytes)
		if err != nil || len(certs) == maxCertificates {
			return Certificate{}, refuse(FileDamaged)
		}
		certs = append(certs, cert)
	}
	switch {
	case len(certs) == 0 && !key.IsZero():
		return Certificate{}, refuse(FilePrivateKey)
	case len(certs) == 0:
		return Certificate{}, refuse(pemKind(text))
	}
	return assemble(certs, key), nil
}

// assemble tells the certificate from its chain: it is the one of the key, else the first that is no authority's.
func assemble(certs []*x509.Certificate, key Key) Certificate {
	at := 0
	if i := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return Certificate{leaf: c}.Matches(key) }); i >= 0 {
		at = i
	} else if i := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return !c.IsCA }); i >= 0 {
		at = i
	}
	leaf := certs[at]
	return Certificate{leaf: leaf, chain: issuers(leaf, slices.Delete(slices.Clone(certs), at, at+1)), key: key}
}

// issuers puts the other certificates in order, each the issuer of the one before; what belongs to no one is left out.
func issuers(leaf *x509.Certificate, others []*x509.Certificate) []*x509.Certificate {
	var chain []*x509.Certificate
	for last := leaf; !bytes.Equal(last.RawIssuer, last.RawSubject); {
		i := slices.IndexFunc(others, func(c *x509.Certificate) bool {
			return bytes.Equal(c.RawSubject, last.RawIssuer) && !slices.Contains(chain, c)
		})
		if i < 0 {
			break
		}
		last = others[i]
		chain = append(chain, last)
	}
	return chain
}
