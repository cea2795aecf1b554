package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// report is everything that was measured.
type report struct {
	origin  string
	figures []measured
	upload  split
}

// measureAll makes the report, with store files in dir.
func measureAll(ctx context.Context, dir, origin string, m meter, size sizes) (report, error) {
	r := report{origin: origin}
	all, err := figures(ctx, dir, size)
	if err != nil {
		return r, err
	}
	for _, f := range all {
		one, err := m.measure(ctx, f)
		if err != nil {
			return r, err
		}
		r.figures = append(r.figures, one)
	}
	h, err := newHost(ctx, dir, m.clock)
	if err != nil {
		return r, err
	}
	r.upload, err = h.uploads(ctx, size.uploads)
	return r, err
}

// full is what the command prints.
func (r report) full() string {
	return r.origin + ".\n\n" + figureTable(r.figures) + verdict(r.figures) + "\n" + partTable(r.upload)
}

// brief is what stands in the README: the figures that have a goal.
func (r report) brief() string {
	aimed := slices.DeleteFunc(slices.Clone(r.figures), func(m measured) bool { return m.goal == goal{} })
	return figureTable(aimed) + "\n" + r.origin + ".\n"
}

// verdict says loudly what is missed.
func verdict(results []measured) string {
	goals := 0
	var missed []string
	for _, r := range results {
		if r.goal != (goal{}) {
			goals++
		}
		if r.missed() {
			missed = append(missed, r.name)
		}
	}
	if len(missed) == 0 {
		return fmt.Sprintf("\nAll %d goals are met.\n", goals)
	}
	return fmt.Sprintf("\n**%d of %d goals MISSED**: %s.\n", len(missed), goals, strings.Join(missed, "; "))
}

// marks are the lines between which a document holds figures of a name; empty: those that are always measured.
func marks(name string) (begin, end string) {
	if name != "" {
		name = ": " + name
	}
	return "<!-- figures" + name + " -->\n", "<!-- /figures" + name + " -->\n"
}

// replaceFigures puts a new text between the markers of a document.
func replaceFigures(document, name, text string) (string, error) {
	begin, end := marks(name)
	before, rest, begins := strings.Cut(document, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("it has no lines %q and %q, in this order", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + text + end + after, nil
}

func updateFile(file, name, text string) error {
	document, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("run this in the root of the repository: %w", err)
	}
	updated, err := replaceFigures(string(document), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(updated), 0o600)
}
