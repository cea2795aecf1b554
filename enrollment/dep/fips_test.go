package dep_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// Under fips140=only HMAC-SHA1 panics. There the constructors return an error that says the way out, and a host that
// takes it gets through. The mode is one of a whole process, so this test calls itself in another.
func TestUnderFIPSOnlyTheAnswerIsClear(t *testing.T) {
	if os.Getenv("DEP_TEST_FIPS") == "" {
		for _, mode := range []string{"only", "on"} {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUnderFIPSOnlyTheAnswerIsClear$", "-test.v")
			child.Env = append(os.Environ(), "DEP_TEST_FIPS="+mode, "GODEBUG=fips140="+mode)
			printed, err := child.CombinedOutput()
			require.NoError(t, err, "%s", printed)
			assert.Contains(t, string(printed), "asked under fips140="+mode, "the child did its part")
		}
		return
	}
	only := os.Getenv("DEP_TEST_FIPS") == "only"
	require.Equal(t, only, fips140.Enforced())

	var w *world
	var token abmtoken.Token
	fips140.WithoutEnforcement(func() { // the fake's file needs PKCS #1 v1.5
		w = newWorld(t, appletest.Options{})
		token = w.download(t)
	})
	o := dep.Options{Transport: w.apple.Transport()}
	if only {
		_, err := dep.NewVerifier(o)
		require.ErrorIs(t, err, dep.ErrFIPS)
		require.ErrorContains(t, err, "Options.AllowFIPSException")
		_, err = dep.NewClient(abmtoken.Static(token), o)
		require.ErrorIs(t, err, dep.ErrFIPS)
		assert.Equal(t, enrollment.Fatal, dep.Outcome(err))
		o.AllowFIPSException = true
	}
	c, err := dep.NewClient(abmtoken.Static(token), o)
	require.NoError(t, err)
	account, err := c.Account(t.Context())
	require.NoError(t, err)
	assert.Equal(t, w.service.UUID(), account.ServerUUID)
	require.Equal(t, only, fips140.Enforced(), "the exception is over")
	t.Log("asked under fips140=" + os.Getenv("DEP_TEST_FIPS"))
}
