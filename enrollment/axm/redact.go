package axm

import (
	"net/url"
	"slices"
	"strings"
)

const redacted = "[redacted]"

// secrets are the texts that an answer must not bring into an error.
type secrets []string

// redact takes the secrets out of a text, the longest first, because one may be a part of another. Of a text that was cut
// off, what may be the beginning of a secret goes as well.
func (all secrets) redact(text string, cut bool) string {
	var each []string
	for _, s := range all {
		if s != "" {
			each = append(each, s, url.QueryEscape(s))
		}
	}
	if len(each) == 0 {
		return text
	}
	slices.SortFunc(each, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range each {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	if cut {
		text = text[:max(0, len(text)-len(each[0]))]
	}
	return text
}
