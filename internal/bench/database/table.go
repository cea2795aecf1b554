package database

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table shows what was measured, as Markdown, with what is missed said loudly.
func (m Measured) Table() string {
	rows := [][]string{{"figure", "ours", "beside", "ratio", "goal", ""}}
	for _, f := range m.Figures {
		words, _ := f.goal()
		verdict := ""
		switch {
		case words == "":
		case f.Met():
			verdict = "met"
		default:
			verdict = "**MISSED**"
		}
		ratio := fmt.Sprintf("%.2f", f.Ratio)
		if f.Typical > 0 {
			ratio += fmt.Sprintf(" (%.2f)", f.Typical)
		}
		rows = append(rows, []string{f.Name, f.Ours, f.Beside, ratio, words, verdict})
	}
	return markdown(rows)
}

// markdown writes cells as a table whose columns stand one below the other; the first row is the heading.
func markdown(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			b.WriteString("| " + cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)) + " ")
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, w := range width {
				b.WriteString("| " + strings.Repeat("-", w) + " ")
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}
