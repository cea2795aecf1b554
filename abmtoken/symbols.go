package abmtoken

import (
	"bytes"
	"encoding/json"
)

// symbol is a bracket, a text with its quotes, or a bare word (a number, true, false, null) of a valid JSON text.
type symbol []byte

// nextSymbol takes the first symbol off a text that json.Valid has passed and that has one left. In such a text commas
// and colons stand where they must, so that they say nothing more.
func nextSymbol(text []byte) (symbol, []byte) {
	text = bytes.TrimLeft(text, " \t\r\n,:")
	end := 1
	switch text[0] {
	case '{', '}', '[', ']':
	case '"':
		for text[end] != '"' {
			if text[end] == '\\' {
				end++ // the character behind it, which may be a quote
			}
			end++
		}
		end++
	default:
		if end = bytes.IndexAny(text, " \t\r\n,:]}"); end < 0 {
			end = len(text)
		}
	}
	return text[:end], text[end:]
}

func (s symbol) opens() bool  { return s[0] == '{' || s[0] == '[' }
func (s symbol) closes() bool { return s[0] == '}' || s[0] == ']' }
func (s symbol) isText() bool { return s[0] == '"' }

// text is what the quotes hold.
func (s symbol) text() (value string) {
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s[1 : len(s)-1])
	}
	_ = json.Unmarshal(s, &value) // valid, as it is part of a valid text
	return value
}
