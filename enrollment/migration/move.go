package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Route is where devices come from and go to.
type Route struct {
	From    enrollment.ServerID `json:"from,omitempty"` // the service that they are assigned to now; empty: it is gone
	To      enrollment.ServerID `json:"to"`
	Profile string              `json:"profile"` // UUID of the enrollment profile that they get at To
	OldMDM  enrollment.MDMID    `json:"old_mdm"` // which manages them now, and through which they are wiped
	NewMDM  enrollment.MDMID    `json:"new_mdm"` // where they enroll by Profile; the same where one MDM stands behind both services
}

// OneMDM reports whether one MDM stands behind both services, so that a device enrolls where it was enrolled before.
func (r Route) OneMDM() bool { return r.OldMDM == r.NewMDM }

// Move takes one device to its new service. The zero Move is not valid; see [StartMove].
type Move struct {
	ID        enrollment.MoveID   `json:"id"`
	Tenant    enrollment.TenantID `json:"tenant"`
	Plan      enrollment.PlanID   `json:"plan"`
	State     MoveState           `json:"state"`
	Revision  int64               `json:"revision"` // counts moves
	Seq       int                 `json:"seq"`      // counts effects
	CreatedAt time.Time           `json:"created_at"`
	StartedAt time.Time           `json:"started_at"` // of this attempt; facts from before say nothing about it
	EndedAt   time.Time           `json:"ended_at,omitzero"`
	DueAt     time.Time           `json:"due_at,omitzero"` // when it stops waiting for what its state waits for

	Device   enrollment.Device `json:"device"` // as it was approved
	Route    Route             `json:"route"`
	Decision Decision          `json:"decision"`

	Batch      string    `json:"batch,omitempty"`      // that has it in hand
	AskedAt    time.Time `json:"asked_at,omitzero"`    // when its assignment was asked for
	Deadline   time.Time `json:"deadline,omitzero"`    // of its migration
	AssignedAt time.Time `json:"assigned_at,omitzero"` // when the new service showed it
	ProfileAt  time.Time `json:"profile_at,omitzero"`  // when the new service showed its profile
	Wave       int       `json:"wave,omitempty"`       // whose turn it is; 0: none
	Tries      int       `json:"tries,omitempty"`      // of a batch or of a wipe that had to be given up
	Confirmed  *Proof    `json:"confirmed,omitempty"`  // the fresh confirmation before its wipe
	PIN        string    `json:"pin,omitempty"`        // the secret record of the PIN
	Wipe       *WipeFate `json:"wipe,omitempty"`       // its last wipe
	Wipes      int       `json:"wipes,omitempty"`      // counts wipes, of which each has a command UUID of its own
	Spent      []string  `json:"spent,omitempty"`      // approvals by which a wipe left before the last one
	Arriving   time.Time `json:"arriving,omitzero"`    // when it began to enroll, since StartedAt
	Enrolled   time.Time `json:"enrolled,omitzero"`    // when it finished to
	Fetched    time.Time `json:"fetched,omitzero"`     // when it fetched the profile of the new service

	Problem  *enrollment.Problem  `json:"problem,omitempty"`  // why it does not go on, until it does
	Warnings []enrollment.Problem `json:"warnings,omitempty"` // what a person should know about the outcome
	History  []MoveMoment         `json:"history,omitempty"`  // the last changes of its state
	Pending  outbox.Effects       `json:"pending,omitempty"`
}

// Proof is the confirmation of a device right before its wipe: its new service and the MDM that manages it were both asked.
type Proof struct {
	At       time.Time                 `json:"at"` // of the older of both answers
	Options  enrollment.WipeOptions    `json:"options,omitzero"`
	NeedsPIN bool                      `json:"needs_pin,omitempty"`
	Lock     enrollment.ActivationLock `json:"lock,omitzero"`
	Can      enrollment.WipeAbilities  `json:"abilities,omitzero"`
}

// MoveMoment is one change of a move's state.
type MoveMoment struct {
	At    time.Time `json:"at"`
	Event EventName `json:"event"`
	State MoveState `json:"state"` // that it led to
}

// maxMoments bounds a move's history, the oldest of which go.
const maxMoments = 40

// Live reports whether the move is still under way, or owes the recall of a wipe.
func (m Move) Live() bool { return m.State.Live() || len(m.owed()) > 0 }

// Wake returns when the move has something to do next; zero: never. A live move always has.
func (m Move) Wake() time.Time {
	if !m.State.Live() {
		return m.owed().Wake()
	}
	return outbox.Earliest(m.DueAt, m.owed().Wake())
}

// Due returns the pending effects that may be tried now, oldest first. A wipe is never among them: it is sent by whoever
// released it, and by nobody else; see [MoveTransition].
func (m Move) Due(now time.Time) []enrollment.Effect { return m.owed().Due(now) }

// owed are the effects that the state may owe, whatever was stored: at rest nothing but the recall of a wipe.
func (m Move) owed() outbox.Effects {
	return m.Pending.Without(func(x enrollment.Effect) bool {
		switch x.Kind {
		case enrollment.SendWipe:
			return true
		case enrollment.RecallWipe:
			return false
		}
		return !m.State.Live()
	})
}

// Ready reports whether the wipe of the device may be released now: it is its turn, and it was confirmed just now.
func (m Move) Ready(p enrollment.Policy, now time.Time) bool {
	if m.State != MoveTurn || m.Wave == 0 || m.Confirmed == nil || m.Decision.Strategy != Wipe {
		return false
	}
	if _, clearing := m.Pending.Of(enrollment.ClearLock); clearing || m.Confirmed.NeedsPIN && m.PIN == "" {
		return false
	}
	if m.Wipe != nil && m.Wipe.Fate != FateUnsent && (m.Wipe.Fate != FateDoubt || !m.Confirmed.Can.RefusesRepeats) {
		return false
	}
	return now.Sub(m.Confirmed.At).Abs() <= p.WipeFreshFor // also where the clock went back
}

// Allowed returns what this actor may ask of the move now, for the buttons of a user interface.
func (m Move) Allowed(p enrollment.Policy, now time.Time, by enrollment.Actor) []EventName {
	var allowed []EventName
	for _, ev := range []MoveEvent{RetryRequested{By: by}, SkipRequested{By: by}, CancelRequested{By: by}} {
		if given, err := m.Step(p, now, ev); err == nil && given.Moved {
			allowed = append(allowed, ev.Name())
		}
	}
	return allowed
}
