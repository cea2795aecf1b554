package apns

import "context"

// Checker looks at the push certificate that a tenant's devices hear. Implementations are safe for concurrent use.
//
// A certificate that is expired or otherwise bad is not an error but a [Report] that says so. An error means that
// the check could not be made; it says nothing about the certificate.
type Checker interface {
	Check(ctx context.Context, tenant string) (Report, error)
}
