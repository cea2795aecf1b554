package enrollment

import (
	"errors"
	"fmt"
	"strings"
)

// PIN is what unlocks a Mac that was wiped by locking it. It never prints; [PIN.Reveal] is the only way out.
type PIN struct{ digits string }

const pinLength = 6 // Apple, "EraseDevice"

// NewPIN takes the six digits of a PIN.
func NewPIN(digits string) (PIN, error) {
	if len(digits) != pinLength || strings.Trim(digits, "0123456789") != "" {
		return PIN{}, errors.New("a PIN has six digits")
	}
	return PIN{digits}, nil
}

// Reveal returns the digits; empty: there is none.
func (p PIN) Reveal() string { return p.digits }

// IsZero reports whether there is no PIN.
func (p PIN) IsZero() bool { return p.digits == "" }

// String hides the digits.
func (p PIN) String() string { return "[PIN]" }

// Format hides the digits, whatever the verb.
func (p PIN) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// MarshalText is an error, so that no PIN is written by mistake.
func (PIN) MarshalText() ([]byte, error) { return nil, errors.New("a PIN is not written") }
