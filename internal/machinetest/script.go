package machinetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Command is one line of a script: what to do, with its arguments.
type Command struct {
	Name string
	Args []string
}

// Has reports whether an argument was given.
func (c Command) Has(arg string) bool {
	for _, a := range c.Args {
		if a == arg {
			return true
		}
	}
	return false
}

// Value returns what stands behind "name=" among the arguments, or what to take where nothing does.
func (c Command) Value(name, otherwise string) string {
	for _, a := range c.Args {
		if value, found := strings.CutPrefix(a, name+"="); found {
			return value
		}
	}
	return otherwise
}

// Scripts plays every script that matches a pattern, each as a test of its own. A script tells a long story: paragraphs of
// commands, the line "----", and what the machine says to them, up to an empty line. Lines that begin with # are for readers.
//
// An interpreter is made for each script; it does one command and says what the reader is to see.
func Scripts(t *testing.T, pattern string, interpreter func() func(Command) (string, error)) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, paths, "no script matches %s", pattern)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			played, err := Play(string(text), interpreter())
			require.NoError(t, err)
			if Updating() {
				require.NoError(t, os.WriteFile(path, []byte(played), 0o600))
				return
			}
			assert.Equal(t, string(text), played, "if this is meant, run the test with -update and review the difference")
		})
	}
}

// Play does the commands of a script and returns it with the answers that they got.
func Play(script string, do func(Command) (string, error)) (string, error) {
	var out strings.Builder
	var commands []string
	answered := false // what follows up to an empty line are the answers of before
	flush := func(line int) error {
		if len(commands) == 0 {
			return nil
		}
		out.WriteString("----\n")
		for _, text := range commands {
			fields := strings.Fields(text)
			said, err := do(Command{Name: fields[0], Args: fields[1:]})
			if err != nil {
				return fmt.Errorf("line %d: %s: %w", line, text, err)
			}
			out.WriteString(strings.TrimRight(said, "\n") + "\n")
		}
		commands, answered = nil, true
		return nil
	}
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	for i, line := range append(lines, "") {
		switch {
		case line == "----", line == "":
			if err := flush(i + 1); err != nil {
				return "", err
			}
			if line == "" {
				answered = false
				if i < len(lines) {
					out.WriteString("\n")
				}
			}
		case answered:
		case strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		default:
			commands = append(commands, line)
			out.WriteString(line + "\n")
		}
	}
	return out.String(), nil
}
