package migration

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Release is everything that the release of a wipe depends on, as it stands in the write that stores it. That write holds the
// records of Policy, Installation, both switches and the gate at the versions that were read, and puts both ledgers: whatever
// changes meanwhile makes it fail, so that it is decided again.
type Release struct {
	Now  time.Time     // by the store's clock
	Skew time.Duration // how far that clock is from Apple's Date header, either way

	Policy       enrollment.Policy // of the tenant
	Installation enrollment.Policy // of the installation, without the tenant's own rules

	TenantSwitch       Switch
	InstallationSwitch Switch
	Gate               Gate
	TenantLedger       Ledger
	InstallationLedger Ledger
}

// MaxSkew is how far the clocks of the store and of Apple may be apart when a wipe is released.
const MaxSkew = 5 * time.Minute

// Released is what a release gives: the step of the move, whose Send is the wipe, and the ledgers to be put beside it. The
// write that stores all three releases the wipe.
type Released struct {
	Move               MoveTransition
	TenantLedger       Ledger
	InstallationLedger Ledger
}

// Of decides whether the wipe of a move may be released now. It is the only place where that is decided. Where the answer is
// no, Waiting says why.
func (r Release) Of(m Move) (Released, Waiting, bool) {
	now := outbox.Instant(r.Now)
	if w := r.closed(m, now); w.Why != "" {
		return Released{}, w, false
	}
	budget, all := r.budget(), r.Installation.Wipes.InstallationBudget
	tenant, ok := r.TenantLedger.Released.Spend(now, 1, budget)
	if !ok {
		return Released{}, Waiting{Why: WaitsTenantBudget, Until: r.TenantLedger.Released.Next(now, budget)}, false
	}
	whole, ok := r.InstallationLedger.Released.Spend(now, 1, all)
	if !ok {
		return Released{}, Waiting{Why: WaitsInstallationBudget, Until: r.InstallationLedger.Released.Next(now, all)}, false
	}
	step, err := m.Step(r.Policy, now, WipeReleased{Approval: r.Gate.Approval, SendBy: now.Add(SendWithin)})
	if err != nil || step.Send == nil {
		return Released{}, Waiting{Why: WaitsDevice}, false // by this approval it was wiped before, say
	}
	out := Released{Move: step, TenantLedger: r.TenantLedger, InstallationLedger: r.InstallationLedger}
	out.TenantLedger.Released, out.InstallationLedger.Released = tenant, whole
	return out, Waiting{}, true
}

// Again returns the serial numbers of those moves of a wave that are to be told [TurnCalled] once more before a release is
// tried: what was confirmed while the budget was spent has grown old. There are no more of them than could be released now.
func (r Release) Again(moves []Move) []string {
	left := r.left()
	var serials []string
	for _, m := range moves {
		if len(serials) < left && m.State == MoveTurn && m.Wave > 0 && !m.Ready(r.Policy, outbox.Instant(r.Now)) {
			serials = append(serials, m.Device.Serial)
		}
	}
	return serials
}

// left returns how many wipes could be released now, as far as gate and budgets reach.
func (r Release) left() int {
	now := outbox.Instant(r.Now)
	if r.shut(now).Why != "" {
		return 0
	}
	return min(r.TenantLedger.Released.Left(now, r.budget()), r.InstallationLedger.Released.Left(now, r.Installation.Wipes.InstallationBudget))
}

// budget is the tenant's: the present one, and the one that was approved.
func (r Release) budget() []enrollment.Allowance {
	return slices.Concat(r.Policy.Wipes.Budget, r.Gate.Budget)
}

// closed says what keeps the wipe back, whatever is left of budgets; empty: nothing.
func (r Release) closed(m Move, now time.Time) Waiting {
	if w := r.shut(now); w.Why != "" {
		return w
	}
	switch {
	case m.Tenant != r.Gate.Tenant || m.Plan != r.Gate.Plan:
		return Waiting{Why: WaitsGate}
	case !m.Ready(r.Policy, now):
		return Waiting{Why: WaitsDevice}
	}
	return Waiting{}
}

// shut says what keeps every wipe of the plan back; empty: nothing.
func (r Release) shut(now time.Time) Waiting {
	switch {
	case !r.Policy.Wipes.On:
		return Waiting{Why: WaitsWipesOff}
	case r.InstallationSwitch.Thrown:
		return Waiting{Why: WaitsInstallationSwitch}
	case r.TenantSwitch.Thrown:
		return Waiting{Why: WaitsTenantSwitch}
	case r.Skew > MaxSkew || r.Skew < -MaxSkew:
		return Waiting{Why: WaitsClock}
	case !r.Gate.Open, r.Gate.Approval == "", len(r.Gate.Budget) == 0: // nothing was approved by it
		return Waiting{Why: WaitsGate}
	case !now.Before(r.Gate.Until):
		return Waiting{Why: WaitsApproval}
	}
	return Waiting{}
}
