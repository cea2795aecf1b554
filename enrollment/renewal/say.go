package renewal

import (
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
)

// auditFact is a fact for the audit, with its details as name, value, name, value, ...
func auditFact(act enrollment.Act, by enrollment.Actor, detail ...string) enrollment.AuditFact {
	fact := enrollment.AuditFact{Act: act, By: by}
	if len(detail) > 0 {
		fact.Detail = make(map[string]string, len(detail)/2)
		for i := 0; i+1 < len(detail); i += 2 {
			fact.Detail[detail[i]] = detail[i+1]
		}
	}
	return fact
}

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
