package migration

import (
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

const (
	// mostSends is how often a wipe may be given up unsent before the device is left to a person.
	mostSends = 10
	// settled is how long after its last moment a wipe that was under way has certainly arrived or failed, so that an MDM
	// that does not know it never will.
	settled = 5 * time.Minute
)

// wipeReleased lets the wipe go, if all of this holds at once: it is the device's turn, its new service and its MDM have
// confirmed it just now, and the approval has not wiped it before. A wipe that did not leave, or of which that is not
// known, keeps its command UUID, so that an MDM that refuses repeats never passes on both.
func (s *moveStep) wipeReleased(ev WipeReleased) bool {
	sendBy := outbox.Instant(ev.SendBy)
	if !s.Ready(s.policy, s.now) || ev.Approval == "" || s.spent(ev.Approval) ||
		!sendBy.After(s.now) || sendBy.After(s.now.Add(SendWithin)) {
		return false
	}
	c := s.Confirmed
	w := WipeFate{ReleasedAt: s.now}
	if s.Wipe != nil {
		w = *s.Wipe
		if w.Doubted = w.Doubted || w.Fate == FateDoubt; !w.Doubted {
			w.ReleasedAt = s.now
		}
	} else {
		s.Wipes++
		w.Command = enrollment.WipeCommand(s.Tenant, string(s.ID)+"/wipe/"+strconv.Itoa(s.Wipes))
	}
	w.Approval, w.Wave, w.Fate, w.SendBy, w.Withdraw = ev.Approval, s.Wave, FateSending, sendBy, false
	w.Options, w.Lock, w.Can, w.PIN = c.Options, c.Lock, c.Can, ""
	if c.NeedsPIN {
		w.PIN = s.PIN
	}
	s.Wipe, s.Confirmed = &w, nil
	s.unwant(enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.AskWipe)
	s.wait(MoveWiping, sendBy.Sub(s.now))
	s.want(s.now, enrollment.Effect{Kind: enrollment.SendWipe, Wipe: s.order()})
	send := s.Pending[len(s.Pending)-1]
	s.fate(func(w *WipeFate) { w.Effect = send.ID })
	s.given.Send = &send
	s.say(enrollment.ActWipeReleased, enrollment.Nobody, "command", w.Command, "approval", w.Approval,
		"wave", strconv.Itoa(w.Wave), "udid", s.Device.UDID)
	return true
}

// spent reports whether another wipe of the device was released by an approval.
func (s *moveStep) spent(approval string) bool {
	for _, a := range s.Spent {
		if a == approval {
			return true
		}
	}
	return false
}

// wipeSent takes the end of an attempt. One that comes after it was given up still tells whether the wipe left.
func (s *moveStep) wipeSent(ev WipeSent) bool {
	if s.Wipe == nil || ev.Effect != s.Wipe.Effect || !s.Wipe.MayStrike() {
		return false
	}
	inTime := s.State == MoveWiping
	if !inTime && (s.Wipe.Fate != FateDoubt || s.State != MoveAnswer && s.State != MoveTurn) {
		return false
	}
	switch ev.Outcome {
	case enrollment.OK:
		return s.arrived(ev.Status)
	case enrollment.Retry, enrollment.Fatal:
		return s.unsent(ev.Outcome == enrollment.Fatal, reasonOf(ev.Result))
	}
	if inTime {
		s.doubt()
	}
	return inTime
}

// arrived waits for the device, now that the MDM has the wipe.
func (s *moveStep) arrived(status enrollment.WipeStatus) bool {
	s.unwant(enrollment.SendWipe, enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.ClearLock)
	s.fate(func(w *WipeFate) { w.Fate, w.Doubted = FateSent, false })
	s.awaitAnswer()
	if s.Wipe.Can.Status {
		s.wantOnce(s.now.Add(time.Hour), enrollment.Effect{Kind: enrollment.AskWipe, Wipe: s.order()})
	}
	s.answered(status.State, status.Reason, status.At)
	return true
}

// awaitAnswer waits for the device's answer, from the last time that the wipe may have left.
func (s *moveStep) awaitAnswer() {
	due := s.Wipe.SendBy.Add(s.policy.WipeAnswerWithin)
	s.Wave, s.Confirmed = 0, nil
	s.wait(MoveAnswer, max(due.Sub(s.now), time.Hour))
}

// unsent goes back to wait for another turn, if no earlier attempt may have arrived.
func (s *moveStep) unsent(fatal bool, reason string) bool {
	if s.Wipe.Doubted {
		s.doubt()
		return true
	}
	s.unwant(enrollment.SendWipe, enrollment.AskWipe, enrollment.RecallWipe)
	s.fate(func(w *WipeFate) { w.Fate = FateUnsent })
	s.Tries++
	if fatal || s.Tries >= mostSends {
		return s.hands(enrollment.CodeWipeNotSent, "reason", because(reason))
	}
	s.nextTurn()
	s.Problem = enrollment.NewProblem(enrollment.CodeWipeDelayed, "reason", because(reason))
	return true
}

// nextTurn waits for another turn of the device.
func (s *moveStep) nextTurn() {
	s.unwant(enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.ClearLock)
	s.Wave, s.Confirmed = 0, nil
	s.wait(MoveTurn, turnWithin)
}

// doubt takes a wipe that may have left, or not. It is asked about; or sent again, in another turn, where a repeat does no
// harm; else only a fact can tell.
func (s *moveStep) doubt() {
	s.unwant(enrollment.SendWipe)
	s.fate(func(w *WipeFate) { w.Fate = FateDoubt })
	switch {
	case s.Wipe.Can.Status:
		s.awaitAnswer()
		s.wantOnce(s.Wipe.SendBy.Add(settled), enrollment.Effect{Kind: enrollment.AskWipe, Wipe: s.order()})
	case s.Wipe.Can.RefusesRepeats && s.Tries < mostSends:
		s.Tries++
		s.nextTurn()
	default:
		s.awaitAnswer()
	}
}

// wipeAsked takes where the MDM says that the wipe stands.
func (s *moveStep) wipeAsked(ev WipeAsked) bool {
	x, pending := s.pending(ev.Result, enrollment.AskWipe)
	if !pending || s.Wipe == nil {
		return false
	}
	switch {
	case !s.Wipe.MayStrike() || ev.Outcome == enrollment.Fatal:
		s.unwant(enrollment.AskWipe) // only a fact can tell
		return true
	case ev.Outcome != enrollment.OK:
		s.again(x, ev.Result, time.Minute, time.Hour)
		return true
	case ev.Status.State == enrollment.WipeUnheard && s.Wipe.Fate == FateDoubt:
		s.fate(func(w *WipeFate) { w.Doubted = false })
		return s.unsent(false, "it never reached the MDM")
	}
	s.again(x, ev.Result, time.Hour, 6*time.Hour)
	s.answered(ev.Status.State, ev.Status.Reason, ev.Status.At)
	return true
}

// wipeRecalled takes the end of an attempt to withdraw the wipe.
func (s *moveStep) wipeRecalled(ev WipeRecalled) bool {
	x, pending := s.pending(ev.Result, enrollment.RecallWipe)
	if !pending {
		return false
	}
	switch {
	case s.Wipe == nil:
		s.unwant(enrollment.RecallWipe)
	case ev.Outcome == enrollment.OK:
		s.unwant(enrollment.RecallWipe, enrollment.AskWipe)
		s.say(enrollment.ActWipeRecalled, enrollment.Nobody, "command", s.Wipe.Command)
		s.recalled()
	case ev.Outcome == enrollment.Fatal || x.Attempt >= mostRecalls:
		s.unwant(enrollment.RecallWipe)
		s.notRecalled(reasonOf(ev.Result))
	default:
		s.again(x, ev.Result, time.Minute, time.Hour)
	}
	return true
}

// mostRecalls is how often a wipe is recalled before it is left to stand: for about a day.
const mostRecalls = 28

// recalled ends what waited for the wipe to be withdrawn.
func (s *moveStep) recalled() {
	if !s.Wipe.MayStrike() {
		return // it was void already
	}
	s.fate(func(w *WipeFate) { w.Fate = FateRecalled })
	switch s.State {
	case MoveCancelling:
		s.rest(MoveCancelled, nil)
	case MoveAnswer, MoveTurn, MoveOutstanding:
		s.hands(enrollment.CodeWipeWithdrawn)
	}
}

// notRecalled says that the wipe may still strike.
func (s *moveStep) notRecalled(reason string) {
	switch {
	case s.Wipe.Fate == FateVoid:
		s.warn(enrollment.NewProblem(enrollment.CodeWipeMayStrike, "reason", because(reason)))
	case s.State == MoveCancelling:
		s.outstanding()
	}
}

// outstanding lists a wipe that nobody answered and that is not withdrawn. It is recalled, where the MDM can.
func (s *moveStep) outstanding() {
	s.State, s.EndedAt, s.DueAt = MoveOutstanding, s.now, time.Time{}
	s.Wave, s.Confirmed = 0, nil
	s.Problem = enrollment.NewProblem(enrollment.CodeWipeOutstanding)
	s.Pending = s.owed()
}
