package enrollment

import (
	"slices"
	"time"
)

// WipePolicy are the rules about wipes. They are off until an installation, or a tenant, turns them on with a second person.
// What makes them looser is a proposal that others approve; see [Policy.Loosened].
type WipePolicy struct {
	On bool `json:"on"`
	// AlonePlan is up to how many wipes one approval is enough, counted together with those that the tenant approved or
	// released in its last 24 hours.
	AlonePlan int `json:"alone_plan"`
	// Approvals are how many persons, other than the author, approve a plan with more wipes.
	Approvals int `json:"approvals"`
	// ApproveWithin is how long an approval may wait for the others and for being used.
	ApproveWithin time.Duration `json:"approve_within"`
	// ApprovedFor is how long a plan may release wipes after its approval.
	ApprovedFor time.Duration `json:"approved_for"`
	// Cooling is how long after its approval a plan waits before it begins.
	Cooling time.Duration `json:"cooling"`
	// Budget is how many wipes of one tenant may be released in any time of the given length; all of them hold.
	Budget []Allowance `json:"budget"`
	// InstallationBudget is the same for all tenants together. Of a tenant's own policy it is not looked at.
	InstallationBudget []Allowance `json:"installation_budget"`
	// Waves are how many devices each of the first waves takes, and WaveShare how many percent of its plan every later one.
	Waves     []int `json:"waves"`
	WaveShare int   `json:"wave_share"`
	// WaveEnough is how many percent of a wave must have enrolled before the next begins.
	WaveEnough int `json:"wave_enough"`
	// FailureRatio is how many percent of a wave, or of the devices of a plan that came to their end, may fail before the plan
	// pauses by itself.
	FailureRatio int `json:"failure_ratio"`
}

// Allowance is how many may be had in any time of a length.
type Allowance struct {
	Most int           `json:"most"`
	In   time.Duration `json:"in"`
}

// MaxAllowances bounds how many allowances a budget has.
const MaxAllowances = 8

// MaxAllowanceTime bounds the time of an allowance.
const MaxAllowanceTime = 31 * 24 * time.Hour

// defaultWipePolicy has wipes off. The figures are those of other products' guards against mass wipes, or tighter.
func defaultWipePolicy() WipePolicy {
	const day = 24 * time.Hour
	budget := []Allowance{{10, 20 * time.Minute}, {100, day}}
	return WipePolicy{
		AlonePlan: 25, Approvals: 2, ApproveWithin: day, ApprovedFor: 14 * day, Cooling: time.Hour,
		Budget: budget, InstallationBudget: slices.Clone(budget),
		Waves: []int{1, 5, 25}, WaveShare: 5, WaveEnough: 80, FailureRatio: 20,
	}
}

// WipeChange overrides single rules about wipes; what is nil or empty stays as it is.
type WipeChange struct {
	On                 *bool          `json:"on,omitempty"`
	AlonePlan          *int           `json:"alone_plan,omitempty"`
	Approvals          *int           `json:"approvals,omitempty"`
	ApproveWithin      *time.Duration `json:"approve_within,omitempty"`
	ApprovedFor        *time.Duration `json:"approved_for,omitempty"`
	Cooling            *time.Duration `json:"cooling,omitempty"`
	Budget             []Allowance    `json:"budget,omitempty"`
	InstallationBudget []Allowance    `json:"installation_budget,omitempty"`
	Waves              []int          `json:"waves,omitempty"`
	WaveShare          *int           `json:"wave_share,omitempty"`
	WaveEnough         *int           `json:"wave_enough,omitempty"`
	FailureRatio       *int           `json:"failure_ratio,omitempty"`
}

// with returns the rules with the change applied.
func (w WipePolicy) with(c *WipeChange) WipePolicy {
	if c == nil {
		return w
	}
	set(&w.On, c.On)
	set(&w.AlonePlan, c.AlonePlan)
	set(&w.Approvals, c.Approvals)
	set(&w.ApproveWithin, c.ApproveWithin)
	set(&w.ApprovedFor, c.ApprovedFor)
	set(&w.Cooling, c.Cooling)
	setList(&w.Budget, c.Budget)
	setList(&w.InstallationBudget, c.InstallationBudget)
	setList(&w.Waves, c.Waves)
	set(&w.WaveShare, c.WaveShare)
	set(&w.WaveEnough, c.WaveEnough)
	set(&w.FailureRatio, c.FailureRatio)
	return w
}

// and returns the change that has the effect of c followed by next. Neither is changed.
func (c *WipeChange) and(next *WipeChange) *WipeChange {
	if c == nil || next == nil {
		if next == nil {
			return c
		}
		return next
	}
	both := *c
	override(&both.On, next.On)
	override(&both.AlonePlan, next.AlonePlan)
	override(&both.Approvals, next.Approvals)
	override(&both.ApproveWithin, next.ApproveWithin)
	override(&both.ApprovedFor, next.ApprovedFor)
	override(&both.Cooling, next.Cooling)
	setList(&both.Budget, next.Budget)
	setList(&both.InstallationBudget, next.InstallationBudget)
	setList(&both.Waves, next.Waves)
	override(&both.WaveShare, next.WaveShare)
	override(&both.WaveEnough, next.WaveEnough)
	override(&both.FailureRatio, next.FailureRatio)
	return &both
}

func setList[T any](field *[]T, change []T) {
	if len(change) > 0 {
		*field = slices.Clone(change)
	}
}
