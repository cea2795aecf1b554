package untrusted

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"
)

// maxDepth is the nesting of a document; Apple's have five levels.
const maxDepth = 32

var (
	errShape     = errors.New("it is not one JSON object")
	errDepth     = errors.New("it is nested too deep")
	errDuplicate = errors.New("a name comes twice")
)

// CheckJSON refuses everything but one JSON object, not nested without end, and with no name twice, so that nobody else reads
// something different from it.
func CheckJSON(body []byte) error {
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
				name = Fold(name)
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

// Fold makes names equal that the json package takes for the same: it ignores case the way Unicode folds it, so that
// the long s is an s and the Kelvin sign a k, which strings.ToLower does not know.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // the smallest of those that fold together
			}
			r = next
		}
	}, name)
}
