package migration_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// dawn is when the stories of plans begin.
var dawn = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// spending is the simplest budget there is: a list of moments.
type spending []time.Time

// most returns how many were spent in any time of this length.
func (s spending) most(in time.Duration) int {
	most := 0
	for _, from := range s {
		n := 0
		for _, at := range s {
			if !at.Before(from) && at.Before(from.Add(in)) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// left is how many more may be spent now, when time never went back.
func (s spending) left(now time.Time, allowed []enrollment.Allowance) int {
	left := 1 << 30
	for _, a := range allowed {
		n := 0
		for _, at := range s {
			if at.After(now.Add(-a.In)) {
				n++
			}
		}
		left = min(left, a.Most-n)
	}
	return max(left, 0)
}

var allowances = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) enrollment.Allowance {
	return enrollment.Allowance{
		Most: rapid.IntRange(1, 40).Draw(t, "most"), In: time.Duration(rapid.IntRange(1, 3*24*60).Draw(t, "minutes")) * time.Minute,
	}
}), 1, 3)

// Never more than the budget in any window, whatever the clock does. While the clock runs and little is spent, it is exact.
func TestBudgetAgainstAListOfMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		allowed := allowances.Draw(t, "allowed")
		var b migration.Budget
		var list spending
		now, latest := dawn, time.Time{} // that something was spent
		steady := true
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			jump := time.Duration(rapid.IntRange(0, 12*60).Draw(t, "jump")) * time.Minute / 8
			if rapid.IntRange(0, 30).Draw(t, "back") == 0 {
				jump, steady = -30*jump, false
			}
			now = now.Add(jump)
			n := rapid.IntRange(1, 3).Draw(t, "n")
			left := b.Left(now, allowed)
			next, ok := b.Spend(now, n, allowed)
			require.Equal(t, n <= left, ok)
			if steady && len(list) < 100 {
				require.Equal(t, list.left(now, allowed), left, "exact while nothing is heaped")
				if soon := b.Next(now, allowed); left == 0 {
					require.Positive(t, b.Left(soon, allowed), "at %s", soon)
					require.Zero(t, b.Left(soon.Add(-time.Microsecond), allowed), "not before %s", soon)
				}
			}
			if !ok {
				require.Equal(t, b, next)
				continue
			}
			b = next
			if now.After(latest) {
				latest = now
			}
			for range n {
				list = append(list, latest) // a clock that went back has not brought the past back
			}
			for _, a := range allowed {
				require.LessOrEqual(t, list.most(a.In), a.Most, "%v", a)
			}
		}
	})
}

// However many wipes, the record stays small, and what it has forgotten it counts as spent later, never earlier.
func TestABudgetStaysSmallAndNeverAllowsMore(t *testing.T) {
	allowed := []enrollment.Allowance{{Most: 20, In: 20 * time.Minute}, {Most: 700, In: 24 * time.Hour}}
	var b migration.Budget
	var list spending
	at := dawn
	for i := range 6_000 {
		at = at.Add(time.Duration(i%97) * time.Second)
		next, ok := b.Spend(at, 1, allowed)
		if ok {
			b = next
			list = append(list, at)
		}
	}
	for _, a := range allowed {
		from := 0
		for i, at := range list { // two fingers: the list is long
			for !list[from].After(at.Add(-a.In)) {
				from++
			}
			require.LessOrEqual(t, i-from+1, a.Most)
		}
	}
	assert.Greater(t, len(list), 1_700, "it does not allow much less either")
	text, err := json.Marshal(b)
	require.NoError(t, err)
	assert.Less(t, len(text), 14<<10)
	t.Logf("%d spent, %d bytes", len(list), len(text))
}

// A clock that jumps back frees nothing; one that jumped ahead and back leaves the budget spent until it is there again.
func TestThreat16_AClockThatGoesBackFreesNoBudget(t *testing.T) {
	allowed := []enrollment.Allowance{{Most: 2, In: time.Hour}}
	b, ok := migration.Budget{}.Spend(dawn, 2, allowed)
	require.True(t, ok)
	for _, now := range []time.Time{dawn, dawn.Add(-time.Hour), dawn.Add(-1000 * time.Hour), dawn.Add(time.Hour - time.Microsecond)} {
		assert.Zero(t, b.Left(now, allowed), now)
		_, ok := b.Spend(now, 1, allowed)
		assert.False(t, ok, now)
	}
	assert.Equal(t, 2, b.Left(dawn.Add(time.Hour), allowed))
	ahead := b.Add(dawn.Add(100*time.Hour), 2)
	assert.Zero(t, ahead.Left(dawn.Add(2*time.Hour), allowed), "back from a jump ahead")
	assert.Equal(t, dawn.Add(101*time.Hour), ahead.Next(dawn.Add(2*time.Hour), allowed))
}

func TestABudgetOfNothingAllowsNothing(t *testing.T) {
	for name, allowed := range map[string][]enrollment.Allowance{
		"none": nil, "zero": {{Most: 0, In: time.Hour}}, "negative": {{Most: -5, In: time.Hour}},
		"one of two is zero": {{Most: 5, In: time.Hour}, {Most: 0, In: time.Hour}},
	} {
		b, ok := migration.Budget{}.Spend(dawn, 1, allowed)
		assert.False(t, ok, name)
		assert.Empty(t, b.Spent, name)
		assert.Zero(t, b.Next(dawn, allowed), name)
	}
	for _, n := range []int{0, -1} {
		_, ok := migration.Budget{}.Spend(dawn, n, []enrollment.Allowance{{Most: 5, In: time.Hour}})
		assert.False(t, ok, "%d", n)
		assert.Empty(t, migration.Budget{}.Add(dawn, n).Spent)
	}
}

// Two that read the same budget and both spend: the store lets one of them write. What each gives shares nothing.
func TestSpendingChangesNoOtherBudget(t *testing.T) {
	allowed := []enrollment.Allowance{{Most: 9, In: time.Hour}}
	b := migration.Budget{}.Add(dawn, 1)
	b.Spent = slices.Grow(b.Spent, 4)
	text, err := json.Marshal(b)
	require.NoError(t, err)
	one, _ := b.Spend(dawn, 1, allowed)
	other, _ := b.Spend(dawn.Add(time.Minute), 3, allowed)
	assert.Equal(t, 2, one.Count(dawn, time.Hour))
	assert.Equal(t, 4, other.Count(dawn.Add(time.Minute), time.Hour))
	after, err := json.Marshal(b)
	require.NoError(t, err)
	assert.Equal(t, string(text), string(after))
}

func TestOneApprovesUpTo25WipesAndTwoMoreThanThat(t *testing.T) {
	w := enrollment.DefaultPolicy().Wipes
	for _, c := range []struct{ wipes, lately, want int }{
		{0, 0, 0}, {0, 1000, 0}, {1, 0, 1}, {25, 0, 1}, {26, 0, 2}, {1, 24, 1}, {1, 25, 2}, {25, 1, 2}, {80_000, 0, 2},
		{1, -1, 2}, {1, 1 << 62, 2},
	} {
		assert.Equal(t, c.want, migration.ApprovalsNeeded(w, c.wipes, c.lately), "%d wipes, %d lately", c.wipes, c.lately)
	}
	w.AlonePlan, w.Approvals = 0, 3
	assert.Equal(t, 3, migration.ApprovalsNeeded(w, 1, 0))
	w.Approvals = 0
	assert.Equal(t, 1, migration.ApprovalsNeeded(w, 1, 0), "a stored rule of nobody is not taken at its word")
}

// A large plan that is cut into small ones needs as many approvals: what was approved counts, and what was released.
func TestAPlanCutIntoSmallOnesNeedsTheSameApprovals(t *testing.T) {
	w := enrollment.DefaultPolicy().Wipes
	l := migration.Ledger{Approved: migration.Budget{}.Add(dawn, 20)}
	assert.Equal(t, 2, migration.ApprovalsNeeded(w, 20, l.Lately(dawn.Add(time.Hour))))
	assert.Equal(t, 1, migration.ApprovalsNeeded(w, 20, l.Lately(dawn.Add(24*time.Hour))), "a day later they do not count")
	l = migration.Ledger{Released: migration.Budget{}.Add(dawn, 20)}
	assert.Equal(t, 2, migration.ApprovalsNeeded(w, 20, l.Lately(dawn.Add(time.Hour))))
	text, err := json.Marshal(migration.Ledger{})
	require.NoError(t, err)
	assert.Equal(t, "{}", strings.TrimSpace(string(text)))
}
