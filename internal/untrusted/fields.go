package untrusted

import (
	"encoding/json"
	"time"
)

// MaxText is how many bytes of a text for people are kept.
const MaxText = 1024

// Text is a string field. A value of another kind is no reason to lose the answer: it counts as empty.
type Text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = ""
	}
	*t = Text(s)
	return nil
}

// Shown is the text as people may see it.
func (t Text) Shown() string { return Clean(string(t), MaxText) }

// ID is the text if it can be an identifier, or empty.
func (t Text) ID() string {
	if !Identifier(string(t), MaxText) {
		return ""
	}
	return string(t)
}

// At is the text as a time, or the zero time.
func (t Text) At() time.Time {
	at, err := time.Parse(time.RFC3339, string(t))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// Count is a whole number that is not negative; anything else is zero.
type Count int

// UnmarshalJSON implements [json.Unmarshaler].
func (c *Count) UnmarshalJSON(raw []byte) error {
	var n int32
	if json.Unmarshal(raw, &n) != nil || n < 0 {
		n = 0
	}
	*c = Count(n)
	return nil
}
