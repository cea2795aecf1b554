package archtest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	threatTest = regexp.MustCompile(`(?m)^func (TestThreat(\d\d)_\w+)\(`)
	threatRow  = regexp.MustCompile(`(?m)^(\| (\d+) \|[^|\n]*\|[^|\n]*\|)[^|\n]*\|$`)
)

// threatTable fills the last column of the table of threats with the tests that are named for each.
func threatTable(text string, files []source) (filled string, bad []string) {
	tests := map[int][]string{}
	for _, s := range files {
		if !s.isTest() {
			continue
		}
		for _, m := range threatTest.FindAllSubmatch(s.text, -1) {
			n, err := strconv.Atoi(string(m[2]))
			if err == nil {
				tests[n] = append(tests[n], fmt.Sprintf("`%s` (%s)", m[1], s.pkg()))
			}
		}
	}
	filled = threatRow.ReplaceAllStringFunc(text, func(row string) string {
		m := threatRow.FindStringSubmatch(row)
		n, err := strconv.Atoi(m[2])
		if err != nil {
			return row
		}
		names := tests[n]
		delete(tests, n)
		if len(names) == 0 {
			bad = append(bad, fmt.Sprintf("threat %d has no test named TestThreat%02d_", n, n))
			return m[1] + " |"
		}
		slices.Sort(names)
		return m[1] + " " + strings.Join(slices.Compact(names), ", ") + " |"
	})
	for n := range tests {
		bad = append(bad, fmt.Sprintf("TestThreat%02d_ is named for a threat that SECURITY.md does not have", n))
	}
	return filled, bad
}

func TestEveryThreatHasItsTest(t *testing.T) {
	text := document(t, "SECURITY.md")
	filled, bad := threatTable(text, sources(t))
	assert.Empty(t, bad)
	settle(t, "SECURITY.md", filled)
}

// An importer of the pure packages depends on nearly nobody, so that a taken-over dependency reaches few.
func TestThreat24_ImportersOfPurePackagesGetNoStrangers(t *testing.T) {
	byPath := map[string]listed{}
	for _, p := range workspace(t) {
		byPath[p.ImportPath] = p
	}
	for name, modules := range light {
		p, found := byPath[module+"/"+name]
		require.True(t, found, name)
		for _, d := range p.Deps {
			if m := byPath[d].Module; m != nil && m.Path != module {
				assert.Contains(t, modules, m.Path, "an importer of %s gets %s", name, m.Path)
			}
		}
	}
}

func TestThreatTableBites(t *testing.T) {
	table := "| 1 | a | b | |\n| 2 | c | d | `TestThreat02_Gone` (x) |\n"
	files := []source{
		{path: "a/b_test.go", text: []byte("func TestThreat01_X(t *testing.T) {}\nfunc TestThreat99_Y(t *testing.T) {}\n")},
		{path: "a/b.go", text: []byte("func TestThreat02_Z(t *testing.T) {}\n")},
	}
	filled, bad := threatTable(table, files)
	assert.Equal(t, "| 1 | a | b | `TestThreat01_X` (a) |\n| 2 | c | d | |\n", filled)
	assert.Len(t, bad, 2)
	assert.Contains(t, strings.Join(bad, "\n"), "threat 2 has no test")
	assert.Contains(t, strings.Join(bad, "\n"), "TestThreat99_ is named for a threat")
}
