package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// listed is one package as `go list` tells of it.
type listed struct {
	ImportPath, Name, Dir, Doc string
	Standard                   bool
	GoFiles                    []string
	IgnoredGoFiles             []string
	TestGoFiles, XTestGoFiles  []string
	Imports, Deps              []string
	Module                     *struct{ Path string }
}

// ours reports whether the package is of one of this repository's modules.
func (p listed) ours() bool { return within(p.ImportPath, module) }

// short is the path below the module's: "enrollment/runner".
func (p listed) short() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// within reports whether path is the prefix or below it.
func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	return dir
}

// workspace lists every package of all modules with everything that they import.
func workspace(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json", "work")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(cmd.Dir, "go.work"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
	require.NotEmpty(t, all)
	return all
}

// source is one Go file of the repository.
type source struct {
	path string // below the root, with slashes
	text []byte
}

// sources reads every Go file of all modules.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	dir := root(t)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(dir, path)
		all = append(all, source{path: filepath.ToSlash(short), text: text})
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// pkg is the folder of the file: its package below the module's path.
func (s source) pkg() string {
	if dir := filepath.ToSlash(filepath.Dir(s.path)); dir != "." {
		return dir
	}
	return ""
}
