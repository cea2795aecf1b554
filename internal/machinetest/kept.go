package machinetest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Keep demands that a folder of stored snapshots holds one of this name, which is a row's; the flag -update adds what is
// missing. A file that is there is never rewritten, because what was stored once is read for ever: a new schema gets a folder
// of its own.
func Keep(t testing.TB, folder, name string, snapshot any) {
	t.Helper()
	file := strings.NewReplacer(": ", "-", ", ", "-", " ", "_").Replace(name) + ".json"
	path := filepath.Join(folder, file)
	if _, err := os.Stat(path); err == nil {
		return
	}
	require.True(t, Updating(), "%s is missing: run the test with -update", path)
	text, err := json.MarshalIndent(snapshot, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(folder, 0o750))
	require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o600))
}

// Kept reads every snapshot of a folder by its name: nothing in it is unknown, and nothing is lost when it is written again.
func Kept[S any](t testing.TB, folder string) map[string]S {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	require.Greater(t, len(paths), 15)
	all := map[string]S{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		var s S
		require.NoError(t, d.Decode(&s), path)
		again, err := json.Marshal(s)
		require.NoError(t, err)
		assert.JSONEq(t, string(text), string(again), path)
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = s
	}
	return all
}

// KeptTexts reads the snapshots of a folder as they are stored, for a fuzz target to begin with.
func KeptTexts(t testing.TB, folder string) [][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	texts := make([][]byte, len(paths))
	for i, path := range paths {
		texts[i], err = os.ReadFile(path)
		require.NoError(t, err)
	}
	return texts
}
