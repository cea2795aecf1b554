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

	"github.com/abmrenew/abmrenew/enrollment"
)

// codeNames maps the constants of enrollment's codes to their values.
func codeNames(t *testing.T) map[string]enrollment.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), "enrollment", "code.go"), nil, 0)
	require.NoError(t, err)
	names := map[string]enrollment.Code{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || len(spec.Values) != 1 {
			return true
		}
		if value, is := spec.Values[0].(*ast.BasicLit); is && value.Kind == token.STRING {
			code, err := strconv.Unquote(value.Value)
			require.NoError(t, err)
			names[spec.Names[0].Name] = enrollment.Code(code)
		}
		return true
	})
	return names
}

// checkProblems returns the calls of a file that make a problem with other arguments than its texts show. It looks at
// every call in which a code is followed by names and values, and at NewProblem without any.
func checkProblems(s source, codes map[string]enrollment.Code) (bad []string, looked int, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, s.path, s.text, parser.SkipObjectResolution)
	if err != nil {
		return nil, 0, err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, is := n.(*ast.CallExpr)
		if !is || call.Ellipsis.IsValid() {
			return true
		}
		at := slices.IndexFunc(call.Args, func(e ast.Expr) bool { return codes[lastName(e)] != "" })
		if at < 0 {
			return true
		}
		given, is := namesOf(call.Args[at+1:])
		if !is || len(given) == 0 && lastName(call.Fun) != "NewProblem" {
			return true
		}
		looked++
		code := codes[lastName(call.Args[at])]
		want := code.Args()
		slices.Sort(want)
		slices.Sort(given)
		if !slices.Equal(want, given) {
			bad = append(bad, fmt.Sprintf("%s:%d: the texts of %s show %q, given are %q",
				s.path, fset.Position(call.Pos()).Line, code, want, given))
		}
		return true
	})
	return bad, looked, nil
}

// namesOf returns every other argument, if they are names and values in turn.
func namesOf(args []ast.Expr) (names []string, are bool) {
	for i := 0; i < len(args); i += 2 {
		name, is := args[i].(*ast.BasicLit)
		if !is || name.Kind != token.STRING || i+1 == len(args) {
			return nil, false
		}
		unquoted, err := strconv.Unquote(name.Value)
		if err != nil {
			return nil, false
		}
		names = append(names, unquoted)
	}
	return names, true
}

// lastName returns the name of an identifier, or of a member of a package.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// A translator can rely on the arguments: each problem is made with those of its texts and no other.
func TestProblemsAreMadeWithTheirArguments(t *testing.T) {
	codes, looked := codeNames(t), 0
	for _, s := range sources(t) {
		if s.isTest() || strings.HasPrefix(s.path, "examples/") { // those write their own texts
			continue
		}
		bad, n, err := checkProblems(s, codes)
		require.NoError(t, err)
		assert.Empty(t, bad)
		looked += n
	}
	assert.Greater(t, looked, 40, "too few problems were found: does the test still look?")
}

// The rule bites: each planted violation is named.
func TestProblemRuleBites(t *testing.T) {
	for _, c := range []struct{ call, want string }{
		{`enrollment.NewProblem(enrollment.CodeNotFound, "what", x)`, ""},
		{`enrollment.NewProblem(enrollment.CodeConflict)`, ""},
		{`enrollment.NewProblem(code, "anything", x)`, ""},
		{`enrollment.NewProblem(enrollment.CodeNotFound, args...)`, ""},
		{`errors.Is(err, enrollment.CodeNotFound)`, ""},
		{`wrap(outcome, CodeOtherOrg, "organization", a, "was", b)`, ""},
		{`NewProblem(CodeNotFound)`, `x.go:1: the texts of not_found show ["what"], given are []`},
		{`NewProblem(CodeNotFound, "which", x)`, `given are ["which"]`},
		{`NewProblem(CodeNotFound, "what", x, "why", y)`, `given are ["what" "why"]`},
		{`wrap(outcome, CodeRefused, "state", a)`, `the texts of refused show ["next" "state"]`},
	} {
		bad, _, err := checkProblems(source{path: "x.go", text: []byte("package x; var _ = " + c.call)}, codeNames(t))
		require.NoError(t, err)
		if c.want == "" {
			assert.Empty(t, bad, c.call)
			continue
		}
		assert.Contains(t, strings.Join(bad, "\n"), c.want)
	}
}
