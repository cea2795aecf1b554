package dep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	maxDepth = 32   // nesting of an answer; Apple's has five levels
	maxText  = 1024 // bytes of a text that is for people
)

// decode reads an answer: one JSON object, not nested without end, and no name twice, so that nobody else reads
// something different from it. Unknown fields are ignored.
func decode(k call, body []byte, into any) error {
	if err := checkJSON(body); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAnswer, k.op(), err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		// The error of the json package may quote what it read.
		return fmt.Errorf("%w: %s: it is not as documented", ErrAnswer, k.op())
	}
	return nil
}

var (
	errShape     = errors.New("it is not one JSON object")
	errDepth     = errors.New("it is nested too deep")
	errDuplicate = errors.New("a name comes twice")
)

func checkJSON(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	type level struct {
		names map[string]struct{} // nil: an array
		value bool                // the next token is a value
	}
	var stack []level
	for first := true; first || len(stack) > 0; first = false {
		token, err := dec.Token()
		if err != nil || first && token != json.Delim('{') {
			return errShape
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if len(stack) > 0 {
			top := &stack[len(stack)-1]
			if name, is := token.(string); is && top.names != nil && !top.value {
				name = strings.ToLower(name) // as the json package matches names
				if _, twice := top.names[name]; twice {
					return errDuplicate
				}
				top.names[name], top.value = struct{}{}, true
				continue
			}
			top.value = false
		}
		if delim, is := token.(json.Delim); is {
			if len(stack) == maxDepth {
				return errDepth
			}
			next := level{}
			if delim == '{' {
				next.names = map[string]struct{}{}
			}
			stack = append(stack, next)
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errShape
	}
	return nil
}

// text is a string field. A value of another kind is no reason to lose the answer: it counts as empty.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = ""
	}
	*t = text(s)
	return nil
}

// shown is the text as people may see it.
func (t text) shown() string { return clean(string(t), maxText) }

// id is the text if it can be an identifier, or empty.
func (t text) id() string {
	if !identifier(string(t), maxText) {
		return ""
	}
	return string(t)
}

// at is the text as a time, or the zero time.
func (t text) at() time.Time {
	at, err := time.Parse(time.RFC3339, string(t))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// texts is an array of strings, or a single one.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var all []text
	if json.Unmarshal(raw, &all) != nil {
		var one text
		_ = one.UnmarshalJSON(raw) // never fails
		all = []text{one}
	}
	*t = nil
	for _, s := range all {
		if s := s.shown(); s != "" {
			*t = append(*t, s)
		}
	}
	return nil
}

// flag is a boolean field; anything but true is false.
type flag bool

func (f *flag) UnmarshalJSON(raw []byte) error {
	*f = string(raw) == "true"
	return nil
}

// count is a whole number that is not negative; anything else is zero.
type count int

func (c *count) UnmarshalJSON(raw []byte) error {
	var n int32
	if json.Unmarshal(raw, &n) != nil || n < 0 {
		n = 0
	}
	*c = count(n)
	return nil
}
