package migration_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// Whoever made, listed or submitted a plan approves none of it, and neither does a key, whatever it is called.
func TestThreat13_NobodyApprovesWhatTheyMade(t *testing.T) {
	tr, err := migration.StartPlan(wiping, noon, planRequest())
	require.NoError(t, err)
	p := tr.Plan
	take := func(ev migration.PlanEvent) error {
		tr, err := p.Step(wiping, noon.Add(time.Minute), ev)
		p = tr.Plan
		return err
	}
	require.NoError(t, take(migration.DevicesListed{By: bob, Digest: "d", Listing: small}))
	require.NoError(t, take(migration.SubmitRequested{By: cem, Target: ready}))
	for _, by := range []enrollment.Actor{tess, bob, cem, {ID: "bob", Kind: enrollment.Person, Name: "Robert"}} {
		err := take(migration.ApproveRequested{By: by, Digest: "d"})
		require.ErrorIs(t, err, enrollment.NewProblem(enrollment.CodeOwnApproval), by.ID)
	}
	for _, by := range []enrollment.Actor{bot, enrollment.Nobody, {Kind: enrollment.Person}, {ID: "eve"}} {
		require.Error(t, take(migration.ApproveRequested{By: by, Digest: "d"}), "%+v", by)
	}
	dora := enrollment.Actor{ID: "dora", Kind: enrollment.Person}
	require.Error(t, take(migration.ApproveRequested{By: dora, Digest: ""}))
	require.Error(t, take(migration.ApproveRequested{By: dora, Digest: "D"}))
	assert.Equal(t, migration.PlanAwaiting, p.State)
	require.NoError(t, take(migration.ApproveRequested{By: dora, Digest: "d", Signature: []byte("sig")}))
	assert.Equal(t, migration.PlanCooling, p.State)
	assert.Equal(t, []byte("sig"), p.Approvals[0].Signature)
}

// Approvals of any people in any order, of any digest, with lists that change and time that passes: a plan is approved exactly
// when enough different persons gave their word for what it is now, in time.
func TestApprovalsAgainstAListOfWords(t *testing.T) {
	people := []enrollment.Actor{tess, bob, cem, {ID: "dora", Kind: enrollment.Person}, {ID: "eli", Kind: enrollment.Person}, bot}
	rapid.Check(t, func(t *rapid.T) {
		policy := wiping
		policy.Wipes.Approvals, policy.Wipes.AlonePlan = rapid.IntRange(1, 4).Draw(t, "approvals"), rapid.IntRange(0, 30).Draw(t, "alone")
		tr, err := migration.StartPlan(policy, noon, planRequest())
		require.NoError(t, err)
		p, now := tr.Plan, noon
		words := map[string]bool{}
		needed, lists := 0, 0
		take := func(ev migration.PlanEvent) error {
			tr, err := p.Step(policy, now, ev)
			p = tr.Plan
			return err
		}
		t.Repeat(map[string]func(*rapid.T){
			"list": func(t *rapid.T) {
				if p.State != migration.PlanDrafting && p.State != migration.PlanAwaiting {
					return
				}
				lists++
				wipes := rapid.IntRange(1, 60).Draw(t, "wipes")
				require.NoError(t, take(migration.DevicesListed{By: tess, Digest: fmt.Sprint("d", lists), Listing: migration.Listing{Devices: 60, Wipes: wipes}}))
				words = map[string]bool{}
				require.Equal(t, migration.PlanDrafting, p.State)
			},
			"submit": func(t *rapid.T) {
				if p.State != migration.PlanDrafting || p.Digest == "" {
					return
				}
				lately := rapid.IntRange(0, 40).Draw(t, "lately")
				require.NoError(t, take(migration.SubmitRequested{By: tess, Target: ready, Lately: lately}))
				needed = 1
				if p.Listing.Wipes+lately > policy.Wipes.AlonePlan {
					needed = policy.Wipes.Approvals
				}
			},
			"approve": func(t *rapid.T) {
				by := rapid.SampledFrom(people).Draw(t, "by")
				digest := rapid.SampledFrom([]string{p.Digest, p.Digest, p.Digest, "other"}).Draw(t, "digest")
				was := p.State
				err := take(migration.ApproveRequested{By: by, Digest: digest})
				good := was == migration.PlanAwaiting && by.ID != tess.ID && by.ID != bot.ID && digest == p.Digest
				require.Equal(t, good, err == nil)
				if good {
					words[by.ID] = true
				}
				if was == migration.PlanAwaiting {
					require.Equal(t, len(words) >= needed, p.State == migration.PlanCooling, "%d of %d", len(words), needed)
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 10).Draw(t, "hours")) * time.Hour)
				was := p.State
				require.NoError(t, take(migration.PlanTicked{}))
				if was == migration.PlanAwaiting && !now.Before(p.SubmittedAt.Add(policy.Wipes.ApproveWithin)) {
					require.Equal(t, migration.PlanExpired, p.State)
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, p.State == migration.PlanRunning, p.Gate().Open)
				if p.Gate().Open {
					require.GreaterOrEqual(t, len(words), needed)
				}
			},
		})
	})
}

func raised(p enrollment.Policy) *enrollment.PolicyChange {
	budget := append([]enrollment.Allowance{}, p.Wipes.Budget...)
	budget[0].Most++
	return &enrollment.PolicyChange{Wipes: &enrollment.WipeChange{Budget: budget}}
}

// What loosens rules about wipes, and the lifting of a kill switch, take somebody else's word; what tightens is no proposal.
func TestProposalsOfRulesAndSwitches(t *testing.T) {
	about := migration.Proposable{Policy: enrollment.DefaultPolicy()}
	on, fewer := true, 1
	for name, c := range map[string]struct {
		change migration.ProposedChange
		about  migration.Proposable
		needed int // 0: it is refused
	}{
		"wipes on":            {migration.ProposedChange{Rules: &enrollment.PolicyChange{Wipes: &enrollment.WipeChange{On: &on}}}, about, 1},
		"a raised budget":     {migration.ProposedChange{Rules: raised(about.Policy)}, about, 1},
		"fewer approvals":     {migration.ProposedChange{Rules: &enrollment.PolicyChange{Wipes: &enrollment.WipeChange{Approvals: &fewer}}}, about, 2},
		"lift":                {migration.ProposedChange{Lift: true}, migration.Proposable{Switch: migration.Switch{Thrown: true}, Policy: about.Policy}, 1},
		"lift what is not":    {migration.ProposedChange{Lift: true}, about, 0},
		"nothing":             {migration.ProposedChange{}, about, 0},
		"both at once":        {migration.ProposedChange{Rules: raised(about.Policy), Lift: true}, about, 0},
		"nothing is loosened": {migration.ProposedChange{Rules: &enrollment.PolicyChange{}}, about, 0},
		"no valid policy":     {migration.ProposedChange{Rules: &enrollment.PolicyChange{Wipes: &enrollment.WipeChange{Budget: []enrollment.Allowance{{Most: 0, In: time.Hour}}}}}, about, 0},
	} {
		tr, err := migration.Propose(noon, "prp_1", "acme", tess, c.change, c.about)
		if c.needed == 0 {
			require.Error(t, err, name)
			assert.Zero(t, tr, name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, c.needed, tr.Proposal.Needed, name)
		p := tr.Proposal
		for i, by := range []enrollment.Actor{bob, cem}[:c.needed] {
			assert.Equal(t, []migration.EventName{migration.EventApprove, migration.EventReject}, p.Allowed(noon, c.about, by), name)
			step, err := p.Step(noon.Add(time.Hour), c.about, migration.ApproveRequested{By: by, Digest: p.Digest})
			require.NoError(t, err, name)
			p = step.Proposal
			done := i == c.needed-1
			assert.Equal(t, done, p.State == migration.ProposalApproved, name)
			assert.Equal(t, done && c.change.Lift, step.Lifted != nil && !step.Lifted.Thrown, name)
			if done {
				assert.Equal(t, c.change.Rules, step.Rules, name)
			} else {
				assert.Nil(t, step.Rules, name)
			}
		}
		assert.Zero(t, p.Wake(), name)
	}
}

func TestProposalsEndInEveryOtherWay(t *testing.T) {
	about := migration.Proposable{Policy: wiping}
	propose := func() migration.Proposal {
		tr, err := migration.Propose(noon, "prp_1", "acme", tess, migration.ProposedChange{Rules: raised(wiping)}, about)
		require.NoError(t, err)
		return tr.Proposal
	}
	step := func(p migration.Proposal, at time.Time, about migration.Proposable, ev migration.ProposalEvent) (migration.ProposalTransition, error) {
		tr, err := p.Step(at, about, ev)
		if err != nil || !tr.Moved {
			assert.Equal(t, p, tr.Proposal, "nothing moved")
		}
		assert.Equal(t, tr.Proposal.State == migration.ProposalApproved && tr.Moved, tr.Rules != nil)
		return tr, err
	}
	p := propose()
	good := migration.ApproveRequested{By: bob, Digest: p.Digest}
	var refused *migration.TransitionError
	for name, ev := range map[string]migration.ProposalEvent{
		"by the author": migration.ApproveRequested{By: tess, Digest: p.Digest}, "by a key": migration.ApproveRequested{By: bot, Digest: p.Digest},
		"of something else": migration.ApproveRequested{By: bob, Digest: "other"},
	} {
		_, err := step(p, noon, about, ev)
		require.ErrorAs(t, err, &refused, name)
		assert.Equal(t, migration.EventApprove, refused.Event)
	}
	tr, err := step(p, noon.Add(24*time.Hour), about, migration.ProposalTicked{})
	require.NoError(t, err)
	assert.Equal(t, migration.ProposalExpired, tr.Proposal.State)
	_, err = step(p, noon.Add(24*time.Hour), about, good)
	require.Error(t, err, "too late, although nobody has ticked")
	tr, err = step(p, p.Wake().Add(-time.Microsecond), about, migration.ProposalTicked{})
	require.NoError(t, err)
	assert.False(t, tr.Moved)
	tr, err = step(p, noon, about, migration.RejectRequested{By: tess})
	require.NoError(t, err, "its author may withdraw it")
	assert.Equal(t, migration.ProposalRejected, tr.Proposal.State)
	again, err := step(tr.Proposal, noon, about, migration.RejectRequested{By: bob})
	require.NoError(t, err)
	assert.False(t, again.Moved)
	_, err = step(tr.Proposal, noon, about, good)
	require.Error(t, err)
	// Somebody tightened the rules meanwhile: what was looked at is not what would come.
	tightened := about
	tightened.Policy.Wipes.Cooling = 2 * time.Hour
	tr, err = step(p, noon, tightened, good)
	require.NoError(t, err)
	assert.Equal(t, migration.ProposalOvertaken, tr.Proposal.State)
	require.ErrorIs(t, refused, refused.Problem)
	assert.Len(t, migration.ProposalStates(), 5)
}

// What is stored is looked at again whenever the gate is: a word of an author, of a key, of another list or from before the
// submission opens nothing, however it came there.
func TestThreat13_TheGateLooksAtTheApprovalsAgain(t *testing.T) {
	require.True(t, newPlan(t).do(toRunning...).p.Gate().Open)
	for name, change := range map[string]func(p *migration.Plan){
		"an author's":           func(p *migration.Plan) { p.Approvals[0].By = tess },
		"a key's":               func(p *migration.Plan) { p.Approvals[0].By.Kind = enrollment.Key },
		"nobody's":              func(p *migration.Plan) { p.Approvals[0].By.ID = "" },
		"of another list":       func(p *migration.Plan) { p.Approvals[0].Digest = "other" },
		"of no list":            func(p *migration.Plan) { p.Approvals[0].Digest, p.Digest = "", "" },
		"before the submission": func(p *migration.Plan) { p.Approvals[0].At = p.SubmittedAt.Add(-time.Second) },
		"none":                  func(p *migration.Plan) { p.Approvals = nil },
		"one of two":            func(p *migration.Plan) { p.Needed = 2 },
		"twice the same person": func(p *migration.Plan) { p.Needed, p.Approvals = 2, append(p.Approvals, p.Approvals[0]) },
		"nobody needed":         func(p *migration.Plan) { p.Needed = 0 },
		"never completed":       func(p *migration.Plan) { p.Round = 0 },
	} {
		p := newPlan(t).do(toRunning...).p
		change(&p)
		assert.False(t, p.Gate().Open, name)
	}
}

// Nobody pushes the word of another out by saying theirs again and again.
func TestEachPersonsLastWordIsKept(t *testing.T) {
	policy := wiping
	policy.Wipes.Approvals, policy.Wipes.AlonePlan = 3, 0
	p := newPlan(t).do("devices_listed: few").p
	take := func(ev migration.PlanEvent) {
		tr, err := p.Step(policy, noon.Add(time.Minute), ev)
		require.NoError(t, err)
		p = tr.Plan
	}
	take(migration.SubmitRequested{By: tess, Target: ready})
	take(migration.ApproveRequested{By: cem, Digest: p.Digest})
	for range 30 {
		take(migration.ApproveRequested{By: bob, Digest: p.Digest})
	}
	require.Len(t, p.Approvals, 2)
	take(migration.ApproveRequested{By: enrollment.Actor{ID: "dora", Kind: enrollment.Person}, Digest: p.Digest})
	assert.Equal(t, migration.PlanCooling, p.State)
}
