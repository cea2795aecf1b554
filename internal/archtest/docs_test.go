package archtest

import (
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite what the documents quote")

var documents = []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "enrollment/PROBLEMS.md", "examples/embed/README.md"}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), name))
	require.NoError(t, err)
	return string(text)
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(path)))
	return err == nil
}

// brokenLinks returns the links of a document that lead nowhere within the repository.
func brokenLinks(text string, exists func(string) bool) []string {
	var bad []string
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "") // code has brackets of its own
	for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
		if to, _, _ := strings.Cut(m[1], "#"); to != "" && !strings.Contains(to, "://") && !exists(to) {
			bad = append(bad, m[1])
		}
	}
	return bad
}

// missingCommands returns the commands of a document that name a folder or file that is not there.
func missingCommands(text string, exists func(string) bool) []string {
	var bad []string
	commands := regexp.MustCompile(`\b(?:go (?:run|test|build|install)|bash) (\./)?([A-Za-z0-9_./-]+)`)
	for _, m := range commands.FindAllStringSubmatch(text, -1) {
		if path := strings.TrimSuffix(m[2], "/..."); path != "work" && !strings.Contains(path, "PACKAGE") && !exists(path) {
			bad = append(bad, m[0])
		}
	}
	return bad
}

func TestDocumentsNameWhatExists(t *testing.T) {
	there := func(path string) bool { return exists(t, path) }
	for _, name := range documents {
		text := document(t, name)
		beside := func(link string) bool { return there(path.Join(path.Dir(name), link)) }
		assert.Empty(t, brokenLinks(text, beside), "links of %s", name)
		assert.Empty(t, missingCommands(text, there), "commands of %s", name)
	}
	assert.LessOrEqual(t, strings.Count(document(t, "README.md"), "\n"), 150, "the README is to be read")
}

// region returns the lines of a Go file between "// region NAME" and "// endregion NAME", moved to the left.
func region(text, name string) (string, error) {
	_, after, begins := strings.Cut(text, "// region "+name+"\n")
	inside, _, ends := strings.Cut(after, "// endregion "+name+"\n")
	if !begins || !ends {
		return "", fmt.Errorf("there is no region %q", name)
	}
	inside = inside[:strings.LastIndexByte(inside, '\n')+1] // what stands before the closing comment
	inside = strings.TrimRight(inside, "\n") + "\n"
	indent := inside[:len(inside)-len(strings.TrimLeft(inside, "\t"))]
	return strings.ReplaceAll("\n"+inside, "\n"+indent, "\n")[1:], nil
}

var quoted = regexp.MustCompile("(?s)<!-- ([\\w./-]+): (\\w+) -->\n```go\n(.*?)```\n")

// requote fills each quoted code block with its region; every Go block must be a quoted one.
func requote(text string, read func(string) (string, error)) (string, error) {
	var failed error
	out := quoted.ReplaceAllStringFunc(text, func(block string) string {
		m := quoted.FindStringSubmatch(block)
		file, err := read(m[1])
		if err == nil {
			file, err = region(file, m[2])
		}
		if err != nil {
			failed = fmt.Errorf("%s: %w", m[1], err)
			return block
		}
		return strings.Replace(block, "```go\n"+m[3], "```go\n"+file, 1)
	})
	if strings.Count(text, "```go\n") != len(quoted.FindAllString(text, -1)) {
		failed = fmt.Errorf("a block of Go code is not quoted from a file that compiles")
	}
	return out, failed
}

func TestQuotedCodeCompiles(t *testing.T) {
	for _, name := range documents {
		text := document(t, name)
		want, err := requote(text, func(file string) (string, error) {
			code, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(file)))
			return string(code), err
		})
		require.NoError(t, err, name)
		settle(t, name, want)
	}
}

// settle demands that a document reads as it should, or rewrites it.
func settle(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root(t), name), []byte(want), 0o600))
	}
	assert.Equal(t, want, document(t, name), "run: go test ./internal/archtest -update")
}

// Every public package has its place in the table of the README and on the map of doc.go.
func TestEveryPackageIsOnTheMap(t *testing.T) {
	readme, doc := document(t, "README.md"), document(t, "doc.go")
	var listedThere []string
	for _, m := range regexp.MustCompile(`(?m)^\| \[([a-z/]+)\]\(`).FindAllStringSubmatch(readme, -1) {
		listedThere = append(listedThere, m[1])
	}
	var public []string
	for _, p := range workspace(t) {
		if p.ours() && p.Module != nil && p.Module.Path == module && p.short() != "" && !strings.HasPrefix(p.short(), "internal/") {
			public = append(public, p.short())
			assert.Contains(t, doc, "https://pkg.go.dev/"+p.ImportPath+"\n", "the map of doc.go")
		}
	}
	slices.Sort(listedThere)
	slices.Sort(public)
	assert.Equal(t, public, listedThere, "the packages of the README")
}

// Why each direct dependency is there is written down, and for no other.
func TestDependenciesHaveReasons(t *testing.T) {
	var written []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z0-9]+\.[^ |]+) \|`).FindAllStringSubmatch(document(t, "CONTRIBUTING.md"), -1) {
		written = append(written, m[1])
	}
	direct := map[string]bool{}
	for _, name := range []string{"go.mod", "examples/go.mod", "internal/bench/go.mod", "storage/postgres/go.mod"} {
		for _, m := range regexp.MustCompile(`(?m)^(?:require )?\t?([^\s/]+\.[^\s]+) v[^\s]+$`).FindAllStringSubmatch(document(t, name), -1) {
			if !within(m[1], module) {
				direct[m[1]] = true
			}
		}
	}
	for d := range direct {
		assert.Contains(t, written, d, "say in CONTRIBUTING.md why %s is needed", d)
	}
	for _, w := range written {
		assert.True(t, direct[w], "CONTRIBUTING.md explains %s, which no module needs", w)
	}
}

// The checks bite.
func TestDocumentChecksBite(t *testing.T) {
	none := func(string) bool { return false }
	assert.Equal(t, []string{"gone.md#x"}, brokenLinks("[a](gone.md#x) [b](https://x.example) [c](#here)\n```go\nf[T](x)\n```\n", none))
	assert.Equal(t, []string{"go run ./gone", "bash .ci/gone"}, missingCommands("`go run ./gone`, `bash .ci/gone`, go test work", none))

	file := func(string) (string, error) {
		return "func Example() {\n\t// region x\n\ta()\n\tif b {\n\t\tc()\n\t}\n\n\t// endregion x\n}\n", nil
	}
	got, err := requote("<!-- f.go: x -->\n```go\nold()\n```\n", file)
	require.NoError(t, err)
	assert.Equal(t, "<!-- f.go: x -->\n```go\na()\nif b {\n\tc()\n}\n```\n", got)
	_, err = requote("<!-- f.go: gone -->\n```go\n```\n", file)
	require.ErrorContains(t, err, `no region "gone"`)
	_, err = requote("```go\nfree()\n```\n", file)
	require.ErrorContains(t, err, "not quoted")
}
