package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// table writes rows of cells as a Markdown table whose columns stand one below the other; the first row is the heading.
func table(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	line := func(row []string, fill string) {
		for i, cell := range row {
			b.WriteString("| " + cell + strings.Repeat(fill, width[i]-utf8.RuneCountInString(cell)) + " ")
		}
		b.WriteString("|\n")
	}
	line(rows[0], " ")
	line(make([]string, len(rows[0])), "-")
	for _, row := range rows[1:] {
		line(row, " ")
	}
	return b.String()
}

// figureTable shows each figure beside its peer or limit.
func figureTable(all []measured) string {
	rows := [][]string{{"figure", "ours", "beside", "ratio", "goal", ""}}
	for _, r := range all {
		rows = append(rows, []string{r.name, r.value(r.mine), r.beside(), r.ratios(), r.goalText(), r.verdict()})
	}
	return table(rows)
}

func (r measured) value(v float64) string {
	if r.count {
		return fmt.Sprintf("%.0f", v)
	}
	return duration(v)
}

func (r measured) beside() string {
	if r.other.do == nil {
		return ""
	}
	return r.other.name + ": " + r.value(r.theirs)
}

func (r measured) ratios() string {
	switch {
	case r.other.do == nil:
		return ""
	case r.count:
		return fmt.Sprintf("%.3f", r.ratio)
	}
	return fmt.Sprintf("%.3f (%.2f)", r.ratio, r.typical)
}

func (r measured) goalText() string {
	if r.goal == (goal{}) {
		return ""
	}
	bound := fmt.Sprintf("%.2f", r.goal.most)
	if r.other.do == nil {
		bound = duration(r.goal.most)
	}
	if r.goal.below {
		return "below " + bound
	}
	return "at most " + bound
}

func (r measured) verdict() string {
	switch {
	case r.goal == goal{}:
		return ""
	case r.missed():
		return "**MISSED**"
	}
	return "met"
}

// partTable shows where the time of an upload goes.
func partTable(s split) string {
	whole := s.whole()
	rows := [][]string{{"an upload, part by part", "time", "share"}}
	for _, name := range partNames {
		rows = append(rows, []string{name, duration(float64(s[name])), share(s[name], whole)})
	}
	return table(append(rows, []string{"**all of it**", duration(float64(whole)), share(whole, whole)}))
}

func share(part, whole time.Duration) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(max(whole, 1)))
}

// duration gives nanoseconds in three digits and the unit that suits them.
func duration(ns float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
		if ns >= unit.size*0.9995 {
			return digits(ns/unit.size) + " " + unit.name
		}
	}
	return digits(ns) + " ns"
}

func digits(v float64) string {
	switch {
	case v >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
