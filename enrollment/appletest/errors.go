package appletest

import "errors"

// What the portal refuses. The errors of [Organization] and [Admin] wrap one of these.
var (
	ErrRole                = errors.New("appletest: no role of this person may do that")
	ErrLeft                = errors.New("appletest: this person has left the organization")
	ErrDeleted             = errors.New("appletest: the service was deleted")
	ErrForeign             = errors.New("appletest: that belongs to another organization")
	ErrName                = errors.New("appletest: a service needs a name of its own, not Unassigned or Reassigned")
	ErrCertificate         = errors.New("appletest: not a certificate (PEM or DER) with an RSA public key")
	ErrTooManyCertificates = errors.New("appletest: an organization has at most 250 public key certificates")
	ErrTooManyAPIAccounts  = errors.New("appletest: an organization has at most 50 API accounts")
	ErrUnknownDevice       = errors.New("appletest: the organization has no such device")
)
