package runner

import (
	"errors"

	"github.com/abmrenew/abmrenew/enrollment"
)

// ProblemOf puts what the store, its keys or the reader of token files said into the one vocabulary, as the methods of a
// [Runner] do; for hosts that call these packages themselves. It is nil for nil, and has CodeInternal where the context
// ended.
func ProblemOf(err error) *enrollment.Problem {
	if err == nil {
		return nil
	}
	if _, told := errors.AsType[*enrollment.Problem](err); !told {
		if p := fileProblem(err); p.Code != enrollment.CodeInternal {
			return p
		}
	}
	return enrollment.ProblemOf(asProblem(err))
}
