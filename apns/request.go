package apns

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"strings"
	"unicode"
)

// RequestName is what a signing request says about who asks. Apple takes none of it into the certificate (certificates in
// use; micromdm's mdmcertutil, 2026); it serves people who look at the file. What no request can hold is left out.
type RequestName struct {
	CommonName string // such as the customer's name; empty: "Push certificate"
	Email      string // of the Apple Account; may be empty
	Country    string // two letters; may be empty
}

// NewRequest makes a certificate signing request (PKCS #10) in DER for a key, signed with SHA-256. The key must be stored
// durably before the request leaves: a certificate made for it is worth nothing without. Its error matches [ErrKey].
func NewRequest(key Key, name RequestName) ([]byte, error) {
	if key.IsZero() {
		return nil, fmt.Errorf("%w: a request needs a key; make one with GenerateKey", ErrKey)
	}
	subject := pkix.Name{CommonName: printable(name.CommonName)}
	if subject.CommonName == "" {
		subject.CommonName = "Push certificate"
	}
	if country := printable(name.Country); len(country) == 2 && plain(country) {
		subject.Country = []string{strings.ToUpper(country)}
	}
	template := &x509.CertificateRequest{Subject: subject, SignatureAlgorithm: x509.SHA256WithRSA}
	if email := strings.TrimSpace(name.Email); strings.Contains(email, "@") && plain(email) {
		template.EmailAddresses = []string{email}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key.Signer())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return der, nil
}

// RequestPEM is a signing request in PEM, as a vendor's signing service takes it.
func RequestPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// printable makes a text fit for a certificate: at most 64 characters (RFC 5280, ub-common-name).
func printable(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text))
	if runes := []rune(text); len(runes) > 64 {
		text = strings.TrimSpace(string(runes[:64]))
	}
	return text
}
