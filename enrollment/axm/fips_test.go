package axm_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

// ES256 and TLS are all that this API needs, so that it works where only approved algorithms do. The mode is one of a whole
// process, so this test calls itself in another.
func TestUnderFIPSOnlyItWorks(t *testing.T) {
	if os.Getenv("AXM_TEST_FIPS") == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUnderFIPSOnlyItWorks$", "-test.v")
		child.Env = append(os.Environ(), "AXM_TEST_FIPS=only", "GODEBUG=fips140=only")
		printed, err := child.CombinedOutput()
		require.NoError(t, err, "%s", printed)
		assert.Contains(t, string(printed), "asked under fips140=only", "the child did its part")
		return
	}
	require.True(t, fips140.Enforced())
	w := newWorld(t, appletest.API{})
	require.NoError(t, ask(t.Context(), w.client(t, axm.Options{})))
	t.Log("asked under fips140=only")
}
