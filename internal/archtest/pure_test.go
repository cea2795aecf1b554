package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkPure returns what a file of a pure package does that it may not, and which exceptions it uses.
func checkPure(s source) (bad []string, used []exception, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, s.path, s.text, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	at := func(n ast.Node, format string, args ...any) {
		p := fset.Position(n.Pos())
		bad = append(bad, fmt.Sprintf("%s:%d: ", p.Filename, p.Line)+fmt.Sprintf(format, args...))
	}
	clock := "time"
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, nil, err
		}
		if path == "time" && i.Name != nil {
			clock = i.Name.Name
		}
		if strings.Contains(path, ".") { // of another module: checkImports looks at those
			continue
		}
		if slices.ContainsFunc(pureStandard, func(allowed string) bool { return matches(path, allowed) }) && !slices.Contains(notPure, path) {
			continue
		}
		at := slices.IndexFunc(exceptions, func(e exception) bool { return e.path == path && covers(e.file, s.path) })
		if at < 0 {
			bad = append(bad, fmt.Sprintf("%s: a pure package may not import %s", s.path, path))
			continue
		}
		used = append(used, exceptions[at])
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			at(n, "a pure package may not start a goroutine")
		case *ast.CallExpr:
			if name, is := n.Fun.(*ast.Ident); is && name.Name == "panic" {
				at(n, "a pure package may not panic")
			}
		case *ast.SelectorExpr:
			if pkg, is := n.X.(*ast.Ident); is && pkg.Name == clock && slices.Contains(clockCalls, n.Sel.Name) {
				at(n, "a pure package may not use time.%s: time enters from outside", n.Sel.Name)
			}
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				at(n, "a pure package has no init: it keeps no state")
			}
		}
		return true
	})
	return bad, used, nil
}

// matches reports whether an import is the allowed one, or below it if that ends in "/*".
func matches(path, allowed string) bool {
	if folder, below := strings.CutSuffix(allowed, "/*"); below {
		return strings.HasPrefix(path, folder+"/")
	}
	return path == allowed
}

// covers reports whether an exception for a file, or for a folder that ends in a slash, is for this file.
func covers(pattern, path string) bool {
	if strings.HasSuffix(pattern, "/") {
		return filepath.ToSlash(filepath.Dir(path))+"/" == pattern
	}
	return pattern == path
}

func TestPurePackages(t *testing.T) {
	looked, used := map[string]int{}, map[exception]bool{}
	for _, s := range sources(t) {
		if s.isTest() || !rules[s.pkg()].pure {
			continue
		}
		bad, by, err := checkPure(s)
		require.NoError(t, err)
		assert.Empty(t, bad)
		looked[s.pkg()]++
		for _, e := range by {
			used[e] = true
		}
	}
	for name, r := range rules {
		if r.pure {
			assert.Positive(t, looked[name], "no file of the pure package %s was found", name)
		}
	}
	for _, e := range exceptions {
		assert.True(t, used[e], "nobody uses the exception for %s in %s: delete it", e.path, e.file)
	}
}

// The rules bite: each planted violation is named.
func TestPureRulesBite(t *testing.T) {
	for _, c := range []struct{ path, body, want string }{
		{"enrollment/x.go", `import "strings"; var X = strings.ToUpper("x")`, ""},
		{"enrollment/x.go", `import "os"; var X = os.Args`, "may not import os"},
		{"enrollment/x.go", `import "net/http"; var X = http.DefaultClient`, "may not import net/http"},
		{"enrollment/x.go", `import "sync"; var X sync.Mutex`, "may not import sync"},
		{"enrollment/x.go", `import "log/slog"; var X = slog.Default()`, "may not import log/slog"},
		{"enrollment/x.go", `import "math/rand/v2"; var X = rand.Int()`, "may not import math/rand/v2"},
		{"enrollment/x.go", `import "crypto/rand"; var X = rand.Text()`, "may not import crypto/rand"},
		{"enrollment/x.go", `import "context"; var X context.Context`, "may not import context"},
		{"enrollment/ports.go", `import "context"; type X interface{ Do(context.Context) }`, ""},
		{"abmtoken/keys.go", `import "crypto/rand"; var X = rand.Reader`, ""},
		{"abmtoken/deeper/keys.go", `import "crypto/rand"; var X = rand.Reader`, "may not import crypto/rand"},
		{"abmtoken/secret.go", `import "log/slog"; var X slog.Value`, ""},
		{"enrollment/x.go", `import "time"; var X = time.Now()`, "x.go:1: a pure package may not use time.Now"},
		{"enrollment/x.go", `import "time"; var X = time.Now`, "may not use time.Now"},
		{"enrollment/x.go", `import clock "time"; func X(t clock.Time) clock.Duration { return clock.Since(t) }`, "may not use time.Since"},
		{"enrollment/x.go", `import "time"; func X(t time.Time) bool { return t.After(t.Add(time.Second)) }`, ""},
		{"enrollment/x.go", `func X(f func()) { go f() }`, "may not start a goroutine"},
		{"enrollment/x.go", `func X() { panic("no") }`, "may not panic"},
		{"enrollment/x.go", `func init() {}`, "has no init"},
	} {
		bad, _, err := checkPure(source{path: c.path, text: []byte("package x; " + c.body)})
		require.NoError(t, err, c.body)
		if c.want == "" {
			assert.Empty(t, bad, c.body)
			continue
		}
		assert.Contains(t, strings.Join(bad, "\n"), c.want)
	}
}
