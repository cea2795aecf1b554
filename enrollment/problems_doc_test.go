package enrollment_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment"
)

// meanings says what each argument of a problem holds.
var meanings = map[string]string{
	"active":       "the expiry of the token or certificate that is in use or further on",
	"admin":        "who downloaded the token, as Apple names them",
	"advice":       "what to do with such a file, in English",
	"deadline":     "when the device should have changed its MDM",
	"devices":      "how many devices, or the word all",
	"expired":      "the day or instant of the expiry",
	"expires":      "the expiry of the uploaded token or certificate",
	"failed":       "how many devices failed",
	"field":        "the name of the value",
	"finding":      "what the check of the push certificate found",
	"found":        "what the file is instead",
	"name":         "the new name",
	"next":         "what is possible instead, in English",
	"needed":       "how many",
	"new":          "the topic of the uploaded push certificate",
	"old":          "the topic of the push certificate in use",
	"now":          "the value that was found",
	"organization": "the organization's name at Apple",
	"reason":       "empty, or the word of Apple or a vendor, behind a blank and in parentheses",
	"rule":         "which values are possible, in English",
	"rules":        "the names of the rules",
	"server":       "the name of the other server of this tenant",
	"service":      "the name or UUID of the device management service",
	"state":        "the present state",
	"was":          "the value before",
	"why":          "what stands in the way, in English",
	"what":         "what was asked for, or needed",
}

// document is PROBLEMS.md as the code says it.
func document(t *testing.T) string {
	var b strings.Builder
	b.WriteString(`# Problems

Every trouble that this library reports is an ` + "`*enrollment.Problem`" + ` with one of these codes; the list is closed. A host branches on
the code, shows Title and Next, or translates the code and fills in Args. ` + "`Code.Status`" + ` gives the HTTP status that a host
answers with and the exit status of the reference command line. *Retry*: the library goes on by itself, or the same call
may succeed later.

This file is generated from catalog.go: ` + "`go test ./enrollment -update`" + `.

`)
	row := func(code enrollment.Code) string {
		var args []string
		for _, name := range code.Args() {
			args = append(args, name, "{"+name+"}")
			assert.Contains(t, meanings, name, "say what the argument %s of %s holds", name, code)
		}
		p := enrollment.NewProblem(code, args...)
		retry := map[bool]string{true: "yes"}[p.Retry]
		http, _ := code.Status()
		row := "|"
		for _, cell := range []string{"`" + string(code) + "`", p.Title, p.Next, strings.Join(code.Args(), ", "), retry, fmt.Sprint(http)} {
			row += strings.TrimRight(" "+cell, " ") + " |"
		}
		return row + "\n"
	}
	table := func(title string, codes []enrollment.Code) {
		fmt.Fprintf(&b, "## %s\n\n| code | what it means | what to do next | args | retry | HTTP |\n|---|---|---|---|---|---|\n", title)
		for _, code := range codes {
			b.WriteString(row(code))
		}
		b.WriteString("\n")
	}
	byExit := map[int][]enrollment.Code{}
	var warn []enrollment.Code
	for _, code := range enrollment.Codes() {
		http, exit := code.Status()
		if http == 200 {
			warn = append(warn, code)
			continue
		}
		byExit[exit] = append(byExit[exit], code)
	}
	for _, exit := range slices.Sorted(maps.Keys(byExit)) {
		table(fmt.Sprintf("Exit status %d: %s", exit, exits[exit].meaning), byExit[exit])
	}
	table("Warnings: what was asked happened all the same", warn)
	b.WriteString("## Arguments\n\nNone is ever a secret.\n\n| name | what it holds |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(meanings)) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, meanings[name])
	}
	return b.String()
}

func TestProblemsDocumentIsCurrent(t *testing.T) {
	golden(t, "PROBLEMS.md", document(t))
	used := map[string]bool{}
	for _, code := range enrollment.Codes() {
		for _, name := range code.Args() {
			used[name] = true
		}
	}
	for name := range meanings {
		assert.True(t, used[name], "no code has the argument %s", name)
	}
}
