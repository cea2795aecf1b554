package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// answered takes what the device, or the MDM for it, says to the wipe. An acknowledgement is no proof of an erase, and an
// error is proof of the contrary only where the device was told to do nothing then. It reports whether anything moved.
func (s *moveStep) answered(state enrollment.WipeState, reason string, at time.Time) bool {
	w := s.Wipe
	late := w != nil && w.Fate == FateVoid && state == enrollment.WipeAcknowledged && at.After(s.latest())
	if !w.MayStrike() && !late {
		return false
	}
	switch state {
	case enrollment.WipeQueued, enrollment.WipeNotNow:
		if w.Fate == FateSent {
			return false
		}
		return s.heard()
	case enrollment.WipeAcknowledged:
		s.fate(func(w *WipeFate) { w.Fate, w.AnsweredAt = FateAcknowledged, s.now })
		s.erased()
	case enrollment.WipeFailed:
		if !s.errorIsDefinite() {
			s.fate(func(w *WipeFate) { w.Fate, w.AnsweredAt = FatePerhaps, s.now })
			s.warn(enrollment.NewProblem(enrollment.CodeWipeDoubtful, "reason", because(reason)))
			s.erased()
			return true
		}
		s.declined(reason)
	case enrollment.WipeMalformed:
		s.declined(reason)
	case enrollment.WipeRecalled:
		s.unwant(enrollment.RecallWipe, enrollment.AskWipe)
		s.recalled()
	default:
		return false
	}
	return true
}

// firstWithObliteration is the first macOS that heeds what a wipe says of obliteration, on Macs with Apple silicon or a T2 chip
// (Apple, "EraseDevice", 2026).
const firstWithObliteration = 12

// errorIsDefinite reports whether the answer Error says that nothing was erased. A Mac that got a PIN may be one that heeds no
// word of obliteration.
func (s *moveStep) errorIsDefinite() bool {
	return s.Wipe.Options.ErrorIsDefinite() && s.Wipe.PIN == "" && s.Device.Major() >= firstWithObliteration
}

// latest is the last time that the device was seen to enroll.
func (s *moveStep) latest() time.Time {
	latest := s.Arriving
	if s.Enrolled.After(latest) {
		latest = s.Enrolled
	}
	return latest
}

// heard learns that the MDM has a wipe of which that was not known.
func (s *moveStep) heard() bool {
	switch s.State {
	case MoveWiping, MoveTurn:
		return s.arrived(enrollment.WipeStatus{})
	}
	s.fate(func(w *WipeFate) { w.Fate, w.Doubted = FateSent, false })
	return true
}

// declined leaves a device that did not erase itself to a person. A second wipe needs a new approval.
func (s *moveStep) declined(reason string) {
	s.fate(func(w *WipeFate) { w.Fate, w.AnsweredAt = FateRefused, s.now })
	s.unwant(enrollment.RecallWipe)
	s.hands(enrollment.CodeWipeRefused, "reason", because(reason))
}

// erased waits for the device to come back, and clears its Activation Lock where that might hold it up.
func (s *moveStep) erased() {
	s.unwant(enrollment.SendWipe, enrollment.AskWipe, enrollment.RecallWipe, enrollment.ConfirmDevice, enrollment.MakePIN)
	s.Wave, s.Confirmed = 0, nil
	if s.Wipe.Lock.Locked == enrollment.No {
		s.unwant(enrollment.ClearLock)
		s.wait(MoveReturning, s.policy.EnrollWithin)
		return
	}
	s.wait(MoveUnlocking, s.policy.EnrollWithin)
	s.wantOnce(s.now, enrollment.Effect{Kind: enrollment.ClearLock})
}

// lockCleared goes on with or without: an Activation Lock that stays is for a person to turn off at Apple's portal.
func (s *moveStep) lockCleared(ev LockCleared) bool {
	x, pending := s.pending(ev.Result, enrollment.ClearLock)
	if !pending {
		return false
	}
	before := s.State == MoveTurn // for a device that sets itself up without hands
	if ev.Outcome != enrollment.OK && ev.Outcome != enrollment.Fatal && x.Attempt < mostUnlocks {
		s.again(x, ev.Result, time.Minute, time.Hour)
		return true
	}
	s.unwant(enrollment.ClearLock)
	cleared := ev.Outcome == enrollment.OK
	switch {
	case before && s.Confirmed != nil:
		c := *s.Confirmed
		if cleared {
			c.Lock.Locked = enrollment.No
		} else {
			c.Options.ReturnToService = false
		}
		s.Confirmed = &c
	case s.State == MoveUnlocking:
		if !cleared {
			s.lockStays(reasonOf(ev.Result))
		}
		s.State = MoveReturning // the time that it has goes on
	}
	return true
}

// mostUnlocks is how often the lock is tried to be cleared: for about two days.
const mostUnlocks = 48

func (s *moveStep) lockStays(reason string) {
	s.warn(enrollment.NewProblem(enrollment.CodeLockStays, "reason", because(reason)))
}
