package migration

import (
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// mostBatches is how many batches may give a device back before it fails.
const mostBatches = 20

// assignStarted goes along with a batch. A migration has its deadline from the beginning: assigning a device again to set
// one would take its enrollment profile away.
func (s *moveStep) assignStarted(ev AssignStarted) bool {
	if s.State != MoveQueued || ev.Batch == "" {
		return false
	}
	if s.Decision.Strategy == Migrate {
		deadline := outbox.Instant(ev.Deadline)
		if !deadline.After(s.now) || deadline.After(s.now.Add(enrollment.MaxDeadline)) {
			return false
		}
		s.Deadline = deadline
	}
	s.Batch, s.AskedAt = ev.Batch, s.now
	s.wait(MoveAssigning, s.policy.AssignWithin)
	return true
}

func (s *moveStep) assignResult(ev AssignResult) bool {
	if ev.Batch != s.Batch || s.State != MoveAssigning && (s.State != MoveSeeking || ev.Outcome != enrollment.Fatal) {
		return false
	}
	switch ev.Outcome {
	case enrollment.OK, enrollment.Unknown:
		s.wait(MoveSeeking, s.policy.AssignWithin)
	case enrollment.Retry:
		s.Tries++
		if s.Tries >= mostBatches {
			s.refused(enrollment.CodeAssignmentRefused, ev.Reason)
			return true
		}
		s.Batch, s.AskedAt, s.Deadline = "", time.Time{}, time.Time{}
		s.wait(MoveQueued, turnWithin)
	case enrollment.Fatal:
		s.refused(enrollment.CodeAssignmentRefused, ev.Reason)
	default:
		return false
	}
	return true
}

func (s *moveStep) refused(code enrollment.Code, reason string) {
	s.rest(MoveFailed, enrollment.NewProblem(code, "reason", because(reason)))
}

func (s *moveStep) profileResult(ev ProfileResult) bool {
	switch {
	case ev.Outcome == enrollment.Fatal && (s.State == MoveProfiling || s.State == MoveReading):
		s.refused(enrollment.CodeProfileRefused, ev.Reason)
		return true
	case s.State == MoveProfiling && (ev.Outcome == enrollment.OK || ev.Outcome == enrollment.Unknown):
		s.wait(MoveReading, s.policy.AssignWithin)
		return true
	}
	return false // throttled: the batch repeats it
}

// readBack believes nothing but what the new service shows.
func (s *moveStep) readBack(seen enrollment.AssignedDevice) bool {
	if seen.Serial != s.Device.Serial || seen.ObservedAt.Before(s.StartedAt) {
		return false
	}
	if seen.Released == enrollment.Yes {
		return s.released()
	}
	if seen.Assigned == enrollment.No {
		return s.gone(seen) && s.taken()
	}
	if seen.Assigned != enrollment.Yes {
		return false
	}
	moved := s.fetched(seen.ProfilePushed)
	switch s.State {
	case MoveQueued:
		// It is there already, and assigning it again would take its enrollment profile away. One that is to migrate is
		// there only with a deadline.
		if s.Decision.Strategy == Migrate && !seen.MigrationDeadline.After(s.now) {
			return moved
		}
		s.AskedAt, s.Deadline = s.now, outbox.Instant(seen.MigrationDeadline)
		s.assigned(seen)
		return true
	case MoveSeeking:
		s.assigned(seen)
		return true
	case MoveProfiling, MoveReading:
		return s.profileSeen(seen) || moved
	case MoveTurn, MoveWiping, MoveAnswer:
		return s.profileLost(seen) || moved
	case MoveMigrating:
		return s.migrationSeen(seen) || moved
	case MoveUnlocking, MoveReturning:
		return s.profileNeeded(seen) || moved
	}
	return moved
}

// gone reports whether a device that its new service had shown is not there any more. Apple's answers lag, so one from right
// after says nothing.
func (s *moveStep) gone(seen enrollment.AssignedDevice) bool {
	return seen.Assigned == enrollment.No && !s.AssignedAt.IsZero() && seen.ObservedAt.After(s.AssignedAt.Add(askew))
}

// assigned goes on to the profile, which the service may show already.
func (s *moveStep) assigned(seen enrollment.AssignedDevice) {
	s.AssignedAt, s.Tries = s.now, 0
	s.wait(MoveProfiling, s.policy.AssignWithin)
	s.profileSeen(seen)
}

// profileSeen goes on once the service shows the profile. One that it shows as removed has to be assigned again.
func (s *moveStep) profileSeen(seen enrollment.AssignedDevice) bool {
	switch {
	case seen.HasProfile(s.Route.Profile):
	case s.State == MoveReading && seen.ProfileStatus == enrollment.ProfileRemoved:
		s.State = MoveProfiling // the time that it has goes on
		return true
	default:
		return false
	}
	s.ProfileAt = s.now
	if s.Fetched.After(s.since()) && (s.Decision.Strategy == Wipe || s.Decision.Strategy == Hands) {
		s.wait(MoveReturning, s.policy.EnrollWithin) // somebody erased it already
		return true
	}
	switch s.Decision.Strategy {
	case Reassign:
		s.rest(MoveReassigned, nil)
	case Migrate:
		s.wait(MoveMigrating, max(s.Deadline.Sub(s.now), 0)+s.policy.MigrationGrace)
	case Wipe:
		s.wait(MoveTurn, turnWithin)
	default:
		return s.hands(enrollment.CodeEraseByHand, "why", s.Decision.why())
	}
	return true
}

// why tells the reasons of a decision in English.
func (d Decision) why() string {
	var texts []string
	for _, r := range d.Reasons {
		if text := r.Text(); text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return "no automatic way fits it"
	}
	return strings.Join(texts, "; ")
}

// profileLost takes a device whose profile is gone out of its turn, and withdraws its wipe: wiped now, it would come back
// without management.
func (s *moveStep) profileLost(seen enrollment.AssignedDevice) bool {
	if seen.HasProfile(s.Route.Profile) || seen.ProfileStatus == "" { // not every view tells of profiles
		return false
	}
	if s.Wipe.MayStrike() {
		return s.hands(enrollment.CodeProfileUnseen)
	}
	s.turnEnded()
	s.wait(MoveProfiling, s.policy.AssignWithin)
	return true
}

// profileNeeded says where an erased device would come back without management, until its profile is assigned again.
func (s *moveStep) profileNeeded(seen enrollment.AssignedDevice) bool {
	said := s.Problem != nil
	switch has := seen.HasProfile(s.Route.Profile); {
	case !has && !said && seen.ProfileStatus != "":
		s.Problem = enrollment.NewProblem(enrollment.CodeProfileUnseen)
	case has && said:
		s.Problem = nil
	default:
		return false
	}
	return true
}

func (s *moveStep) migrationSeen(seen enrollment.AssignedDevice) bool {
	if seen.Migration == enrollment.MigrationFailed {
		return s.hands(enrollment.CodeMigrationFailed)
	}
	deadline := outbox.Instant(seen.MigrationDeadline)
	if seen.MigrationDeadline.IsZero() || deadline.Equal(s.Deadline) {
		return false
	}
	// Somebody hurried it at the portal.
	s.Deadline = deadline
	s.wait(MoveMigrating, max(s.Deadline.Sub(s.now), 0)+s.policy.MigrationGrace)
	return true
}

func (s *moveStep) deadlineCancelled(ev DeadlineCancelled) bool {
	if s.State != MoveCancelling || s.Decision.Strategy != Migrate {
		return false
	}
	switch ev.Outcome {
	case enrollment.OK:
		s.rest(MoveCancelled, nil)
		return true
	case enrollment.Fatal:
		return s.hands(enrollment.CodeMigrationStays, "reason", because(ev.Reason))
	}
	return false // the batch repeats it
}
