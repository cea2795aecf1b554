package nanomdm

import (
	"strings"
	"unicode"
)

// printable makes a stranger's text fit for a message or a log line: one line, nothing invisible, about max bytes at most.
func printable(text string, max int) string {
	cut := len(text) > max
	if cut {
		text = text[:max]
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	if text = strings.TrimSpace(text); cut {
		text += "…"
	}
	return text
}

// identifier reports whether a text can stand for one device or command: letters, digits and hyphens. Anything else could
// mean several to NanoMDM, which takes lists with commas in them.
func identifier(text string) bool {
	for _, c := range []byte(text) {
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return text != "" && len(text) <= 64
}
