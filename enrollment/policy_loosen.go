package enrollment

import "slices"

// Loosened names the rules by which more could be wiped, sooner, or on fewer people's word under next than under p; none:
// the change may be made by one person. The others are made by a proposal that somebody else approves.
func (p Policy) Loosened(next Policy) []string {
	was, is := p.Wipes, next.Wipes
	var loosened []string
	for _, rule := range [...]struct {
		name  string
		looks bool
	}{
		{"wipes.on", is.On && !was.On},
		{"wipes.alone_plan", is.AlonePlan > was.AlonePlan},
		{"wipes.approvals", is.Approvals < was.Approvals},
		{"wipes.approve_within", is.ApproveWithin > was.ApproveWithin},
		{"wipes.approved_for", is.ApprovedFor > was.ApprovedFor},
		{"wipes.cooling", is.Cooling < was.Cooling},
		{"wipes.budget", !Within(is.Budget, was.Budget)},
		{"wipes.installation_budget", !Within(is.InstallationBudget, was.InstallationBudget)},
		{"wipes.waves", loosenedWaves(was.Waves, is.Waves)},
		{"wipes.wave_share", is.WaveShare > was.WaveShare},
		{"wipes.wave_enough", is.WaveEnough < was.WaveEnough},
		{"wipes.failure_ratio", is.FailureRatio > was.FailureRatio},
		{"wipe_fresh_for", next.WipeFreshFor > p.WipeFreshFor},
	} {
		if rule.looks {
			loosened = append(loosened, rule.name)
		}
	}
	return loosened
}

// Within reports whether who keeps to the budget a also keeps to the budget b.
func Within(a, b []Allowance) bool {
	for _, limit := range b {
		if !slices.ContainsFunc(a, func(own Allowance) bool { return own.implies(limit) }) {
			return false
		}
	}
	return true
}

// implies reports whether an allowance alone keeps to another: any time of the other is covered by some of its own.
func (a Allowance) implies(other Allowance) bool {
	if a.In <= 0 || other.In <= 0 {
		return false
	}
	covers := int64((other.In-1)/a.In + 1)
	return int64(a.Most) <= int64(other.Most)/covers
}

// loosenedWaves reports whether some wave may take more devices than the same one did before. Behind its last size a ladder
// goes on with that size or a share of the plan, whichever is more.
func loosenedWaves(was, is []int) bool {
	if len(was) == 0 || len(is) < len(was) {
		return true
	}
	for i, n := range is {
		if n > was[min(i, len(was)-1)] {
			return true
		}
	}
	return false
}

// ApprovalsFor returns how many persons, other than the author, must approve what loosens these rules. One is enough, except
// for the rules about approvals themselves: one accomplice must not do away with the second.
func (p Policy) ApprovalsFor(loosened []string) int {
	for _, rule := range loosened {
		switch rule {
		case "wipes.alone_plan", "wipes.approvals":
			return max(p.Wipes.Approvals, 1)
		}
	}
	return min(len(loosened), 1)
}
