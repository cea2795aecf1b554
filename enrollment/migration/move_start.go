package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// MoveRequest is what the move of a device starts from.
type MoveRequest struct {
	ID       enrollment.MoveID
	Tenant   enrollment.TenantID
	Plan     enrollment.PlanID
	Device   enrollment.Device
	Route    Route
	Decision Decision // of [Decide], as it was approved
}

// StartMove returns a new move, which waits for a batch; one of a device that cannot be moved is skipped at once. The error
// is a [*enrollment.Problem] with code CodeInvalidInput.
func StartMove(now time.Time, q MoveRequest) (MoveTransition, error) {
	if err := q.validate(); err != nil {
		return MoveTransition{}, err
	}
	at := outbox.Instant(now)
	s := moveStep{now: at, by: eventMade, Move: Move{
		ID: q.ID, Tenant: q.Tenant, Plan: q.Plan, Revision: 1, CreatedAt: at, StartedAt: at,
		Device: q.Device, Route: q.Route, Decision: q.Decision,
	}}
	if q.Decision.Strategy == Nothing {
		s.rest(MoveSkipped, enrollment.NewProblem(enrollment.CodeDeviceReleased))
	} else {
		s.wait(MoveQueued, turnWithin)
	}
	return s.transition(""), nil
}

// turnWithin is how long a device waits for a batch or its turn: longer than waves of migrations take with their deadlines, and
// long enough for budgets. Then it fails, and a person may retry it.
const turnWithin = 180 * 24 * time.Hour

func (q MoveRequest) validate() error {
	for _, c := range [...]struct {
		wrong       bool
		field, rule string
	}{
		{q.ID == "", "id", "not empty"},
		{q.Device.Serial == "" || enrollment.NormalSerial(q.Device.Serial) != q.Device.Serial, "serial", "a serial number as Apple writes it"},
		{q.Route.To == "", "to", "the server that the devices go to"},
		{q.Route.To == q.Route.From, "to", "another server than the one that the devices come from"},
		{q.Route.Profile == "", "profile", "the UUID of an enrollment profile of the new service"},
		{q.Route.OldMDM == "" || q.Route.NewMDM == "", "mdm", "the MDM of both services"},
		{q.Decision.Strategy.name() == "", "strategy", "nothing, reassign, migrate, hands or wipe"},
		{q.Decision.Strategy == Wipe && q.Device.UDID == "", "udid", "known, where the device is to be wiped"},
	} {
		if c.wrong {
			return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", c.field, "rule", c.rule)
		}
	}
	return nil
}

// name is empty for what is no decision.
func (s Strategy) name() string {
	switch s {
	case Nothing, Reassign, Migrate, Hands, Wipe:
		return string(s)
	}
	return ""
}
