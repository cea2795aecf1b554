package apns

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// vendorChain are the three certificates that Apple's portal wants beside a vendor's signature: the vendor's, Apple's
// intermediate, Apple's root. Each was signed by the next.
type vendorChain [3]*x509.Certificate

// readVendorChain reads a chain in PEM, which may come from afar. What stands between the certificates is left out.
func readVendorChain(text []byte) (chain vendorChain, err error) {
	if len(text) > MaxFile {
		return chain, fmt.Errorf("%w: the chain is too large; three certificates in PEM are needed", ErrVendor)
	}
	var certs []*x509.Certificate
	for rest := text; len(certs) <= len(chain); {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := parse(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return chain, fmt.Errorf("%w: the chain must be certificates in PEM and nothing else", ErrVendor)
		}
		certs = append(certs, cert)
	}
	if len(certs) != len(chain) {
		return chain, fmt.Errorf("%w: the chain must be three certificates: the vendor's, Apple's intermediate, Apple's root", ErrVendor)
	}
	for i, cert := range certs[:2] {
		if err := cert.CheckSignatureFrom(certs[i+1]); err != nil {
			return chain, fmt.Errorf("%w: certificate %d of the chain was not signed by the next; put the vendor's first", ErrVendor, i+1)
		}
	}
	return vendorChain(certs), nil
}

// signed reports whether a signature over a request is the vendor's.
func (c vendorChain) signed(request, signature []byte) bool {
	return c[0].CheckSignature(x509.SHA256WithRSA, request, signature) == nil
}

// pem writes the chain as the portal takes it, however it came: nothing but certificates, in lines of 64 characters.
func (c vendorChain) pem() []byte {
	var out []byte
	for _, cert := range c {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return out
}
