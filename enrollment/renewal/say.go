package renewal

import (
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
)

// warned returns the warnings with another one, unless it says what one of them says already.
func warned(warnings []enrollment.Problem, problem *enrollment.Problem) []enrollment.Problem {
	for _, w := range warnings {
		if w.Title == problem.Title {
			return warnings
		}
	}
	return append(warnings[:len(warnings):len(warnings)], *problem)
}

// unwarned returns the warnings without those of a code.
func unwarned(warnings []enrollment.Problem, code enrollment.Code) []enrollment.Problem {
	about := func(w enrollment.Problem) bool { return w.Code == code }
	if !slices.ContainsFunc(warnings, about) {
		return warnings
	}
	return slices.DeleteFunc(slices.Clone(warnings), about)
}
