package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// linesOf counts the lines of code of files: neither empty, nor comment, nor package and imports.
func linesOf(t *testing.T, files ...string) (n int) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		imports := false
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			switch {
			case line == "import (":
				imports = true
			case imports:
				imports = line != ")"
			case line != "" && !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "package "):
				n++
			}
		}
	}
	return n
}

// The promise has a length: what plugs the library into an RMM that is there is 120 lines of code; and what says in its words
// what the RMM has, is no more.
func TestTheWiringIsShort(t *testing.T) {
	wiring, words := linesOf(t, "wiring.go", "handlers.go"), linesOf(t, "ports.go", "records.go")
	t.Logf("%d lines of wiring, %d lines of ports and records", wiring, words)
	assert.LessOrEqual(t, wiring, 120, "lines of wiring")
	assert.LessOrEqual(t, words, 120, "lines of ports and records")
}

// The RMM was there before.
func TestTheRMMKnowsNothingOfUs(t *testing.T) {
	files, err := filepath.Glob("rmm/*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "github.com/abmrenew", file)
	}
}
