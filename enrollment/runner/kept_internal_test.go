package runner

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A kind that a sweep does not know would lose its signatures when an old key is destroyed.
func TestKeptKindsAreAllKinds(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	declared := map[string]bool{} // what stands in specs
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(Kind[A-Za-z]+)\s*=\s*"([a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
			declared[m[2]] = true
		}
	}
	require.NotEmpty(t, declared)
	kept := map[string]bool{}
	for _, k := range KeptKinds() {
		kept[k.Kind] = true
	}
	assert.Equal(t, declared, kept)

}
