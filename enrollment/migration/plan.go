package migration

import (
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Plan moves many devices from one service to another. It holds no list of them: each has a [Move] of its own, and the plan
// knows their digest and how many stand where. The zero Plan is not valid; see [StartPlan].
type Plan struct {
	ID        enrollment.PlanID   `json:"id"`
	Tenant    enrollment.TenantID `json:"tenant"`
	State     PlanState           `json:"state"`
	Revision  int64               `json:"revision"` // counts moves
	Seq       int                 `json:"seq"`      // counts effects and waves
	CreatedBy enrollment.Actor    `json:"created_by"`
	CreatedAt time.Time           `json:"created_at"`
	EndedAt   time.Time           `json:"ended_at,omitzero"`

	Route    Route         `json:"route"`
	Wish     Strategy      `json:"wish"`
	Deadline time.Duration `json:"deadline"` // of its migrations

	// The list that is approved.
	ListRevision int64            `json:"list_revision,omitempty"` // counts lists
	ListedBy     enrollment.Actor `json:"listed_by,omitzero"`
	Digest       string           `json:"digest,omitempty"`
	Listing      Listing          `json:"listing,omitzero"`
	Refused      int              `json:"refused,omitempty"` // rows that were no devices
	Excluded     Listing          `json:"excluded,omitzero"` // of the listing, left out since
	Caps         Caps             `json:"caps,omitzero"`     // that are approved with it

	// Its approval.
	SubmittedBy   enrollment.Actor `json:"submitted_by,omitzero"`
	SubmittedAt   time.Time        `json:"submitted_at,omitzero"`
	Needed        int              `json:"needed,omitempty"` // persons
	Approvals     approvals        `json:"approvals,omitempty"`
	Round         int              `json:"round,omitempty"` // counts completed approvals
	ApprovedAt    time.Time        `json:"approved_at,omitzero"`
	ApprovedUntil time.Time        `json:"approved_until,omitzero"`
	CoolUntil     time.Time        `json:"cool_until,omitzero"`

	// Its way.
	StartedAt time.Time `json:"started_at,omitzero"`
	Pause     *Pause    `json:"pause,omitempty"`
	PushLost  bool      `json:"push_lost,omitempty"`
	Stopped   bool      `json:"stopped,omitempty"` // a kill switch is thrown
	Tally     Tally     `json:"tally,omitzero"`
	Base      Tally     `json:"base,omitzero"` // as it was when a person resumed it: only what failed since counts
	Wipes     Ladder    `json:"wipes,omitzero"`
	Migrates  Ladder    `json:"migrates,omitzero"`

	Looked   string              `json:"looked,omitempty"`  // how far a look for devices that are to come back has come
	LapseAt  time.Time           `json:"lapse_at,omitzero"` // when it stops waiting for what its state waits for
	RemindAt time.Time           `json:"remind_at,omitzero"`
	Notified bool                `json:"notified,omitempty"` // a thread was opened that wants to be cleared
	Problem  *enrollment.Problem `json:"problem,omitempty"`
	Pending  outbox.Effects      `json:"pending,omitempty"`
}

// Pause is why and by whom a plan was paused.
type Pause struct {
	Why    Why              `json:"why"`
	By     enrollment.Actor `json:"by"`
	At     time.Time        `json:"at"`
	Reason string           `json:"reason,omitempty"`
}

// Ladder is how far the waves of a plan have come: those of its wipes, or those of its migrations.
type Ladder struct {
	Passed int    `json:"passed,omitempty"` // waves
	Begun  int    `json:"begun,omitempty"`  // waves
	Live   string `json:"live,omitempty"`   // ID of the present one; empty: none
}

// Live reports whether the plan is under way, or owes something.
func (p Plan) Live() bool { return p.State.Live() || len(p.owed()) > 0 }

// Content returns what the digest of the plan's list begins with. With the next revision it is that of a list that is being
// made.
func (p Plan) Content() Content {
	return Content{Tenant: p.Tenant, Plan: p.ID, Revision: p.ListRevision, Route: p.Route, Caps: p.Caps}
}

// NextContent returns the content of a list that is being made under these rules; see [DevicesListed].
func (p Plan) NextContent(policy enrollment.Policy) Content {
	c := p.Content()
	c.Revision++
	c.Caps = CapsOf(policy.Wipes)
	return c
}

// ToWipe returns how many devices of the list would be wiped.
func (p Plan) ToWipe() int { return max(p.Listing.Wipes-p.Excluded.Wipes, 0) }

// Approval names the approval by which wipes of the plan are released; empty: none.
func (p Plan) Approval() string {
	if p.Round == 0 {
		return ""
	}
	return fmt.Sprintf("%s/approval/%d", p.ID, p.Round)
}

// Gate says whether wipes of the plan may be released. It looks at the approvals again.
func (p Plan) Gate() Gate {
	g := Gate{Tenant: p.Tenant, Plan: p.ID}
	if p.State != PlanRunning || p.PushLost || p.Stopped || p.Listing.Wipes == 0 || p.Needed < 1 || p.Round == 0 {
		return g
	}
	if p.Approvals.count(p.Digest, p.SubmittedAt, p.authors()...) < p.Needed {
		return g
	}
	g.Open, g.Approval, g.Until, g.Budget = true, p.Approval(), p.ApprovedUntil, p.Caps.Budget
	return g
}

// authors are those who made what is approved; none of them approves it.
func (p Plan) authors() []enrollment.Actor {
	return []enrollment.Actor{p.CreatedBy, p.ListedBy, p.SubmittedBy}
}

// Wake returns when the plan has something to do next; zero: never. A live plan always has.
func (p Plan) Wake() time.Time {
	if !p.State.Live() {
		return p.owed().Wake()
	}
	approved := p.ApprovedUntil
	if p.State != PlanRunning || !p.hasToWipe() {
		approved = time.Time{}
	}
	return outbox.Earliest(p.LapseAt, p.RemindAt, approved, p.owed().Wake())
}

// hasToWipe reports whether the plan needs its approval still: wipes were approved, and not all of them released.
func (p Plan) hasToWipe() bool { return p.Round > 0 && p.Tally.Unwiped > 0 }

// Due returns the pending effects that may be tried now, oldest first.
func (p Plan) Due(now time.Time) []enrollment.Effect { return p.owed().Due(now) }

// owed are the effects that the state may owe, whatever was stored: at rest nothing but a last word to what belongs to it, and a
// look for a device.
func (p Plan) owed() outbox.Effects {
	return p.Pending.Without(func(x enrollment.Effect) bool {
		switch x.Kind {
		case enrollment.SendNotice, enrollment.TellMoves:
			return false
		case enrollment.LookUp: // also for a device that a fact brings on its way again later
			return p.State == PlanDrafting || p.State == PlanAwaiting || p.State == PlanCooling
		case enrollment.CountMoves, enrollment.MakeBatches:
			return p.State != PlanRunning && p.State != PlanCancelling && p.State != PlanPaused
		}
		return true
	})
}

// Waiting says why the plan does not go on; what keeps back the wipes of a wave is told by [Wave.Waiting].
func (p Plan) Waiting(policy enrollment.Policy) Waiting {
	switch p.State {
	case PlanDrafting:
		if p.Digest == "" {
			return Waiting{Why: WaitsList}
		}
		return Waiting{Why: WaitsSubmission}
	case PlanAwaiting:
		return Waiting{Why: WaitsApproval}
	case PlanCooling:
		return Waiting{Why: WaitsCooling, Until: p.CoolUntil}
	case PlanPaused:
		if p.Pause == nil {
			return Waiting{Why: WaitsPause}
		}
		return Waiting{Why: p.Pause.Why}
	case PlanCancelling:
		return Waiting{Why: WaitsEnd}
	case PlanRunning:
		return p.waitingRunning(policy)
	}
	return Waiting{}
}

func (p Plan) waitingRunning(policy enrollment.Policy) Waiting {
	switch {
	case p.Stopped:
		return Waiting{Why: WaitsTenantSwitch}
	case p.Tally.ToWipe > 0 && !policy.Wipes.On:
		return Waiting{Why: WaitsWipesOff}
	case p.Tally.ToWipe > 0 && p.PushLost:
		return Waiting{Why: WaitsPush}
	case p.Wipes.Live != "" || p.Migrates.Live != "":
		return Waiting{Why: WaitsWave}
	}
	return Waiting{Why: WaitsDevices}
}
