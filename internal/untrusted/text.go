// Package untrusted makes what strangers send fit to be read: texts, JSON and headers of answers.
package untrusted

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a stranger's text fit for a message, a log line or a screen: valid UTF-8, one line, nothing that cannot
// be seen, no more than max bytes.
func Clean(text string, max int) string {
	var out strings.Builder
	for _, r := range text {
		if out.Len()+utf8.RuneLen(r) > max {
			out.WriteString("…")
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}

// Printable reports whether a text is 1 to max bytes of printable ASCII, so that it can be a header or an identifier.
func Printable(text string, max int) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= max && text == strings.TrimSpace(text)
}

// Identifier is printable without spaces.
func Identifier(text string, max int) bool {
	return Printable(text, max) && !strings.Contains(text, " ")
}
