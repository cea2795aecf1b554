package apns

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"software.sslmate.com/src/go-pkcs12"
)

// maxPassword bounds a password, in bytes.
const maxPassword = 1 << 10

// readPKCS12 reads a .p12 file, of the old encryption (RC2, 3DES) and the new (AES). What it would cost is known before
// anything is decrypted: see [plainFirst].
func readPKCS12(file []byte, password string) (Certificate, error) {
	if err := checkPKCS12(file); err != nil {
		return Certificate{}, err
	}
	if len(password) > maxPassword {
		return Certificate{}, ErrPassword
	}
	// A trust store this is not; but the password is checked first, and nothing is opened behind a wrong one.
	if _, err := pkcs12.DecodeTrustStore(file, password); errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return Certificate{}, ErrPassword
	}
	private, leaf, others, err := decodeChain(file, password, under(password))
	if password == "" && isWrong(err) {
		private, leaf, others, err = decodeChain(file, password, underNoBytes)
	}
	switch {
	case isWrong(err):
		return Certificate{}, ErrPassword
	case errors.Is(err, ErrUnsupported):
		return Certificate{}, err
	case err != nil:
		return Certificate{}, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	key, err := usable(private)
	if err != nil {
		return Certificate{}, err
	}
	if len(others) >= maxCertificates {
		return Certificate{}, fmt.Errorf("%w: it has more than %d certificates", ErrUnsupported, maxCertificates)
	}
	all := append([]*x509.Certificate{leaf}, others...)
	if slices.ContainsFunc(all, hasAbsurdKey) {
		return Certificate{}, fmt.Errorf("%w: a certificate in it has an absurd key", ErrUnsupported)
	}
	return assemble(all, key), nil
}

func decodeChain(file []byte, password string, sum checksum) (private any, leaf *x509.Certificate, others []*x509.Certificate, err error) {
	ordered, err := plainFirst(file, sum)
	if err != nil {
		return nil, nil, nil, err
	}
	return pkcs12.DecodeChain(ordered, password)
}

// isWrong reports whether it is the password that does not open a file.
func isWrong(err error) bool {
	return errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption)
}
