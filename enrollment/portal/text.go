package portal

import (
	"fmt"
	"slices"
	"strings"
)

// Text gives the guide as plain text with numbered steps, for terminals, tickets and mails. Lines are not wrapped.
func (g Guide) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nWho can do it: %s.\n", g.Title, g.Role)
	list(&b, "Good to know", g.Notes)
	b.WriteString("\nSteps\n")
	for i, s := range g.Steps {
		fmt.Fprintf(&b, "%2d. %s\n", i+1, s.Text)
		if s.Warning != nil {
			fmt.Fprintf(&b, "    ! %s\n", s.Warning.Text)
		}
	}
	list(&b, "What not to do", g.Avoid)
	from := "The labels are from"
	if g.unlabelled() {
		from = "The role is from"
	}
	b.WriteString("\n" + from + "\n")
	for _, s := range g.Sources() {
		fmt.Fprintf(&b, "  - %s, “%s” (%s)\n", s.Publisher, s.Title, s.Date.Format("January 2006"))
	}
	if assumed := g.assumed(); len(assumed) > 0 {
		fmt.Fprintf(&b, "Nobody's text was found for these, which may be worded otherwise: %s.\n", strings.Join(assumed, ", "))
	}
	return b.String()
}

func list(b *strings.Builder, title string, notes []Note) {
	if len(notes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, n := range notes {
		fmt.Fprintf(b, "  - %s\n", n.Text)
	}
}

// unlabelled reports whether nothing of what is clicked is known.
func (g Guide) unlabelled() bool {
	return !slices.ContainsFunc(g.Steps, func(s Step) bool { return len(s.Path) > 0 })
}

// assumed returns the labels without a text behind them, each once.
func (g Guide) assumed() []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range g.Steps {
		for _, l := range s.Path {
			if l.Certainty == Assumed && !seen[l.Text] {
				seen[l.Text] = true
				out = append(out, l.Text)
			}
		}
	}
	return out
}
