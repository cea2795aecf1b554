// Package apns models the push certificate that every MDM service needs: without a living one no command, and no
// wipe, reaches a device.
//
// [Read] takes a certificate from a file as people have it (PEM, DER, PKCS #12), [Inspect] holds it against everything that
// can be known without asking Apple, check by check, and [Continue] compares it with the one that it is to replace: a
// certificate with another topic would cut every enrolled device off, so it is refused.
//
// [GenerateKey], [NewRequest], a [VendorSigner] and [PortalFile] make the file to upload at Apple's push certificate portal.
//
// The package is pure: no clock, no I/O. [Checker] is the port through which the renewal of a server token asks for the
// push certificate of a tenant.
//
// Everything here may be used from many goroutines at once.
package apns
