package migration

import (
	"fmt"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// refuse answers what a person asked with a no, and what they can do instead.
func (s *moveStep) refuse(next string) (bool, error) {
	return false, refuse(string(s.State), s.by, next)
}

// mostWipes is how often one device may be wiped within one plan.
const mostWipes = 5

const (
	alreadyErased = "The device erases itself already; wait until it enrolls"
	hasEnrolled   = "The device is enrolled at its new MDM; there is nothing left to do"
	newPlan       = "Make a new plan for the device, which is approved for itself"
)

// skip leaves the device alone, as long as nothing has happened to it that would have to be taken back.
func (s *moveStep) skip(ev SkipRequested) (bool, error) {
	_, recalling := s.owed().Of(enrollment.RecallWipe)
	switch {
	case s.State == MoveSkipped:
		return false, nil
	case s.State == MoveEnrolled || s.State == MoveReassigned || s.State == MoveCancelled:
		return s.refuse("The move of this device has ended; there is nothing to skip")
	case s.Wipe.MayStrike():
		return s.refuse("A wipe may be under way to the device; cancel it instead, which withdraws it where that is possible")
	case recalling:
		return s.refuse("Its wipe is still being withdrawn; wait for that")
	case s.State == MoveUnlocking || s.State == MoveReturning:
		return s.refuse(alreadyErased)
	case s.State == MoveCancelling, s.Decision.Strategy == Migrate && s.State.Live() && !s.AskedAt.IsZero():
		return s.refuse("Its migration has to be cancelled at Apple; cancel it instead")
	}
	s.say(enrollment.ActMoveSkipped, ev.By, "from", string(s.State))
	s.rest(MoveSkipped, nil)
	return true, nil
}

// cancel gives up. What has left for the device is taken back where that is possible, and listed where it is not.
func (s *moveStep) cancel(ev CancelRequested) (bool, error) {
	switch {
	case s.State == MoveCancelled || s.State == MoveCancelling:
		return false, nil
	case !s.State.Live():
		return s.refuse("The move of this device has ended; there is nothing to cancel")
	case s.State == MoveUnlocking || s.State == MoveReturning:
		return s.refuse(alreadyErased)
	}
	s.say(enrollment.ActMoveCancelled, ev.By, "from", string(s.State))
	switch {
	case s.Wipe.MayStrike():
		s.unwant(enrollment.AskWipe, enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.ClearLock)
		s.doubtIfSending()
		if !s.recall() {
			s.outstanding()
			return true, nil
		}
		s.Wave, s.Confirmed = 0, nil
		s.wait(MoveCancelling, cancelWithin)
	case s.Decision.Strategy == Migrate && !s.AskedAt.IsZero():
		s.wait(MoveCancelling, cancelWithin)
	default:
		s.rest(MoveCancelled, nil)
	}
	return true, nil
}

// cancelWithin is how long Apple, or an MDM, may take to take back what was asked of it.
const cancelWithin = 7 * 24 * time.Hour

// doubtIfSending takes a wipe that is being sent for one that may have left.
func (s *moveStep) doubtIfSending() {
	if s.Wipe.Fate == FateSending {
		s.fate(func(w *WipeFate) { w.Fate = FateDoubt })
	}
	s.unwant(enrollment.SendWipe)
}

// gateClosed sends nothing any more and recalls what may have left.
func (s *moveStep) gateClosed() bool {
	if !s.Wipe.MayStrike() || s.State != MoveTurn && s.State != MoveWiping && s.State != MoveAnswer {
		return s.turnEnded()
	}
	if s.Wipe.Withdraw {
		return false
	}
	s.turnEnded()
	s.unwant(enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.ClearLock)
	s.doubtIfSending()
	s.fate(func(w *WipeFate) { w.Withdraw = true })
	s.recall()
	s.awaitAnswer()
	return true
}

// retry begins anew. A wipe that left counts: the next one needs another approval.
func (s *moveStep) retry(ev RetryRequested) (bool, error) {
	_, recalling := s.owed().Of(enrollment.RecallWipe)
	chosen := s.Decision
	if ev.Decision.Strategy != "" {
		chosen = ev.Decision
	}
	switch {
	case s.State.Live():
		return s.refuse("The device is still on its way; wait, or cancel it first")
	case s.State == MoveEnrolled:
		return s.refuse(hasEnrolled)
	case s.State == MoveReassigned:
		return s.refuse("The device is assigned to its new service, as was planned. To do more with it: " + newPlan)
	case s.State == MoveOutstanding || recalling:
		return s.refuse("Its wipe may still reach the device; wait for its answer, or until the wipe is withdrawn")
	case s.Problem != nil && s.Problem.Code == enrollment.CodeDeviceMismatch:
		return s.refuse(newPlan)
	case chosen.Strategy.name() == "" || chosen.Strategy == Nothing || chosen.Strategy.Harm() > s.Decision.Strategy.Harm():
		return s.refuse(newPlan)
	case chosen.Strategy == Wipe && s.Wipes >= mostWipes:
		return s.refuse("The device was wiped " + fmt.Sprint(s.Wipes) + " times within this plan; " + newPlan)
	}
	if s.Wipe != nil && s.Wipe.Fate != FateUnsent { // one that has certainly not left is the same wipe still
		s.Spent, s.Wipe = append(slices.Clip(s.Spent), s.Wipe.Approval), nil
	}
	s.say(enrollment.ActMoveRetried, ev.By, "from", string(s.State), "strategy", string(chosen.Strategy))
	s.Decision = chosen
	s.StartedAt, s.AskedAt, s.AssignedAt, s.ProfileAt, s.Deadline = s.now, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	s.Arriving, s.Enrolled, s.Fetched = time.Time{}, time.Time{}, time.Time{}
	s.Warnings, s.Tries = nil, 0
	s.wait(MoveQueued, turnWithin)
	return true, nil
}
