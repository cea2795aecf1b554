package apns

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// ErrVendor says why the vendor's certificate or key does not do.
var ErrVendor = errors.New("apns: no usable MDM vendor certificate")

// appleWWDRG3 is the intermediate above a vendor's certificate, by its SHA-256 (go-apple-dm, 2026-09).
const appleWWDRG3 = "dcf21878c77f4198e4b4614f03d696d89c66c66008d4244e1b99161aac91601f"

// LocalVendor is a [VendorSigner] with the key of an "MDM Vendor CSR Signing" certificate in this process.
type LocalVendor struct {
	key          Key
	chain        []byte
	intermediate string // its fingerprint
}

// NewLocalVendor checks the vendor's certificate and key. Chain is in PEM: the vendor's certificate first, then Apple's
// intermediate and root, both to be had from Apple's PKI page. Its error matches [ErrVendor].
//
// Whether the intermediate is the one that Apple's portal takes today (WWDR G3) is not checked, but told by
// [LocalVendor.Warning].
func NewLocalVendor(chain []byte, key Key, now time.Time) (*LocalVendor, error) {
	certs, err := readVendorChain(chain)
	if err != nil {
		return nil, err
	}
	leaf := certs[0]
	switch {
	case now.Before(leaf.NotBefore) || !now.Before(leaf.NotAfter):
		return nil, fmt.Errorf("%w: it was valid from %s to %s; make a new one at developer.apple.com",
			ErrVendor, leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly))
	case !Certificate{leaf: leaf}.Matches(key):
		return nil, fmt.Errorf("%w: the key belongs to another certificate; give the one that the vendor's was requested with", ErrVendor)
	}
	return &LocalVendor{key: key, chain: certs.pem(), intermediate: fingerprint(certs[1])}, nil
}

// Warning says what is doubtful about the chain; empty: nothing.
func (v *LocalVendor) Warning() string {
	if v.intermediate != appleWWDRG3 {
		return "the intermediate is not Apple's WWDR G3, which the portal asks for"
	}
	return ""
}

// SignRequest signs a request in DER with RSA PKCS #1 v1.5 and SHA-256, as Apple wants it (Apple, Device Management
// documentation, June 2025). It never waits.
func (v *LocalVendor) SignRequest(_ context.Context, request []byte) (VendorSignature, error) {
	if v.key.IsZero() {
		return VendorSignature{}, fmt.Errorf("%w: there is none; make one with NewLocalVendor", ErrVendor)
	}
	sum := sha256.Sum256(request)
	signature, err := v.key.Signer().Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return VendorSignature{}, fmt.Errorf("%w: %w", ErrVendor, err)
	}
	return VendorSignature{Signature: signature, Chain: bytes.Clone(v.chain)}, nil
}
