package dep

import (
	"github.com/dghubble/oauth1"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

const sessionField = "auth_session_token"

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

// redact takes the secrets out of a text; see [untrusted.Redact].
func (all secrets) redact(text string, cut bool) string {
	return untrusted.Redact(text, all, cut)
}
