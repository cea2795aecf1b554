package runner

import (
	"github.com/abmrenew/abmrenew/enrollment"
)

// asked is the result of a port's call that only asks.
func (r *Runner) asked(x enrollment.Effect, err error) enrollment.Result {
	outcome, after := enrollment.Asked(err)
	return r.answered(x, outcome, enrollment.Result{RetryAfter: after}, err)
}

// sent is the result of a port's call that changes something.
func (r *Runner) sent(x enrollment.Effect, err error) enrollment.Result {
	outcome, after := enrollment.Sent(err)
	return r.answered(x, outcome, enrollment.Result{RetryAfter: after}, err)
}

func (r *Runner) answered(x enrollment.Effect, outcome enrollment.Outcome, result enrollment.Result, err error) enrollment.Result {
	result.Effect, result.Outcome = x.ID, outcome
	if err != nil {
		r.log.Warn("a port did not do what was asked of it", "effect", x.ID, "outcome", outcome, "error", err)
		result.Problem = silent(err.Error())
		result.Problem.Title = plainWords(err.Error()) // which machines quote
	}
	return result
}

// portWord is what a port said, for people.
func portWord(err error) string {
	if err == nil {
		return ""
	}
	return plainWords(err.Error())
}
