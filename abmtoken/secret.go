package abmtoken

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// ErrSecret is what encoding a [Secret] as JSON or text returns, so that neither the secret nor a placeholder is
// ever stored by mistake.
var ErrSecret = errors.New("abmtoken: a secret is not encoded; use Reveal where it must leave")

// Secret is a text that never prints. Every verb of fmt, log/slog and reflection-based printers show a
// placeholder or a function's address; [Secret.Reveal] is the only way out. The zero Secret is empty.
type Secret struct {
	// A closure, because printers follow pointers and show unexported strings, but cannot look into a function.
	reveal func() string
}

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{reveal: func() string { return text }} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares two secrets in a time that depends on their lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns a placeholder.
func (Secret) String() string { return redacted }

// GoString returns a placeholder.
func (Secret) GoString() string { return redacted }

// Format writes a placeholder, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns [ErrSecret].
func (Secret) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText returns [ErrSecret].
func (Secret) MarshalText() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary returns [ErrSecret].
func (Secret) MarshalBinary() ([]byte, error) { return nil, ErrSecret }
