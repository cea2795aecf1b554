package seal_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const fipsChild = "ABMRENEW_TEST_FIPS_CHILD"

// The tests of sealing, rotation, sweeping, shredding and keyrings pass where the Go cryptographic module refuses
// everything that is not approved.
func TestUnderFIPS140Only(t *testing.T) {
	if os.Getenv(fipsChild) != "" {
		require.True(t, fips140.Enforced())
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.v",
		"-test.run=^(TestUnderFIPS140Only|TestSealed|TestARotated|TestASweep|TestAShredded|TestAKeyring|TestAnEnvironment|TestOldFormats)")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", fipsChild+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, name := range []string{"TestUnderFIPS140Only", "TestASweepRenewsEverythingAndThenDestroysTheOldKeys", "TestOldFormatsOpenForEver"} {
		assert.Contains(t, string(out), "--- PASS: "+name)
	}
}
