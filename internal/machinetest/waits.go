package machinetest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Waits tells what each state waits for, as the comments beside the constants do.
func Waits(t testing.TB, file, typ string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	require.NoError(t, err)
	said := "| state | waits for |\n|---|---|\n"
	for _, decl := range parsed.Decls {
		group, is := decl.(*ast.GenDecl)
		if !is || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value, is := spec.(*ast.ValueSpec)
			if !is || len(value.Values) != 1 {
				continue
			}
			name, named := value.Type.(*ast.Ident)
			literal, text := value.Values[0].(*ast.BasicLit)
			if !named || !text || name.Name != typ {
				continue
			}
			state, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			require.NotNil(t, value.Comment, "say beside %s what it waits for", value.Names[0])
			said += fmt.Sprintf("| %s | %s |\n", state, strings.TrimSpace(value.Comment.Text()))
		}
	}
	return said
}
