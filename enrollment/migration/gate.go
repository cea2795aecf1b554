package migration

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Gate says whether the wipes of a plan may be released. It is a record of its own, which the release of a wipe holds: it is
// written in the same write as the plan whenever it changes, and no worker ever claims it.
type Gate struct {
	Tenant enrollment.TenantID `json:"tenant"`
	Plan   enrollment.PlanID   `json:"plan"`
	Open   bool                `json:"open"`
	// Approval names the approval by which it is open, and Until is when that ends.
	Approval string    `json:"approval,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	// Budget is the one that was approved: it holds beside the policy's.
	Budget []enrollment.Allowance `json:"budget,omitempty"`
}

// equal reports whether two gates say the same.
func (g Gate) equal(other Gate) bool {
	return g.Tenant == other.Tenant && g.Plan == other.Plan && g.Open == other.Open && g.Approval == other.Approval &&
		g.Until.Equal(other.Until) && slices.Equal(g.Budget, other.Budget)
}

// Switch is the kill switch of a tenant, or of the whole installation. While it is thrown no wipe is released. Anybody who may
// act throws it; it is lifted by a [Proposal] only.
type Switch struct {
	Thrown bool             `json:"thrown"`
	By     enrollment.Actor `json:"by,omitzero"` // who threw or lifted it last
	At     time.Time        `json:"at,omitzero"`
	Reason string           `json:"reason,omitempty"`
}

// Throw returns the switch thrown; false: it was already. The write that stores it appends the fact to the audit.
func (s Switch) Throw(now time.Time, by enrollment.Actor, reason string) (Switch, enrollment.AuditFact, bool) {
	if s.Thrown {
		return s, enrollment.AuditFact{}, false
	}
	next := Switch{Thrown: true, By: by, At: outbox.Instant(now), Reason: shortened(reason)}
	return next, enrollment.NewAuditFact(enrollment.ActSwitchThrown, by, "reason", next.Reason), true
}

// lift returns the switch lifted.
func (s Switch) lift(now time.Time, by enrollment.Actor) Switch {
	return Switch{By: by, At: outbox.Instant(now)}
}

// shortened bounds what a person wrote.
func shortened(text string) string {
	if runes := []rune(text); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return text
}
