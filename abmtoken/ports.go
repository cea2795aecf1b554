package abmtoken

import (
	"context"
	"errors"
	"time"
)

// What Apple may answer about a token. A [Verifier] wraps exactly one of these for a definite answer; every other
// error means that Apple did not answer, and says nothing about the token.
var (
	// ErrRejected says that Apple does not take the token: expired, replaced by a later download, voided by a new
	// public key, or its downloader's password changed or account removed (Apple Business guide, "Link to a
	// third-party device management service").
	ErrRejected = errors.New("abmtoken: Apple does not accept the token")
	// ErrTermsPending says that the token lives, but calls fail until an administrator of the organization accepts
	// Apple's new terms (Apple, "Interpreting error codes": T_C_NOT_SIGNED).
	ErrTermsPending = errors.New("abmtoken: Apple's new terms are not accepted")
	// ErrAccessDenied says that the service, or the person who downloaded the token, may not do this.
	ErrAccessDenied = errors.New("abmtoken: Apple denies access")
)

// Account is what Apple says about the owner of a token: GET /account of the device assignment service (Apple,
// "Account Detail").
type Account struct {
	ServerUUID string // the device management service; the identity of a server, stable over renewals
	ServerName string
	AdminID    string // the Apple Account that downloaded the token
	OrgID      string
	OrgIDHash  string
	OrgName    string
	OrgType    string // "org", "edu" or "tvprovider"
}

// Verifier asks Apple whose token this is. Implementations are safe for concurrent use.
type Verifier interface {
	Account(ctx context.Context, token Token) (Account, error)
}

// Source gives the newest token of one server, so that whoever calls Apple need not keep one. Implementations are
// safe for concurrent use.
type Source interface {
	// Token returns the credentials to use now.
	Token(ctx context.Context) (Token, error)
	// Answered reports what Apple said to a call made with that token: nil for success, an error that matches
	// [ErrRejected] or [ErrTermsPending] for a definite refusal. Other errors are ignored.
	Answered(ctx context.Context, token Token, answer error) error
}

// Static returns a Source that always gives the same token and ignores what is reported.
func Static(token Token) Source { return static{token} }

type static struct{ token Token }

func (s static) Token(context.Context) (Token, error)       { return s.token, nil }
func (static) Answered(context.Context, Token, error) error { return nil }

// Detailed is what an error of a [Verifier] may offer beside the sentinel that it matches.
type Detailed interface {
	error
	// Reason is Apple's own word for the refusal, such as "token_rejected"; empty: none.
	Reason() string
	// RetryAfter is how long Apple asked to wait; zero: it did not say.
	RetryAfter() time.Duration
}
