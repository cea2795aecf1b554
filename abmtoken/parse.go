package abmtoken

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// What a token may hold. Apple's are about 400 bytes of five fields; the rest is room for fields to come.
const (
	maxJSON    = 64 << 10 // bytes of JSON
	maxField   = 1024     // bytes of one credential
	maxDepth   = 16       // nesting of fields that this package does not know
	maxSymbols = 256      // names, values and brackets together
)

// Expiries outside of these years are taken for damage; Apple's first tokens are of 2014.
const (
	minExpiryYear = 2010
	maxExpiryYear = 2100
)

// fields are the names that a token has to have, in the order of its canonical form.
var fields = [...]string{"consumer_key", "consumer_secret", "access_token", "access_secret", "access_token_expiry"}

// badContent names the rule that is broken; never a value.
func badContent(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadContent, fmt.Sprintf(format, args...))
}

// ParseToken reads the JSON object inside a server token (Apple, "Examining Server Tokens"): the texts consumer_key,
// consumer_secret, access_token, access_secret (each 1 to 1024 bytes of printable ASCII) and access_token_expiry
// (RFC 3339), each exactly once. Unknown fields are kept and not looked at, but no name may come twice.
//
// Its error matches [ErrBadContent]. An expired token is no error here.
func ParseToken(text []byte) (token Token, err error) {
	defer contain(&err)
	if len(text) > maxJSON {
		return Token{}, badContent("it is longer than %d bytes", maxJSON)
	}
	if !utf8.Valid(text) {
		return Token{}, badContent("it is not UTF-8")
	}
	values, err := scanObject(text)
	if err != nil {
		return Token{}, err
	}
	for i, value := range values {
		if err := checkField(fields[i], value); err != nil {
			return Token{}, err
		}
	}
	expires, err := parseExpiry(values[4])
	if err != nil {
		return Token{}, err
	}
	return Token{
		consumerKey: values[0], consumerSecret: NewSecret(values[1]),
		accessToken: NewSecret(values[2]), accessSecret: NewSecret(values[3]),
		expires: expires, json: NewSecret(string(bytes.TrimSpace(text))),
	}, nil
}

func checkField(name, value string) error {
	if value == "" {
		return badContent("%s is missing or empty", name)
	}
	if len(value) > maxField {
		return badContent("%s is longer than %d bytes", name, maxField)
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return badContent("%s is not printable ASCII", name)
		}
	}
	return nil
}

func parseExpiry(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, badContent("access_token_expiry is not a time in RFC 3339")
	}
	if t = t.UTC(); t.Year() < minExpiryYear || t.Year() >= maxExpiryYear {
		return time.Time{}, badContent("access_token_expiry is not between %d and %d", minExpiryYear, maxExpiryYear)
	}
	return t.Truncate(time.Microsecond), nil
}

// scanObject walks a whole JSON object and picks the five texts. It exists because encoding/json alone would take
// the last of two equal names, names in another case, and null.
func scanObject(text []byte) (values [len(fields)]string, err error) {
	if !json.Valid(text) || bytes.TrimSpace(text)[0] != '{' {
		return values, badContent("it is not one JSON object")
	}
	var stack []container
	for symbols := 0; ; symbols++ {
		if symbols > maxSymbols {
			return values, badContent("it has more than %d names and values", maxSymbols)
		}
		var s symbol
		s, text = nextSymbol(text)
		if s.closes() {
			if stack = stack[:len(stack)-1]; len(stack) == 0 {
				return values, nil
			}
			continue
		}
		if len(stack) > 0 {
			top := &stack[len(stack)-1]
			name, isName, err := top.next(s)
			if err != nil {
				return values, err
			}
			if isName {
				continue
			}
			if i := fieldIndex(name); len(stack) == 1 && i >= 0 {
				if !s.isText() {
					return values, badContent("%s is not a text", fields[i])
				}
				values[i] = s.text()
			}
		}
		if s.opens() {
			if len(stack) == maxDepth {
				return values, badContent("it is nested more than %d deep", maxDepth)
			}
			stack = append(stack, container{object: s[0] == '{'})
		}
	}
}

func fieldIndex(name string) int {
	for i, field := range fields {
		if name == field {
			return i
		}
	}
	return -1
}

// container is an object or array that is being read.
type container struct {
	object bool
	names  []string
	value  bool // the next symbol of the object is a value
}

// next takes the next symbol: in an object a name and its value in turn, in an array a value without a name.
func (c *container) next(s symbol) (name string, isName bool, err error) {
	if !c.object {
		return "", false, nil
	}
	if c.value {
		c.value = false
		return c.names[len(c.names)-1], false, nil
	}
	name = s.text()
	for _, seen := range c.names { // at most maxSymbols of them, so a map would cost more
		if seen == name {
			return "", false, badContent("a name comes twice")
		}
	}
	c.names, c.value = append(c.names, name), true
	return name, true, nil
}
