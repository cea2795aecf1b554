package untrusted

import (
	"slices"
	"strings"
)

// Redacted stands in a text where a secret stood.
const Redacted = "[redacted]"

// Redact takes secrets out of a text, the longest first, because one may be a part of another; none of them is empty. Of a
// text that was cut off, what may be the beginning of a secret goes as well.
func Redact(text string, secrets []string, cut bool) string {
	if len(secrets) == 0 {
		return text
	}
	secrets = slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, Redacted)
	}
	if cut {
		text = text[:max(0, len(text)-len(secrets[0]))]
	}
	return text
}
