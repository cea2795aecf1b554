package archtest

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// words that have no place in a source file; joined here so that this file does not hold them.
var unwanted = []struct {
	pattern *regexp.Regexp
	why     string
}{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`), "is unfinished: finish it, or file an issue"},
	{regexp.MustCompile(`//no` + `lint(\s|$)`), "silences every linter: name the one, and why"},
}

// checkFile returns what is wrong with the form of one file.
func checkFile(s source) []string {
	var bad []string
	if lines := bytes.Count(s.text, []byte("\n")); lines > maxLines {
		bad = append(bad, fmt.Sprintf("%s has %d lines, more than %d: it holds more than one concept", s.path, lines, maxLines))
	}
	stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
	for _, name := range []string{stem, path.Base(s.pkg())} {
		if slices.Contains(vagueNames, name) && !(s.isTest() && strings.HasPrefix(name, "helper")) {
			bad = append(bad, fmt.Sprintf("%s: %q says nothing about what is inside", s.path, name))
		}
	}
	for _, u := range unwanted {
		if m := u.pattern.Find(s.text); m != nil {
			bad = append(bad, fmt.Sprintf("%s: %s %s", s.path, m, u.why))
		}
	}
	if s.isTest() {
		if bytes.Contains(s.text, []byte("time.Sl"+"eep(")) {
			bad = append(bad, s.path+": a test may not sleep: use testing/synctest, a fake or a channel")
		}
		// Skipping is for a missing component only, and never where everything is installed.
		if skipsTest(s) && !bytes.Contains(s.text, []byte(`"CI"`)) {
			bad = append(bad, s.path+": skips a test without looking at CI, where it must fail instead")
		}
	}
	return bad
}

// checkDocumented returns the packages without a package comment or an Example.
func checkDocumented(all []listed, files []source) []string {
	examples := map[string]bool{}
	for _, s := range files {
		if s.isTest() && regexp.MustCompile(`(?m)^func Example`).Match(s.text) {
			examples[s.pkg()] = true
		}
	}
	var bad []string
	for _, p := range all {
		if !p.ours() {
			continue
		}
		if p.Doc == "" {
			bad = append(bad, fmt.Sprintf("package %q has no package comment", p.short()))
		}
		if _, exempt := noExample[p.short()]; !exempt && p.Name != "main" && !examples[p.short()] {
			bad = append(bad, fmt.Sprintf("package %q has no Example function", p.short()))
		}
	}
	return bad
}

func TestFiles(t *testing.T) {
	for _, s := range sources(t) {
		assert.Empty(t, checkFile(s))
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	assert.Empty(t, checkDocumented(workspace(t), sources(t)))
}

// The rules bite: each planted violation is named.
func TestShapeRulesBite(t *testing.T) {
	for _, c := range []struct{ path, text, want string }{
		{"storage/bolt/claim.go", "package bolt\n", ""},
		{"storage/bolt/claim.go", strings.Repeat("\n", maxLines+1), "has 351 lines"},
		{"storage/bolt/claim.go", strings.Repeat("\n", maxLines), ""},
		{"storage/bolt/util.go", "package bolt\n", `"util" says nothing`},
		{"storage/bolt/helpers.go", "package bolt\n", `"helpers" says nothing`},
		{"storage/bolt/helpers_test.go", "package bolt\n", ""}, // of its own tests
		{"storage/common/claim.go", "package common\n", `"common" says nothing`},
		{"a/b.go", "// TO" + "DO: later\n", "is unfinished"},
		{"a/b.go", "x() //no" + "lint\n", "silences every linter"},
		{"a/b.go", "x() //no" + "lint:gosec // a constant\n", ""},
		{"a/b_test.go", "time.Sl" + "eep(time.Second)\n", "may not sleep"},
		{"a/b_test.go", `package b; func Test(t *testing.T) { t.Skip("no openssl") }`, "without looking at CI"},
		{"a/b_test.go", `package b; func Test(t *testing.T) { func() { t.SkipNow() }() }`, "without looking at CI"},
		{"a/b_test.go", `package b; func Test(t *testing.T) { if os.Getenv("CI") == "" { t.Skip("no openssl") } }`, ""},
		{"a/b_test.go", `package b; func Test(t *testing.T) { rapid.Check(t, func(t *rapid.T) { t.Skip("drawn twice") }) }`, ""},
		{"a/b_test.go", `package b; func Test(t *testing.T) { rapid.Check(t, func(r *rapid.T) { t.Skip("x") }) }`, "without looking at CI"},
	} {
		bad := checkFile(source{path: c.path, text: []byte(c.text)})
		if c.want == "" {
			assert.Empty(t, bad, c.text)
			continue
		}
		assert.Contains(t, strings.Join(bad, "\n"), c.want)
	}

	silent := []listed{{ImportPath: module + "/storage/new", Name: "new"}}
	assert.Len(t, checkDocumented(silent, nil), 2)
	silent[0].Doc = "Package new."
	assert.Len(t, checkDocumented(silent, nil), 1)
	assert.Empty(t, checkDocumented(silent, []source{{path: "storage/new/example_test.go", text: []byte("func Example() {}")}}))
}
