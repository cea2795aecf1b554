package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// report measures everything and returns the text.
func report(ctx context.Context, dir, origin string, m meter, size sizes) (string, error) {
	all, err := figures(ctx, dir, size)
	if err != nil {
		return "", err
	}
	results := make([]measured, len(all))
	for i, f := range all {
		if results[i], err = m.measure(ctx, f); err != nil {
			return "", err
		}
	}
	h, err := newHost(ctx, dir, m.clock)
	if err != nil {
		return "", err
	}
	parts, err := h.uploads(ctx, size.uploads)
	if err != nil {
		return "", err
	}
	return layout(origin, results, parts), nil
}

func layout(origin string, results []measured, parts split) string {
	return origin + ".\n\n" + figureTable(results) + verdict(results) + "\n" + partTable(parts)
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

// The markers between which a document holds the figures.
const (
	beginMark = "<!-- figures -->\n"
	endMark   = "<!-- /figures -->\n"
)

// replaceFigures puts a new text between the markers of a document.
func replaceFigures(document, text string) (string, error) {
	before, rest, begins := strings.Cut(document, beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return "", fmt.Errorf("it has no lines %q and %q, in this order", strings.TrimSpace(beginMark), strings.TrimSpace(endMark))
	}
	return before + beginMark + text + endMark + after, nil
}

func updateFile(name, text string) error {
	document, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("run this in the root of the repository: %w", err)
	}
	updated, err := replaceFigures(string(document), text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, []byte(updated), 0o600)
}
