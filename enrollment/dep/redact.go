package dep

import (
	"slices"
	"strings"

	"github.com/dghubble/oauth1"

	"github.com/abmrenew/abmrenew/abmtoken"
)

const (
	redacted     = "[redacted]"
	sessionField = "auth_session_token"
)

// secrets are the texts that an answer must not bring into an error, also as they stand in an OAuth header.
type secrets []string

// secretsOf are those of a request.
func secretsOf(token abmtoken.Token, others ...string) secrets {
	var all secrets
	for _, s := range append(others,
		token.ConsumerSecret().Reveal(), token.AccessToken().Reveal(), token.AccessSecret().Reveal()) {
		if s == "" {
			continue
		}
		all = append(all, s)
		if encoded := oauth1.PercentEncode(s); encoded != s {
			all = append(all, encoded)
		}
	}
	return all
}

// redact takes the secrets out of a text, the longest first, because one may be a part of another. Of a text that was cut
// off, what may be the beginning of a secret goes as well.
func (all secrets) redact(text string, cut bool) string {
	if len(all) == 0 {
		return text
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b string) int { return len(b) - len(a) })
	for _, secret := range all {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	if cut {
		text = text[:max(0, len(text)-len(all[0]))]
	}
	return text
}
