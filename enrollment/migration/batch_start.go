package migration

import (
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// BatchRequest is what a batch starts from.
type BatchRequest struct {
	ID       string
	Tenant   enrollment.TenantID
	Plan     enrollment.PlanID
	Kind     enrollment.AssignmentKind
	Route    Route
	Serials  []string
	Deadline time.Time // of MigrateDevices; its moves have the same
	Manual   bool
}

// StartBatch returns a new batch. The same write tells each of its moves [AssignStarted], unless it cancels migrations. The
// error is a [*enrollment.Problem] with code CodeInvalidInput.
func StartBatch(p enrollment.Policy, now time.Time, q BatchRequest) (BatchTransition, error) {
	at := outbox.Instant(now)
	if err := q.validate(at); err != nil {
		return BatchTransition{}, err
	}
	s := batchStep{policy: p, now: at, Batch: Batch{
		ID: q.ID, Tenant: q.Tenant, Plan: q.Plan, Kind: q.Kind, Revision: 1, CreatedAt: at, Route: q.Route, Manual: q.Manual,
		LapseAt: at.Add(p.AssignWithin),
	}}
	if q.Kind == enrollment.MigrateDevices {
		s.Deadline = outbox.Instant(q.Deadline)
	}
	for _, serial := range q.Serials {
		s.Devices = append(s.Devices, BatchDevice{Serial: serial, Stage: StageMissing})
	}
	if q.Kind == enrollment.CancelMigration {
		s.LapseAt = at.Add(cancelWithin - 24*time.Hour) // before its moves stop waiting
		s.next()
	} else {
		s.look(BatchLooking, 0)
	}
	return s.transition(), nil
}

func (q BatchRequest) validate(now time.Time) error {
	seen := map[string]bool{}
	for _, serial := range q.Serials {
		if serial == "" || enrollment.NormalSerial(serial) != serial || seen[serial] {
			return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "serials", "rule", "serial numbers as Apple writes them, none twice")
		}
		seen[serial] = true
	}
	migrates := q.Kind == enrollment.MigrateDevices
	for _, c := range [...]struct {
		wrong       bool
		field, rule string
	}{
		{q.ID == "", "id", "not empty"},
		{q.Kind != enrollment.AssignDevices && !migrates && q.Kind != enrollment.CancelMigration, "kind", "assign, migrate or cancel_migration"},
		{len(q.Serials) < 1 || len(q.Serials) > enrollment.MaxBatch, "serials", "one to " + strconv.Itoa(enrollment.MaxBatch)},
		{q.Route.To == "", "to", "the server that the devices go to"},
		{q.Route.To == q.Route.From, "to", "another server than the one that the devices come from"},
		{q.Route.Profile == "", "profile", "the UUID of an enrollment profile of the new service"},
		{migrates && (!q.Deadline.After(now) || q.Deadline.After(now.Add(enrollment.MaxDeadline))), "deadline", "in the future, at most 90 days ahead"},
	} {
		if c.wrong {
			return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", c.field, "rule", c.rule)
		}
	}
	return nil
}
