package abmtoken

import (
	"errors"
	"fmt"
)

// What opening a file may end with. Each is matched with errors.Is; none carries a byte of the file.
var (
	// ErrTooLarge: the file is larger than [MaxFile] and was not read.
	ErrTooLarge = errors.New("abmtoken: the file is too large for a server token; choose the .p7m file that the portal gave you")
	// ErrNotServerToken: the file is something else; the error is a [*NotServerTokenError], which says what.
	ErrNotServerToken = errors.New("abmtoken: not a server token")
	// ErrUnsupported: an encrypted message, but with a method that server tokens do not use.
	ErrUnsupported = errors.New("abmtoken: the file is encrypted in a way that server tokens are not")
	// ErrUnknownRecipient: the file was made for the certificate of none of the given keys.
	ErrUnknownRecipient = errors.New("abmtoken: the file was made for another certificate; take the file of this service, or upload " +
		"this certificate at the portal and download the token again")
	// ErrDecrypt: the file names the certificate of a given key, but does not decrypt to a token. One error stands for
	// every cause, because telling them apart would help to guess a key.
	ErrDecrypt = errors.New("abmtoken: the file does not decrypt; it is damaged, download it again")
	// ErrBadContent: the file decrypts to text that is no valid token; the error says which rule is broken.
	ErrBadContent = errors.New("abmtoken: the decrypted text is not a valid server token")
	// ErrExpired: the token's expiry has passed.
	ErrExpired = errors.New("abmtoken: the token has expired")
	// ErrFIPS: the file needs a method that the process may not use, because it runs with GODEBUG=fips140=only. See
	// [Envelope.AllowFIPSException].
	ErrFIPS = errors.New("abmtoken: Apple encrypts server tokens in a way that fips140=only forbids")
	// ErrInternal: the reader itself failed. That is a mistake of this package, please report it; nothing was read.
	ErrInternal = errors.New("abmtoken: the reader failed on this file; please report it")
	// ErrBadKey: not a usable RSA private key or certificate; the error says why.
	ErrBadKey = errors.New("abmtoken: not a usable key")
)

// NotServerTokenError says what a refused file is instead. It matches [ErrNotServerToken].
type NotServerTokenError struct{ Kind FileKind }

func (e *NotServerTokenError) Error() string {
	return fmt.Sprintf("abmtoken: not a server token (.p7m): this is %s %s; %s", e.Kind.article(), e.Kind, e.Kind.Advice())
}

// Is makes errors.Is(err, ErrNotServerToken) true.
func (e *NotServerTokenError) Is(target error) bool { return target == ErrNotServerToken }

// refuse makes the error for a file of that kind.
func refuse(kind FileKind) error { return &NotServerTokenError{Kind: kind} }

// contain turns a panic into [ErrInternal]. It guards each function that meets a stranger's bytes; nothing is known
// to need it.
func contain(err *error) {
	if recover() != nil {
		*err = ErrInternal
	}
}
