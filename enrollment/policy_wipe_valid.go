package enrollment

import (
	"strconv"
	"time"
)

// validate returns a [Problem] unless wipes can be held by the rules, also while they are off.
func (w WipePolicy) validate() error {
	for _, n := range [...]struct {
		field              string
		value, least, most int
	}{
		{"wipes.alone_plan", w.AlonePlan, 0, 1000},
		{"wipes.approvals", w.Approvals, 1, 10},
		{"wipes.wave_share", w.WaveShare, 1, 100},
		{"wipes.wave_enough", w.WaveEnough, 1, 100},
		{"wipes.failure_ratio", w.FailureRatio, 1, 100},
	} {
		if n.value < n.least || n.value > n.most {
			return NewProblem(CodeInvalidInput, "field", n.field, "rule", "from "+strconv.Itoa(n.least)+" to "+strconv.Itoa(n.most))
		}
	}
	for _, d := range [...]timeRule{
		{"wipes.approve_within", w.ApproveWithin, time.Hour, 7 * 24 * time.Hour},
		{"wipes.approved_for", w.ApprovedFor, time.Hour, 90 * 24 * time.Hour},
		{"wipes.cooling", w.Cooling, 0, 24 * time.Hour},
	} {
		if err := d.check(); err != nil {
			return err
		}
	}
	if err := validBudget("wipes.budget", w.Budget); err != nil {
		return err
	}
	if err := validBudget("wipes.installation_budget", w.InstallationBudget); err != nil {
		return err
	}
	return validWaves(w.Waves)
}

func validBudget(field string, budget []Allowance) error {
	if len(budget) < 1 || len(budget) > MaxAllowances {
		return NewProblem(CodeInvalidInput, "field", field, "rule", "one to "+strconv.Itoa(MaxAllowances)+" allowances")
	}
	for _, a := range budget {
		if a.Most < 1 || a.Most > maxAllowed {
			return NewProblem(CodeInvalidInput, "field", field, "rule",
				"from 1 to "+strconv.Itoa(maxAllowed)+" wipes in each time; to allow none, turn wipes off")
		}
		if err := (timeRule{field, a.In, time.Minute, MaxAllowanceTime}).check(); err != nil {
			return err
		}
	}
	return nil
}

// maxAllowed bounds the wipes of an allowance: more than any fleet has devices.
const maxAllowed = 1_000_000

func validWaves(waves []int) error {
	if len(waves) < 1 || len(waves) > 10 {
		return NewProblem(CodeInvalidInput, "field", "wipes.waves", "rule", "the sizes of one to 10 waves")
	}
	for i, n := range waves {
		if n < 1 || n > MaxBatch || i > 0 && n < waves[i-1] {
			return NewProblem(CodeInvalidInput, "field", "wipes.waves", "rule",
				"sizes from 1 to "+strconv.Itoa(MaxBatch)+", none smaller than the one before")
		}
	}
	return nil
}
