package postgres_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// The runner's own tests of crashes at every boundary, of storms of conflicts and lost answers, of many machines and of whole
// plans, on PostgreSQL. They live with the runner, which knows nothing of this package; here the go
// command is told of one more file in their folder, which puts a database in the place of the stores that they are tried on.
func TestTheRunnersCrashesAndMachinesOnPostgreSQL(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	mine, err := filepath.Abs("testdata/runner/postgres_disk_test.go")
	require.NoError(t, err)
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(root, "enrollment/runner/postgres_disk_test.go"): mine},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, text, 0o600))
	tests := []string{
		"TestACrashAtAnyBoundaryLosesNothing", "TestAStormOfConflictsAndLostAnswers",
		"TestThreat05_EightMachinesFiftyServersTwoPeopleEach", "TestAPlanMovesEveryDevice",
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-short", "-count=1", "-v",
		"-run", "^("+strings.Join(tests, "|")+")$", "./enrollment/runner")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"), "ABMRENEW_TEST_DSN="+pgserver.DSN(t))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range tests {
		require.Contains(t, string(out), "--- PASS: "+name+" ", "it was run")
	}
	require.Contains(t, string(out), "/postgres/", "on the database")
}
