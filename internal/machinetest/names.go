package machinetest

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// EventNames reads the names of all events from the file that defines their constants, so that a new one is not forgotten.
func EventNames(t testing.TB, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\tEvent\w+ +EventName += "(\w+)"$`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
	}
	require.NotEmpty(t, names)
	return names
}
