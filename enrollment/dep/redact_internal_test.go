package dep

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestThreat17_SecretsAreTakenOutOfTexts(t *testing.T) {
	all := secretsOf(tokenOf(t, "CK_1", "CS/1", "AT_1", "AS_1"), "", "SESSION")
	for text, want := range map[string]string{
		"nothing": "nothing", "a CS/1 b": "a [redacted] b", "a CS%2F1 b": "a [redacted] b", "AT_1AS_1": "[redacted][redacted]", "SESSION": "[redacted]",
	} {
		assert.Equal(t, want, all.redact(text, false))
	}
	assert.Equal(t, "an answe", secrets{"SESSION"}.redact("an answerSESSIO", true), "the beginning of one at the end of what was read")
	assert.Equal(t, "[redacted]", secrets{"b", "abc"}.redact("abc", false), "one that holds another goes first")
	assert.Equal(t, "a", secrets(nil).redact("a", true))
}
