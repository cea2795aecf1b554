package migration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// ProposalState is where a proposal stands.
type ProposalState string

// The states of a proposal, each with what it waits for.
const (
	ProposalOpen      ProposalState = "open"      // persons who approve or reject it
	ProposalApproved  ProposalState = "approved"  // nothing: what it proposed was done in the same write
	ProposalRejected  ProposalState = "rejected"  // nothing: somebody was against it, or its author withdrew it
	ProposalExpired   ProposalState = "expired"   // nothing: nobody decided in time
	ProposalOvertaken ProposalState = "overtaken" // nothing: what it was to change has changed since
)

// ProposalStates returns every state of a proposal.
func ProposalStates() []ProposalState {
	return []ProposalState{ProposalOpen, ProposalApproved, ProposalRejected, ProposalExpired, ProposalOvertaken}
}

// Live reports whether it can still be decided.
func (s ProposalState) Live() bool { return s == ProposalOpen }

// Proposal is a change that no single person makes: one that makes rules about wipes looser, or lifts a kill switch. The zero
// Proposal is not valid; see [Propose].
type Proposal struct {
	ID        string              `json:"id"`
	Tenant    enrollment.TenantID `json:"tenant,omitempty"` // empty: of the installation
	State     ProposalState       `json:"state"`
	Revision  int64               `json:"revision"` // counts moves
	By        enrollment.Actor    `json:"by"`
	At        time.Time           `json:"at"`
	LapseAt   time.Time           `json:"lapse_at,omitzero"`
	EndedAt   time.Time           `json:"ended_at,omitzero"`
	Change    ProposedChange      `json:"change"`
	Loosened  []string            `json:"loosened,omitempty"` // the rules that it makes looser
	Digest    string              `json:"digest"`             // of the change, and of what it is to change
	Needed    int                 `json:"needed"`
	Approvals approvals           `json:"approvals,omitempty"`
}

// ProposedChange is what a proposal changes: either rules, or a kill switch.
type ProposedChange struct {
	Rules *enrollment.PolicyChange `json:"rules,omitempty"`
	Lift  bool                     `json:"lift,omitempty"`
}

// Proposable is what a proposal is about, as it stands in the write that stores the step.
type Proposable struct {
	Policy enrollment.Policy // that holds where the change is to be made
	Switch Switch            // of the same tenant, or of the installation
}

// ProposalTransition is what one step of a proposal gives. Everything in it belongs into one write.
type ProposalTransition struct {
	Proposal Proposal
	Moved    bool
	Audit    []enrollment.AuditFact
	// Rules is the change of policy to be stored, and Lifted the lifted switch; nil: none.
	Rules  *enrollment.PolicyChange
	Lifted *Switch
}

// Propose returns a new proposal, which waits for other persons. The error is a [*enrollment.Problem]: what nobody has to
// approve is no proposal, and what would be no valid policy is none either.
func Propose(now time.Time, id string, tenant enrollment.TenantID, by enrollment.Actor, c ProposedChange, about Proposable) (ProposalTransition, error) {
	at := outbox.Instant(now)
	p := Proposal{
		ID: id, Tenant: tenant, State: ProposalOpen, Revision: 1, By: by, At: at, LapseAt: at.Add(about.Policy.Wipes.ApproveWithin), Change: c,
		Digest: proposed(id, tenant, c, about),
	}
	switch {
	case (c.Rules != nil) == c.Lift:
		return ProposalTransition{}, enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "change", "rule", "either rules or a kill switch")
	case c.Lift && !about.Switch.Thrown:
		return ProposalTransition{}, enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "lift", "rule", "a kill switch that is thrown")
	case c.Lift:
		p.Needed = 1
	default:
		next := about.Policy.With(*c.Rules)
		if err := next.Validate(); err != nil {
			return ProposalTransition{}, err
		}
		p.Loosened = about.Policy.Loosened(next)
		p.Needed = about.Policy.ApprovalsFor(p.Loosened)
		if p.Needed == 0 {
			return ProposalTransition{}, enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "rules", "rule", "a change that loosens something; others are made at once")
		}
	}
	return ProposalTransition{
		Proposal: p, Moved: true,
		Audit: []enrollment.AuditFact{enrollment.NewAuditFact(enrollment.ActProposed, by, "proposal", id, "digest", p.Digest)},
	}, nil
}

// proposed is the digest of a change together with what it changes, so that approvals of it are void when that has changed.
func proposed(id string, tenant enrollment.TenantID, c ProposedChange, about Proposable) string {
	if c.Rules != nil {
		about.Switch = Switch{}
	} else {
		about.Policy = enrollment.Policy{}
	}
	text, _ := json.Marshal(struct { // plain fields: it cannot fail
		ID     string              `json:"id"`
		Tenant enrollment.TenantID `json:"tenant"`
		Change ProposedChange      `json:"change"`
		About  Proposable          `json:"about"`
	}{id, tenant, c, about})
	sum := sha256.Sum256(append([]byte("abmrenew proposal v1\n"), text...))
	return hex.EncodeToString(sum[:])
}

// Wake returns when the proposal expires; zero: never.
func (p Proposal) Wake() time.Time {
	if !p.State.Live() {
		return time.Time{}
	}
	return p.LapseAt
}
