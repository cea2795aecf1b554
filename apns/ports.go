package apns

import (
	"context"
	"errors"
	"time"
)

// Checker looks at the push certificate that a tenant's devices hear. Implementations are safe for concurrent use.
//
// A certificate that is expired or otherwise bad is not an error but a [Report] that says so. An error means that
// the check could not be made; it says nothing about the certificate.
type Checker interface {
	Check(ctx context.Context, tenant string) (Report, error)
}

// Source gives the push certificate that a tenant's devices hear, with its private key: the tenant's own, or the account's
// where it has none. Implementations are safe for concurrent use.
type Source interface {
	// Certificate returns the newest one. Where there is none, the error matches [ErrNoCertificate].
	Certificate(ctx context.Context, tenant string) (Certificate, error)
}

// Prober asks Apple's push service whether it accepts a certificate, which comes with its private key. Implementations are
// safe for concurrent use. Its error says that Apple could not be asked; it says nothing about the certificate.
type Prober interface {
	Probe(ctx context.Context, c Certificate) (Answer, error)
}

// Answer is what Apple's push service said about a certificate.
type Answer struct {
	// Finding puts it in words, as the check [CheckApple] of a [Report]. Only Pass and Fail are definite: Apple accepts the
	// certificate, or refuses it for good.
	Finding    Finding
	Reason     string        // Apple's own word for a refusal; empty: none
	RetryAfter time.Duration // when Apple wants to be asked again; zero: not told
}

// Audience counts the devices that listen to a topic, so that people can be told how many a wrong certificate would cut
// off. Implementations are safe for concurrent use.
type Audience interface {
	Listening(ctx context.Context, topic string) (int, error)
}

// ErrNoCertificate says that there is no push certificate for a tenant.
var ErrNoCertificate = errors.New("apns: there is no push certificate")

// VendorSigner signs requests for push certificates as an MDM vendor, without which Apple's portal takes none. Its key
// belongs to the product and not to a customer, so a host may keep it elsewhere and sign over a network;
// [LocalVendor] signs in this process. Implementations are safe for concurrent use.
type VendorSigner interface {
	// SignRequest signs a request (PKCS #10, DER) with RSA PKCS #1 v1.5 and SHA-256.
	SignRequest(ctx context.Context, request []byte) (VendorSignature, error)
}

// VendorSignature is a vendor's word for a request.
type VendorSignature struct {
	Signature []byte
	Chain     []byte // PEM: the vendor's certificate, Apple's WWDR G3 intermediate, Apple's root
}
