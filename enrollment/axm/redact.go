package axm

import (
	"net/url"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// secrets are the texts that an answer must not bring into an error.
type secrets []string

// redact takes the secrets out of a text, also as they stand in a query; see [untrusted.Redact].
func (all secrets) redact(text string, cut bool) string {
	var each []string
	for _, s := range all {
		if s != "" {
			each = append(each, s, url.QueryEscape(s))
		}
	}
	return untrusted.Redact(text, each, cut)
}
