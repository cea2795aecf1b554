package archtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// checkImports returns what is wrong with the imports of the root module's packages, tests not counted.
func checkImports(all []listed) []string {
	standard := map[string]bool{}
	for _, p := range all {
		standard[p.ImportPath] = p.Standard
	}
	var bad []string
	for _, p := range all {
		if !p.ours() || p.Module == nil || p.Module.Path != module {
			continue
		}
		r, known := rules[p.short()]
		if !known {
			bad = append(bad, fmt.Sprintf("%q has no rule: say in rules_test.go what it may import", p.short()))
			continue
		}
		for _, path := range p.Imports {
			short, own := strings.CutPrefix(path, module+"/")
			switch {
			case own && !slices.Contains(r.own, short):
				bad = append(bad, fmt.Sprintf("%s may not import our %s", p.short(), short))
			case !own && !standard[path] && !allows(r.other, path):
				bad = append(bad, fmt.Sprintf("%s may not import %s", p.short(), path))
			}
		}
	}
	return bad
}

// checkArrows returns what is wrong with the rules themselves.
func checkArrows(rules map[string]rule) []string {
	var bad []string
	for name, r := range rules {
		for _, path := range r.own {
			below, known := rules[path]
			switch {
			case !known:
				bad = append(bad, fmt.Sprintf("%s may import %s, which does not exist", name, path))
			case r.pure && !below.pure:
				bad = append(bad, fmt.Sprintf("%s is pure and may not import %s, which is not", name, path))
			case slices.Contains(below.own, name):
				bad = append(bad, fmt.Sprintf("%s and %s may import each other", name, path))
			}
		}
	}
	return bad
}

// checkLinked returns the test libraries that would be linked into a host's program, and the modules that a light
// package brings along.
func checkLinked(all []listed) []string {
	byPath := map[string]listed{}
	for _, p := range all {
		byPath[p.ImportPath] = p
	}
	var bad []string
	for _, p := range all {
		if !p.ours() || strings.HasPrefix(p.short(), "internal/bench") {
			continue
		}
		allowed, test := forTests[p.short()]
		brings := func(library string) bool { return within(library, module) && inTests(library) }
		for _, d := range p.Deps {
			switch {
			case allows(testLibraries, d) && !allows(allowed, d) && !exampleOfTests(p, d, byPath):
				bad = append(bad, fmt.Sprintf("%s links %s into a host's program", p.short(), d))
			case !test && brings(d) && !strings.HasPrefix(p.short(), "examples"):
				bad = append(bad, fmt.Sprintf("%s imports %s, which is for tests", p.short(), d))
			}
		}
		modules, isLight := light[p.short()]
		for _, d := range p.Deps {
			m := byPath[d].Module
			if isLight && m != nil && m.Path != module && !slices.Contains(modules, m.Path) {
				bad = append(bad, fmt.Sprintf("an importer of %s gets %s", p.short(), m.Path))
			}
		}
	}
	return bad
}

func inTests(path string) bool {
	_, is := forTests[strings.TrimPrefix(path, module+"/")]
	return is
}

// exampleOfTests reports whether an example program gets a test library only by way of a package for tests that it shows.
func exampleOfTests(p listed, library string, byPath map[string]listed) bool {
	if !strings.HasPrefix(p.short(), "examples/") {
		return false
	}
	for _, d := range p.Deps {
		if within(d, module) && inTests(d) && allows(forTests[byPath[d].short()], library) {
			return true
		}
	}
	return false
}

func TestImports(t *testing.T) {
	all := workspace(t)
	assert.Empty(t, checkImports(all))
	assert.Empty(t, checkLinked(all))
	assert.Empty(t, checkArrows(rules))
}

// The rules bite: each planted violation is named.
func TestImportRulesBite(t *testing.T) {
	pkg := func(short string, imports ...string) listed {
		return listed{
			ImportPath: module + "/" + short, Imports: imports, Deps: imports,
			Module: &struct{ Path string }{module},
		}
	}
	world := []listed{
		{ImportPath: "fmt", Standard: true}, {ImportPath: "testing", Standard: true},
		{ImportPath: "example.com/big", Module: &struct{ Path string }{"example.com/big"}},
		{ImportPath: "golang.org/x/crypto/cryptobyte", Module: &struct{ Path string }{"golang.org/x/crypto"}},
	}
	for _, c := range []struct {
		check   func([]listed) []string
		planted listed
		want    string
	}{
		{checkImports, pkg("abmtoken", "fmt", "golang.org/x/crypto/cryptobyte"), ""},
		{checkImports, pkg("abmtoken", "golang.org/x/crypto/ssh"), "abmtoken may not import golang.org/x/crypto/ssh"},
		{checkImports, pkg("abmtoken", module+"/enrollment"), "abmtoken may not import our enrollment"},
		{checkImports, pkg("enrollment", module+"/enrollment/renewal"), "enrollment may not import our enrollment/renewal"},
		{checkImports, pkg("enrollment/runner", module+"/storage/bolt"), "enrollment/runner may not import our storage/bolt"},
		{checkImports, pkg("enrollment/runner", module+"/enrollment/dep"), "enrollment/runner may not import our enrollment/dep"},
		{checkImports, pkg("storage", module+"/enrollment"), "storage may not import our enrollment"},
		{checkImports, pkg("storage/seal", module+"/abmtoken"), "storage/seal may not import our abmtoken"},
		{checkImports, pkg("storage/memory", "example.com/big"), "storage/memory may not import example.com/big"},
		{checkImports, pkg("enrollment/extra"), `"enrollment/extra" has no rule`},
		{checkLinked, pkg("abmtoken", "golang.org/x/crypto/cryptobyte"), ""},
		{checkLinked, pkg("abmtoken", "example.com/big"), "an importer of abmtoken gets example.com/big"},
		{checkLinked, pkg("enrollment/runner", "testing"), "enrollment/runner links testing"},
		{checkLinked, pkg("enrollment/dep", "github.com/smallstep/pkcs7"), "enrollment/dep links github.com/smallstep/pkcs7"},
		{checkLinked, pkg("enrollment/appletest", "github.com/smallstep/pkcs7"), ""},
		{checkLinked, pkg("enrollment/appletest", "testing"), "enrollment/appletest links testing"},
		{checkLinked, pkg("enrollment/runner", module+"/storage/storagetest"), "storagetest, which is for tests"},
		{checkLinked, pkg("examples/abmctl", "github.com/stretchr/testify/assert"), "examples/abmctl links github.com/stretchr/testify"},
	} {
		found := c.check(append(world, c.planted))
		if c.want == "" {
			assert.Empty(t, found)
			continue
		}
		assert.Contains(t, strings.Join(found, "\n"), c.want)
	}

	assert.Len(t, checkArrows(map[string]rule{"a": {own: []string{"b"}}, "b": {own: []string{"a"}}}), 2)
	assert.Len(t, checkArrows(map[string]rule{"a": {own: []string{"gone"}}}), 1)
	assert.Len(t, checkArrows(map[string]rule{"a": {pure: true, own: []string{"b"}}, "b": {}}), 1)
}
