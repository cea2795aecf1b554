package dialguard

import (
	"crypto/tls"
	"errors"
	"net"
)

// Unsent reports whether an error of a transport proves that no byte of the request left: there was no connection.
func Unsent(err error) bool {
	if errors.Is(err, ErrAddress) {
		return true
	}
	if op, is := errors.AsType[*net.OpError](err); is && op.Op == "dial" {
		return true
	}
	if _, is := errors.AsType[*net.DNSError](err); is {
		return true
	}
	_, is := errors.AsType[*tls.CertificateVerificationError](err)
	return is
}
