package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
)

// skipsTest reports whether a test file skips a test. A property that discards one drawn case (rapid's own T) does not.
func skipsTest(s source) bool {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, s.path, s.text, parser.SkipObjectResolution)
	if err != nil {
		return true // as a file that cannot be read might
	}
	skips := false
	var enclosing []*ast.FuncType
	var walk func(n ast.Node) bool
	inside := func(f *ast.FuncType, body *ast.BlockStmt) {
		if body == nil {
			return
		}
		enclosing = append(enclosing, f)
		ast.Inspect(body, walk)
		enclosing = enclosing[:len(enclosing)-1]
	}
	walk = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			inside(n.Type, n.Body)
			return false
		case *ast.FuncLit:
			inside(n.Type, n.Body)
			return false
		case *ast.CallExpr:
			sel, is := n.Fun.(*ast.SelectorExpr)
			if !is || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
				return true
			}
			if on, is := sel.X.(*ast.Ident); !is || !drawn(enclosing, on.Name) {
				skips = true
			}
		}
		return true
	}
	ast.Inspect(file, walk)
	return skips
}

// drawn reports whether the innermost parameter of this name is a *rapid.T.
func drawn(enclosing []*ast.FuncType, name string) bool {
	for _, f := range slices.Backward(enclosing) {
		for _, p := range f.Params.List {
			if !slices.ContainsFunc(p.Names, func(n *ast.Ident) bool { return n.Name == name }) {
				continue
			}
			pointer, is := p.Type.(*ast.StarExpr)
			if !is {
				return false
			}
			sel, is := pointer.X.(*ast.SelectorExpr)
			if !is {
				return false
			}
			pkg, is := sel.X.(*ast.Ident)
			return is && pkg.Name == "rapid"
		}
	}
	return false
}
