package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// tick ends a wait that has been too long.
func (s *moveStep) tick() bool {
	if !s.State.Live() || s.now.Before(s.DueAt) {
		return false
	}
	switch s.State {
	case MoveQueued:
		s.rest(MoveFailed, enrollment.NewProblem(enrollment.CodeNoTurn))
	case MoveAssigning, MoveSeeking:
		s.rest(MoveFailed, enrollment.NewProblem(enrollment.CodeAssignmentUnseen))
	case MoveProfiling, MoveReading:
		s.rest(MoveFailed, enrollment.NewProblem(enrollment.CodeProfileUnseen))
	case MoveMigrating:
		s.hands(enrollment.CodeMigrationOverdue, "deadline", s.Deadline.Format(time.DateOnly))
	case MoveTurn:
		if s.Wipe.MayStrike() {
			s.unanswered()
			return true
		}
		s.rest(MoveFailed, enrollment.NewProblem(enrollment.CodeNoTurn))
	case MoveWiping:
		s.doubt() // who released it may have sent it, and not come to say so
	case MoveAnswer:
		s.unanswered()
	case MoveUnlocking:
		s.lockStays("it took too long")
		s.unseen()
	case MoveReturning:
		s.missing()
	case MoveCancelling:
		if s.Wipe.MayStrike() {
			s.unanswered()
			return true
		}
		s.hands(enrollment.CodeMigrationStays, "reason", "")
	}
	return true
}

// unanswered withdraws a wipe that the device has not answered, or lists it.
func (s *moveStep) unanswered() {
	s.recall()
	s.outstanding()
}

// missing tells apart what came back by its old service and what did not come back at all.
func (s *moveStep) missing() {
	if s.Route.OneMDM() && s.Enrolled.After(s.since()) {
		s.rest(MoveReturned, enrollment.NewProblem(enrollment.CodeReturned))
		return
	}
	s.unseen()
}

// unseen leaves a device that never came back to a person.
func (s *moveStep) unseen() {
	if s.Wipe != nil && s.Wipe.Fate == FatePerhaps {
		s.hands(enrollment.CodeEraseByHand, "why", "it answered its wipe with an error and has not enrolled again, so it probably did not erase itself")
		return
	}
	s.hands(enrollment.CodeNotSeenAgain)
}
