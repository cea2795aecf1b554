package enrollment_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
)

func TestWipesAreOffByDefault(t *testing.T) {
	w := enrollment.DefaultPolicy().Wipes
	assert.False(t, w.On)
	assert.Equal(t, []enrollment.Allowance{{Most: 10, In: 20 * time.Minute}, {Most: 100, In: day}}, w.Budget)
	assert.Equal(t, w.Budget, w.InstallationBudget)
	assert.Equal(t, []int{1, 5, 25}, w.Waves)
	assert.Equal(t, time.Hour, w.Cooling)
	assert.Equal(t, 2, w.Approvals)
	assert.Equal(t, 25, w.AlonePlan)
}

func TestWipePolicyRefusesNonsense(t *testing.T) {
	type rules = enrollment.WipePolicy
	for name, c := range map[string]struct {
		change func(*rules)
		field  string // of the refusal, behind "wipes."; empty: it is sense
	}{
		"on":                              {func(w *rules) { w.On = true }, ""},
		"a plan for nobody alone":         {func(w *rules) { w.AlonePlan = 0 }, ""},
		"a negative plan":                 {func(w *rules) { w.AlonePlan = -1 }, "alone_plan"},
		"nobody approves":                 {func(w *rules) { w.Approvals = 0 }, "approvals"},
		"everybody approves":              {func(w *rules) { w.Approvals = 11 }, "approvals"},
		"no time to approve":              {func(w *rules) { w.ApproveWithin = 0 }, "approve_within"},
		"approvals that keep for weeks":   {func(w *rules) { w.ApproveWithin = 8 * day }, "approve_within"},
		"approved for ever":               {func(w *rules) { w.ApprovedFor = 91 * day }, "approved_for"},
		"no cooling":                      {func(w *rules) { w.Cooling = 0 }, ""},
		"cooling backwards":               {func(w *rules) { w.Cooling = -time.Second }, "cooling"},
		"cooling for days":                {func(w *rules) { w.Cooling = 25 * time.Hour }, "cooling"},
		"no budget at all":                {func(w *rules) { w.Budget = nil }, "budget"},
		"a budget of zero":                {func(w *rules) { w.Budget = []enrollment.Allowance{{Most: 0, In: day}} }, "budget"},
		"a negative budget":               {func(w *rules) { w.Budget = []enrollment.Allowance{{Most: -1, In: day}} }, "budget"},
		"a budget in no time":             {func(w *rules) { w.Budget = []enrollment.Allowance{{Most: 1}} }, "budget"},
		"a budget of years":               {func(w *rules) { w.Budget = []enrollment.Allowance{{Most: 1, In: 366 * day}} }, "budget"},
		"a budget without end":            {func(w *rules) { w.Budget = []enrollment.Allowance{{Most: 1_000_001, In: day}} }, "budget"},
		"too many allowances":             {func(w *rules) { w.Budget = make([]enrollment.Allowance, 9) }, "budget"},
		"an installation without budget":  {func(w *rules) { w.InstallationBudget = nil }, "installation_budget"},
		"no waves":                        {func(w *rules) { w.Waves = nil }, "waves"},
		"an empty wave":                   {func(w *rules) { w.Waves = []int{0, 5} }, "waves"},
		"waves that fall":                 {func(w *rules) { w.Waves = []int{5, 1} }, "waves"},
		"waves that stay":                 {func(w *rules) { w.Waves = []int{5, 5} }, ""},
		"a wave like a flood":             {func(w *rules) { w.Waves = []int{1001} }, "waves"},
		"too many waves":                  {func(w *rules) { w.Waves = []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1} }, "waves"},
		"no share":                        {func(w *rules) { w.WaveShare = 0 }, "wave_share"},
		"more than all":                   {func(w *rules) { w.WaveShare = 101 }, "wave_share"},
		"next although nothing came back": {func(w *rules) { w.WaveEnough = 0 }, "wave_enough"},
		"more enrolled than called":       {func(w *rules) { w.WaveEnough = 101 }, "wave_enough"},
		"no failure is borne":             {func(w *rules) { w.FailureRatio = 0 }, "failure_ratio"},
	} {
		p := enrollment.DefaultPolicy()
		c.change(&p.Wipes)
		err := p.Validate()
		if c.field == "" {
			require.NoError(t, err, name)
			continue
		}
		var problem *enrollment.Problem
		if assert.ErrorAs(t, err, &problem, name) {
			assert.Equal(t, "wipes."+c.field, problem.Args["field"], name)
			assert.NotEmpty(t, problem.Args["rule"], name)
		}
	}
}

// Each rule by which more could be wiped, sooner, or on fewer people's word is found; the other direction is not.
func TestEveryLooserRuleIsFound(t *testing.T) {
	type rules = enrollment.WipePolicy
	looser := map[string]func(*rules){
		"wipes.on":                  func(w *rules) { w.On = true },
		"wipes.alone_plan":          func(w *rules) { w.AlonePlan++ },
		"wipes.approvals":           func(w *rules) { w.Approvals-- },
		"wipes.approve_within":      func(w *rules) { w.ApproveWithin++ },
		"wipes.approved_for":        func(w *rules) { w.ApprovedFor++ },
		"wipes.cooling":             func(w *rules) { w.Cooling-- },
		"wipes.budget":              func(w *rules) { w.Budget = []enrollment.Allowance{{11, 20 * time.Minute}, {100, day}} },
		"wipes.installation_budget": func(w *rules) { w.InstallationBudget = w.InstallationBudget[:1] },
		"wipes.waves":               func(w *rules) { w.Waves = []int{2, 5, 25} },
		"wipes.wave_share":          func(w *rules) { w.WaveShare++ },
		"wipes.wave_enough":         func(w *rules) { w.WaveEnough-- },
		"wipes.failure_ratio":       func(w *rules) { w.FailureRatio++ },
	}
	for name, change := range looser {
		tight, loose := enrollment.DefaultPolicy(), enrollment.DefaultPolicy()
		change(&loose.Wipes)
		assert.Equal(t, []string{name}, tight.Loosened(loose), name)
		assert.Empty(t, loose.Loosened(tight), "%s back again needs nobody else", name)
		want := 1
		if name == "wipes.approvals" || name == "wipes.alone_plan" {
			want = 2
		}
		assert.Equal(t, want, tight.ApprovalsFor([]string{name}), name)
	}
	p := enrollment.DefaultPolicy()
	longer := p
	longer.WipeFreshFor++
	assert.Equal(t, []string{"wipe_fresh_for"}, p.Loosened(longer), "a confirmation that may be older")
	assert.Equal(t, 1, p.ApprovalsFor([]string{"wipe_fresh_for"}))
	assert.Empty(t, longer.Loosened(p))
	assert.Empty(t, p.Loosened(p))
	assert.Zero(t, p.ApprovalsFor(nil))
	assert.Equal(t, 2, p.ApprovalsFor([]string{"wipes.on", "wipes.approvals"}))
	// A rule that nobody thought of here would never be guarded.
	forEachRule(t, func(name string, change func(*enrollment.Policy)) {
		if len(name) > 6 && name[:6] == "Wipes." {
			changed := enrollment.DefaultPolicy()
			change(&changed)
			assert.NotEmpty(t, append(p.Loosened(changed), changed.Loosened(p)...), "%s makes wipes looser or tighter", name)
		}
	})
}

func TestLongerLaddersOfWavesAreLooserOnlyWhereAWaveGrows(t *testing.T) {
	for _, c := range []struct {
		was, is []int
		looser  bool
	}{
		{[]int{1, 5, 25}, []int{1, 5, 25}, false},
		{[]int{1, 5, 25}, []int{1, 5, 5}, false},
		{[]int{1, 5, 25}, []int{1, 5, 25, 25}, false},
		{[]int{1, 5, 25}, []int{1, 5, 25, 26}, true},
		{[]int{1, 5, 25}, []int{1, 5}, true},
		{[]int{1, 5, 25}, []int{1, 6, 25}, true},
	} {
		was, is := enrollment.DefaultPolicy(), enrollment.DefaultPolicy()
		was.Wipes.Waves, is.Wipes.Waves = c.was, c.is
		assert.Equal(t, c.looser, len(was.Loosened(is)) > 0, "%v, then %v", c.was, c.is)
	}
}

// Whoever keeps to a budget that is called within another never breaks the other, at any pace that the first allows.
func TestABudgetWithinAnotherNeverBreaksIt(t *testing.T) {
	budget := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) enrollment.Allowance {
		return enrollment.Allowance{Most: rapid.IntRange(1, 6).Draw(t, "most"), In: time.Duration(rapid.IntRange(1, 8).Draw(t, "in"))}
	}), 1, 3)
	within := 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := budget.Draw(t, "a"), budget.Draw(t, "b")
		if !enrollment.Within(a, b) {
			return
		}
		within++
		var spent []int // moments, greedily: as many as a allows, wherever the pace may change
		for now := range 24 {
			for range rapid.IntRange(0, 6).Draw(t, "wanted") {
				if keeps(append(slices.Clone(spent), now), a) {
					spent = append(spent, now)
				}
			}
		}
		require.True(t, keeps(spent, b), "%v keeps to %v and breaks %v", spent, a, b)
	})
	assert.Positive(t, within)
	p := enrollment.DefaultPolicy().Wipes.Budget
	assert.True(t, enrollment.Within(p, p))
	assert.False(t, enrollment.Within(nil, p))
	assert.True(t, enrollment.Within(p, nil))
	assert.False(t, enrollment.Within([]enrollment.Allowance{{Most: 1}}, p), "a stored allowance without a time allows everything")
}

// keeps reports whether moments keep to a budget, by looking at every time that begins with one of them.
func keeps(spent []int, budget []enrollment.Allowance) bool {
	for _, a := range budget {
		for _, from := range spent {
			n := 0
			for _, at := range spent {
				if at >= from && at < from+int(a.In) {
					n++
				}
			}
			if n > a.Most {
				return false
			}
		}
	}
	return true
}
