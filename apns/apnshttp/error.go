package apnshttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

var (
	// ErrNoKey says that the certificate came without its private key, or with another's, so that nobody can sign in with it.
	ErrNoKey = errors.New("apnshttp: the push certificate came without its own private key: add it with Certificate.WithKey")
	// ErrDevice says that a device token or magic is not a possible one.
	ErrDevice = errors.New("apnshttp: the device token or the push magic is not possible")
	// ErrUnreachable says that Apple was not reached, or did not answer in time: nothing is known about the certificate.
	ErrUnreachable = errors.New("apnshttp: Apple's push service did not answer")
)

// understood makes an answer of an error that is one: Apple refuses a certificate by a TLS alert, and ends connections with
// a reason.
func understood(ctx context.Context, conn *link, err error) (Result, error) {
	if conn != nil {
		if r, said := conn.end.said(ctx); said {
			return r, nil
		}
	}
	if alert := alertOf(err); alert != "" {
		return Result{Outcome: Certificate, Reason: alert}, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return Result{}, context.Cause(ctx)
	}
	return Result{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// alertOf returns the alert by which the other side refused the certificate; empty: it did not.
func alertOf(err error) string {
	alert := remoteAlert(err)
	if strings.Contains(alert, "certificate") || alert == "access denied" {
		return alert
	}
	return ""
}

// refusesHTTP2 reports whether the other side ended the handshake because it does not speak HTTP/2 (RFC 7301, section 3.2).
func refusesHTTP2(err error) bool { return remoteAlert(err) == "no application protocol" }

// remoteAlert is the TLS alert that the other side sent; empty: it sent none.
func remoteAlert(err error) string {
	remote, ok := errors.AsType[*net.OpError](err)
	if !ok || remote.Op != "remote error" || remote.Err == nil {
		return ""
	}
	return strings.TrimPrefix(remote.Err.Error(), "tls: ")
}
