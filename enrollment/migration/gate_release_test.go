package migration_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// releasable is a release by which a device that is ready may be wiped, and that device.
func releasable(t testing.TB) (migration.Release, migration.Move) {
	t.Helper()
	s := newMove(t, migration.Wipe, route).do(toReady...)
	p := newPlan(t).do(toRunning...).p
	gate := p.Gate()
	require.True(t, gate.Open)
	return migration.Release{Now: s.now, Policy: wiping, Installation: wiping, Gate: gate}, s.m
}

func TestAReadyDeviceIsReleasedOnceAndSpendsBothBudgets(t *testing.T) {
	r, m := releasable(t)
	out, why, ok := r.Of(m)
	require.True(t, ok, "%+v", why)
	require.NotNil(t, out.Move.Send)
	assert.Equal(t, migration.MoveWiping, out.Move.Move.State)
	assert.Equal(t, r.Gate.Approval, out.Move.Move.Wipe.Approval)
	assert.Equal(t, 1, out.TenantLedger.Released.Count(r.Now, time.Hour))
	assert.Equal(t, 1, out.InstallationLedger.Released.Count(r.Now, time.Hour))
	assert.False(t, out.Move.Send.Wipe.NotAfter.After(r.Now.Add(30*time.Second)))
	again := r
	again.TenantLedger, again.InstallationLedger = out.TenantLedger, out.InstallationLedger
	_, why, ok = again.Of(out.Move.Move)
	assert.False(t, ok)
	assert.Equal(t, migration.WaitsDevice, why.Why)
}

// Everything that may stand against a wipe stands against it alone, and is named.
func TestThreat14_WhateverIsClosedReleasesNothing(t *testing.T) {
	spent := func(r *migration.Release) migration.Ledger {
		return migration.Ledger{Released: migration.Budget{}.Add(r.Now.Add(-time.Minute), 10)}
	}
	for name, c := range map[string]struct {
		change func(r *migration.Release, m *migration.Move)
		why    migration.Why
	}{
		"wipes off":                     {func(r *migration.Release, _ *migration.Move) { r.Policy.Wipes.On = false }, migration.WaitsWipesOff},
		"tenant's switch":               {func(r *migration.Release, _ *migration.Move) { r.TenantSwitch.Thrown = true }, migration.WaitsTenantSwitch},
		"installation's switch":         {func(r *migration.Release, _ *migration.Move) { r.InstallationSwitch.Thrown = true }, migration.WaitsInstallationSwitch},
		"the clock is ahead":            {func(r *migration.Release, _ *migration.Move) { r.Skew = 6 * time.Minute }, migration.WaitsClock},
		"the clock is behind":           {func(r *migration.Release, _ *migration.Move) { r.Skew = -6 * time.Minute }, migration.WaitsClock},
		"gate closed":                   {func(r *migration.Release, _ *migration.Move) { r.Gate.Open = false }, migration.WaitsGate},
		"no gate at all":                {func(r *migration.Release, _ *migration.Move) { r.Gate = migration.Gate{} }, migration.WaitsGate},
		"gate without a name":           {func(r *migration.Release, _ *migration.Move) { r.Gate.Approval = "" }, migration.WaitsGate},
		"gate without a budget":         {func(r *migration.Release, _ *migration.Move) { r.Gate.Budget = nil }, migration.WaitsGate},
		"gate of another plan":          {func(r *migration.Release, _ *migration.Move) { r.Gate.Plan = "pln_2" }, migration.WaitsGate},
		"gate of another tenant":        {func(r *migration.Release, _ *migration.Move) { r.Gate.Tenant = "other" }, migration.WaitsGate},
		"device of another plan":        {func(_ *migration.Release, m *migration.Move) { m.Plan = "pln_2" }, migration.WaitsGate},
		"device of another tenant":      {func(_ *migration.Release, m *migration.Move) { m.Tenant = "other" }, migration.WaitsGate},
		"approval over":                 {func(r *migration.Release, _ *migration.Move) { r.Gate.Until = r.Now }, migration.WaitsApproval},
		"not its turn":                  {func(_ *migration.Release, m *migration.Move) { m.Wave = 0 }, migration.WaitsDevice},
		"not confirmed":                 {func(_ *migration.Release, m *migration.Move) { m.Confirmed = nil }, migration.WaitsDevice},
		"confirmed long ago":            {func(r *migration.Release, _ *migration.Move) { r.Now = r.Now.Add(11 * time.Minute) }, migration.WaitsDevice},
		"enrolled meanwhile":            {func(_ *migration.Release, m *migration.Move) { m.State = migration.MoveEnrolled }, migration.WaitsDevice},
		"wiped by this approval before": {func(r *migration.Release, m *migration.Move) { m.Spent = []string{r.Gate.Approval} }, migration.WaitsDevice},
		"tenant's budget spent":         {func(r *migration.Release, _ *migration.Move) { r.TenantLedger = spent(r) }, migration.WaitsTenantBudget},
		"installation's budget spent":   {func(r *migration.Release, _ *migration.Move) { r.InstallationLedger = spent(r) }, migration.WaitsInstallationBudget},
		"no budget":                     {func(r *migration.Release, _ *migration.Move) { r.Installation.Wipes.InstallationBudget = nil }, migration.WaitsInstallationBudget},
	} {
		r, m := releasable(t)
		c.change(&r, &m)
		out, why, ok := r.Of(m)
		assert.False(t, ok, name)
		assert.Equal(t, c.why, why.Why, name)
		assert.Zero(t, out, name)
		assert.NotEmpty(t, why.Why.Text(), name)
	}
}

// A budget that was raised after the approval is not what was approved; one that was lowered holds at once.
func TestTheTighterOfApprovedAndPresentBudgetHolds(t *testing.T) {
	loose := []enrollment.Allowance{{Most: 1000, In: time.Hour}}
	r, m := releasable(t)
	r.Policy.Wipes.Budget, r.Installation.Wipes.InstallationBudget = loose, loose
	r.TenantLedger.Released = migration.Budget{}.Add(r.Now.Add(-time.Minute), 10)
	_, why, ok := r.Of(m)
	assert.False(t, ok)
	assert.Equal(t, migration.Waiting{Why: migration.WaitsTenantBudget, Until: r.Now.Add(19 * time.Minute)}, why)
	r, m = releasable(t)
	r.Policy.Wipes.Budget = []enrollment.Allowance{{Most: 1, In: time.Hour}}
	r.TenantLedger.Released = migration.Budget{}.Add(r.Now.Add(-time.Minute), 1)
	_, why, ok = r.Of(m)
	assert.False(t, ok)
	assert.Equal(t, migration.WaitsTenantBudget, why.Why)
}

// wipeStore is the smallest store: each record has a version, and a write that read an older one fails.
type wipeStore struct {
	versions    map[string]int
	tenant, all migration.Ledger
	gate        migration.Gate
	thrown      migration.Switch
}

// Eight workers that read, are overtaken and write, in any order: never more releases than the budget in any window, none after
// the switch, and none twice.
func TestThreat12_NoInterleavingBreaksABudgetOrPassesTheSwitch(t *testing.T) {
	ready, m := releasable(t)
	budget := []enrollment.Allowance{{Most: 3, In: 20 * time.Minute}, {Most: 5, In: 3 * time.Hour}}
	rapid.Check(t, func(t *rapid.T) {
		store := wipeStore{versions: map[string]int{}, gate: ready.Gate}
		now := ready.Now
		type attempt struct {
			read map[string]int
			out  migration.Released
			ok   bool
			at   time.Time
		}
		workers := make([]*attempt, 8)
		var released spending
		stopped := time.Time{}
		held := []string{"policy", "gate", "tenant switch", "installation switch", "tenant ledger", "installation ledger"}
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) {
				r := ready
				r.Now, r.Gate, r.TenantLedger, r.InstallationLedger = now, store.gate, store.tenant, store.all
				r.Policy.Wipes.Budget, r.InstallationSwitch = budget, store.thrown
				device := m
				proof := *m.Confirmed
				proof.At = now
				device.Confirmed = &proof
				a := &attempt{read: map[string]int{}, at: now}
				for _, name := range held {
					a.read[name] = store.versions[name]
				}
				a.out, _, a.ok = r.Of(device)
				workers[rapid.IntRange(0, 7).Draw(t, "worker")] = a
			},
			"write": func(t *rapid.T) {
				i := rapid.IntRange(0, 7).Draw(t, "worker")
				a := workers[i]
				workers[i] = nil // or it crashed, before or after
				if a == nil || !a.ok || slices.ContainsFunc(held, func(name string) bool { return a.read[name] != store.versions[name] }) {
					return
				}
				require.True(t, stopped.IsZero(), "released after the switch")
				store.tenant, store.all = a.out.TenantLedger, a.out.InstallationLedger
				store.versions["tenant ledger"]++
				store.versions["installation ledger"]++
				released = append(released, a.at)
			},
			"wait": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute) },
			"throw": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					return
				}
				if next, fact, moved := store.thrown.Throw(now, bob, "stop"); moved {
					require.Equal(t, enrollment.ActSwitchThrown, fact.Act)
					store.thrown, stopped = next, now
					store.versions["installation switch"]++
				}
			},
			"": func(t *rapid.T) {
				for _, a := range budget {
					require.LessOrEqual(t, released.most(a.In), a.Most)
				}
			},
		})
	})
}

func TestThrowingASwitchTwiceChangesNothing(t *testing.T) {
	s, fact, moved := migration.Switch{}.Throw(noon, bot, "a stolen account")
	require.True(t, moved, "anybody may stop")
	assert.True(t, s.Thrown)
	assert.Equal(t, "a stolen account", fact.Detail["reason"])
	again, _, moved := s.Throw(noon.Add(time.Hour), bob, "again")
	assert.False(t, moved)
	assert.Equal(t, s, again)
	long, _, _ := migration.Switch{}.Throw(noon, bob, string(make([]byte, 100_000)))
	assert.Less(t, len(long.Reason), 2000)
}
