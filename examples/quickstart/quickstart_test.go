package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuickstart(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	var out bytes.Buffer
	require.NoError(t, quickstart(t.Context(), &out), "%s", &out)
	t.Log("\n" + out.String())

	for _, told := range []string{
		"Reminders that went out: 60 days left, 30 days left.",
		"pass  apple      Apple's push service accepts it",
		"between certificate and upload: store closed",
		"Starting again finds the same renewal",
		"Refused: This is not a server token (.p7m), but: content token",
		"before Apple could be asked whose token it is: store closed",
		"the renewal is completed",
		"Acme MDM is active: 36", // 365, or 366 in a leap year, at the very second
		"Token, key and renewal changed in one write",
		"shows no secret",
	} {
		assert.Contains(t, out.String(), told)
	}
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left, "it cleans up after itself")
}
