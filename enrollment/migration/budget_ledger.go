package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Ledger counts the wipes of one tenant, or of the whole installation, in a record of its own.
type Ledger struct {
	Released Budget `json:"released,omitzero"` // spent in the write that releases a wipe
	Approved Budget `json:"approved,omitzero"` // a tenant's only: grows in the write that completes an approval
}

// Lately returns how many wipes were approved or released in the last 24 hours, whichever is more. By this and a plan's own
// wipes it is judged how many persons must approve the plan, so that a large one is not cut into small ones.
func (l Ledger) Lately(now time.Time) int {
	const day = 24 * time.Hour
	return max(l.Approved.Count(now, day), l.Released.Count(now, day))
}

// ApprovalsNeeded returns how many persons, other than the author, must approve a plan with so many wipes, where others were
// approved or released lately. A plan without wipes needs nobody.
func ApprovalsNeeded(w enrollment.WipePolicy, wipes, lately int) int {
	switch {
	case wipes < 1:
		return 0
	case lately < 0 || wipes > w.AlonePlan-lately:
		return max(w.Approvals, 1)
	}
	return 1
}
