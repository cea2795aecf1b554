package runner_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

var (
	bob = enrollment.Actor{ID: "u-8", Name: "Bob", Kind: enrollment.Person}
	cem = enrollment.Actor{ID: "u-9", Name: "Cem", Kind: enrollment.Person}
)

// on is the change that allows wipes.
func on() enrollment.PolicyChange {
	yes := true
	return enrollment.PolicyChange{Wipes: &enrollment.WipeChange{On: &yes}}
}

func word(p runner.ProposalView) runner.Approved { return runner.Approved{Digest: p.Digest} }

// safe is where rules and a kill switch hold: the installation, or one tenant.
type safe interface {
	Policy(ctx context.Context) (enrollment.Policy, error)
	SetPolicy(ctx context.Context, by enrollment.Actor, rules enrollment.PolicyChange) (runner.PolicyView, error)
	Switch(ctx context.Context) (migration.Switch, error)
	ThrowSwitch(ctx context.Context, by enrollment.Actor, reason string) (migration.Switch, error)
	LiftSwitch(ctx context.Context, by enrollment.Actor) (runner.ProposalView, error)
	Proposals(ctx context.Context, by enrollment.Actor, page runner.Page) (runner.ProposalPage, error)
	ApproveProposal(ctx context.Context, by enrollment.Actor, id string, w runner.Approved) (runner.ProposalView, error)
	RejectProposal(ctx context.Context, by enrollment.Actor, id, reason string) (runner.ProposalView, error)
}

// inBothScopes runs a test for the installation, and for a tenant of another one.
func inBothScopes(t *testing.T, do func(t *testing.T, h *host, s safe)) {
	t.Helper()
	t.Run("installation", func(t *testing.T) { h := newHost(t); do(t, h, h.Runner) })
	t.Run("tenant", func(t *testing.T) {
		h := newHost(t)
		acme := h.customer("acme")
		_, err := acme.AddServer(ctx(t), tech, runner.NewServer{Name: "Acme MDM"})
		require.NoError(t, err)
		do(t, h, acme.Tenant)
	})
}

// What makes wipes looser is only proposed: neither its author nor a script brings it about, nor an approval of something else.
func TestThreat13_OnePersonCannotLoosenWhatGuardsWipes(t *testing.T) {
	inBothScopes(t, func(t *testing.T, _ *host, s safe) {
		set, err := s.SetPolicy(ctx(t), tech, on())
		require.NoError(t, err)
		require.NotNil(t, set.Proposal)
		p := *set.Proposal
		assert.False(t, set.Wipes.On, "the rules that still hold")
		assert.Equal(t, []string{"wipes.on"}, p.Loosened)
		assert.Equal(t, []migration.EventName{migration.EventReject}, p.Allowed, "its author may withdraw it")

		_, err = s.ApproveProposal(ctx(t), tech, p.ID, word(p))
		requireProblem(t, enrollment.CodeOwnApproval, err)
		_, err = s.ApproveProposal(ctx(t), robot, p.ID, word(p))
		requireProblem(t, enrollment.CodePersonNeeded, err)
		_, err = s.ApproveProposal(ctx(t), bob, p.ID, runner.Approved{Digest: "something else"})
		requireProblem(t, enrollment.CodeOtherDigest, err)
		rules, err := s.Policy(ctx(t))
		require.NoError(t, err)
		assert.False(t, rules.Wipes.On)

		page, err := s.Proposals(ctx(t), bob, runner.Page{})
		require.NoError(t, err)
		require.Len(t, page.Proposals, 1)
		assert.Equal(t, []migration.EventName{migration.EventApprove, migration.EventReject}, page.Proposals[0].Allowed)
		p, err = s.ApproveProposal(ctx(t), bob, p.ID, word(page.Proposals[0]))
		require.NoError(t, err)
		assert.Equal(t, migration.ProposalApproved, p.State)
		rules, err = s.Policy(ctx(t))
		require.NoError(t, err)
		assert.True(t, rules.Wipes.On)
	})
}

// A rule that would be looser only where a tenant has its own is looser there.
func TestThreat13_ATenantIsNotLoosenedPastItsInstallation(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	budget := enrollment.PolicyChange{Wipes: &enrollment.WipeChange{Budget: []enrollment.Allowance{{Most: 3, In: time.Hour}}}}
	set, err := h.SetPolicy(ctx(t), tech, enrollment.PolicyChange{Wipes: &enrollment.WipeChange{
		Budget: []enrollment.Allowance{{Most: 1, In: time.Hour}, {Most: 10, In: 24 * time.Hour}},
	}})
	require.NoError(t, err)
	require.Nil(t, set.Proposal, "tighter rules need nobody else")
	set, err = acme.SetPolicy(ctx(t), tech, budget)
	require.NoError(t, err)
	require.NotNil(t, set.Proposal)
	assert.Equal(t, []string{"wipes.budget"}, set.Proposal.Loosened)
}

// The rules about approvals take as many persons as they demand.
func TestThreat13_OneAccompliceDoesNotDoAwayWithTheSecond(t *testing.T) {
	h := newHost(t)
	one := 1
	set, err := h.SetPolicy(ctx(t), tech, enrollment.PolicyChange{Wipes: &enrollment.WipeChange{Approvals: &one}})
	require.NoError(t, err)
	p, err := h.ApproveProposal(ctx(t), bob, set.Proposal.ID, word(*set.Proposal))
	require.NoError(t, err)
	assert.Equal(t, migration.ProposalOpen, p.State)
	p, err = h.ApproveProposal(ctx(t), bob, set.Proposal.ID, word(*set.Proposal))
	require.NoError(t, err)
	assert.Equal(t, migration.ProposalOpen, p.State, "twice the same person is one")
	p, err = h.ApproveProposal(ctx(t), cem, set.Proposal.ID, word(*set.Proposal))
	require.NoError(t, err)
	assert.Equal(t, migration.ProposalApproved, p.State)
}

// An approval is of what would be written now. Where the rules have changed since, it is none.
func TestThreat13_AnApprovalOfOlderRulesIsVoid(t *testing.T) {
	inBothScopes(t, func(t *testing.T, _ *host, s safe) {
		set, err := s.SetPolicy(ctx(t), tech, on())
		require.NoError(t, err)
		fewer := 1
		_, err = s.SetPolicy(ctx(t), tech, enrollment.PolicyChange{Wipes: &enrollment.WipeChange{AlonePlan: &fewer}})
		require.NoError(t, err)
		p, err := s.ApproveProposal(ctx(t), bob, set.Proposal.ID, word(*set.Proposal))
		require.NoError(t, err)
		assert.Equal(t, migration.ProposalOvertaken, p.State)
		rules, err := s.Policy(ctx(t))
		require.NoError(t, err)
		assert.False(t, rules.Wipes.On)
		assert.Equal(t, 1, rules.Wipes.AlonePlan)
	})
}

// Anybody throws the switch; one person does not lift it.
func TestThreat14_TheKillSwitchIsLiftedByTwo(t *testing.T) {
	inBothScopes(t, func(t *testing.T, h *host, s safe) {
		is, err := s.Switch(ctx(t))
		require.NoError(t, err)
		assert.False(t, is.Thrown)
		_, err = s.LiftSwitch(ctx(t), tech)
		requireProblem(t, enrollment.CodeInvalidInput, err)

		is, err = s.ThrowSwitch(ctx(t), robot, "an alarm")
		require.NoError(t, err)
		assert.Equal(t, migration.Switch{Thrown: true, By: robot, At: h.clock.Now(), Reason: "an alarm"}, is)
		again, err := s.ThrowSwitch(ctx(t), tech, "me, too")
		require.NoError(t, err)
		assert.Equal(t, is, again)

		p, err := s.LiftSwitch(ctx(t), tech)
		require.NoError(t, err)
		_, err = s.ApproveProposal(ctx(t), tech, p.ID, word(p))
		requireProblem(t, enrollment.CodeOwnApproval, err)
		is, err = s.Switch(ctx(t))
		require.NoError(t, err)
		assert.True(t, is.Thrown)
		_, err = s.ApproveProposal(ctx(t), bob, p.ID, word(p))
		require.NoError(t, err)
		is, err = s.Switch(ctx(t))
		require.NoError(t, err)
		assert.False(t, is.Thrown)

		// Thrown anew, it is not lifted by what was said of the first time.
		_, err = s.ThrowSwitch(ctx(t), cem, "once more")
		require.NoError(t, err)
		_, err = s.ApproveProposal(ctx(t), bob, p.ID, word(p))
		requireProblem(t, enrollment.CodeRefused, err)
		requireWholeAudit(t, h, enrollment.ActSwitchThrown, enrollment.ActProposed, enrollment.ActProposalApproved,
			enrollment.ActSwitchLifted, enrollment.ActProposalEnded, enrollment.ActSwitchThrown)
	})
}

// requireWholeAudit says that these acts were written down about switches and proposals, in this order, in an unbroken history.
func requireWholeAudit(t *testing.T, h *host, acts ...enrollment.Act) {
	t.Helper()
	all, err := h.ExportAudit(ctx(t), 0, storage.MaxPage)
	require.NoError(t, err)
	var found []enrollment.Act
	for _, e := range all {
		switch e.Act {
		case enrollment.ActTenantOpened, enrollment.ActServerAdded:
		default:
			found = append(found, e.Act)
		}
	}
	assert.Equal(t, acts, found)
	report, err := h.VerifyAudit(ctx(t))
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
}

func TestAProposalIsRejectedByAnybodyAndExpires(t *testing.T) {
	inBothScopes(t, func(t *testing.T, h *host, s safe) {
		set, err := s.SetPolicy(ctx(t), tech, on())
		require.NoError(t, err)
		p, err := s.RejectProposal(ctx(t), cem, set.Proposal.ID, "not in my name")
		require.NoError(t, err)
		assert.Equal(t, migration.ProposalRejected, p.State)
		_, err = s.ApproveProposal(ctx(t), bob, p.ID, word(p))
		requireProblem(t, enrollment.CodeRefused, err)

		set, err = s.SetPolicy(ctx(t), tech, on())
		require.NoError(t, err)
		h.pass(25 * time.Hour)
		page, err := s.Proposals(ctx(t), bob, runner.Page{})
		require.NoError(t, err)
		states := map[string]migration.ProposalState{}
		for _, p := range page.Proposals {
			states[p.ID] = p.State
		}
		assert.Equal(t, map[string]migration.ProposalState{p.ID: migration.ProposalRejected, set.Proposal.ID: migration.ProposalExpired}, states)
	})
}

// A proposal and a switch belong to one tenant, or to the installation, and are not found elsewhere.
func TestProposalsOfOthersAreNotFound(t *testing.T) {
	h := newHost(t)
	acme, beta := h.customer("acme"), h.customer("beta")
	set, err := acme.SetPolicy(ctx(t), tech, on())
	require.NoError(t, err)
	for _, s := range []safe{h.Runner, beta.Tenant} {
		_, err = s.ApproveProposal(ctx(t), bob, set.Proposal.ID, word(*set.Proposal))
		requireProblem(t, enrollment.CodeNotFound, err)
	}
	_, err = beta.ThrowSwitch(ctx(t), tech, "a wrong name")
	requireProblem(t, enrollment.CodeNotFound, err)
	_, err = acme.ThrowSwitch(ctx(t), tech, "")
	require.NoError(t, err)
	is, err := h.Switch(ctx(t))
	require.NoError(t, err)
	assert.False(t, is.Thrown)
}

// verifier takes one signature.
type verifier struct{ claims []enrollment.ApprovalClaim }

func (v *verifier) VerifyApproval(_ context.Context, c enrollment.ApprovalClaim) error {
	v.claims = append(v.claims, c)
	if string(c.Signature) != "signed by "+c.By.ID {
		return errors.New("that is not Bob's signature")
	}
	return nil
}

func TestThreat13_AHostThatIsNotBelievedNeedsSignatures(t *testing.T) {
	h := newHost(t)
	v := &verifier{}
	h.config.Approvals = v
	h.restartWith(h.config)
	set, err := h.SetPolicy(ctx(t), tech, on())
	require.NoError(t, err)
	p := *set.Proposal
	_, err = h.ApproveProposal(ctx(t), bob, p.ID, word(p))
	requireProblem(t, enrollment.CodeRefused, err)
	_, err = h.ApproveProposal(ctx(t), bob, p.ID, runner.Approved{Digest: p.Digest, Signature: make([]byte, enrollment.MaxSignature+1)})
	requireProblem(t, enrollment.CodeInvalidInput, err)
	p, err = h.ApproveProposal(ctx(t), bob, p.ID, runner.Approved{Digest: p.Digest, Signature: []byte("signed by u-8")})
	require.NoError(t, err)
	assert.Equal(t, migration.ProposalApproved, p.State)
	require.Len(t, v.claims, 2)
	assert.Equal(t, enrollment.ApprovalClaim{Subject: p.ID, Digest: p.Digest, By: bob, Signature: []byte("signed by u-8")}, v.claims[1])
}

// A tenant that is out of use is made no looser, but still stopped; once erased it leaves nothing of this.
func TestSafetyOfAClosedTenant(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	set, err := acme.SetPolicy(ctx(t), tech, on())
	require.NoError(t, err)
	require.NoError(t, acme.Close(ctx(t), tech))
	_, err = acme.ApproveProposal(ctx(t), bob, set.Proposal.ID, word(*set.Proposal))
	requireProblem(t, enrollment.CodeTenantClosed, err)
	_, err = acme.ThrowSwitch(ctx(t), tech, "")
	require.NoError(t, err)
	require.NoError(t, acme.Erase(ctx(t), tech))
	for _, kind := range []string{runner.KindProposal, runner.KindSwitch} {
		left, err := h.store.List(ctx(t), storage.Query{Kind: kind, AllTenants: true, Limit: 10})
		require.NoError(t, err)
		assert.Empty(t, left, kind)
	}
}
