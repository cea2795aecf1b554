package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// What happens to devices is told by facts: an MDM's messages. Those get lost, so that beside them the new service is looked at
// from time to time, for many devices in each call: it shows which of them have fetched its profile.

const (
	// lookAfter is how long facts have before anybody looks.
	lookAfter = 30 * time.Minute
	// lookEvery is how often a plan looks at most that takes long.
	lookEvery = 6 * time.Hour
)

// AwayStates are the states of moves whose devices are to come back by themselves: which are being erased or set up, or change
// their MDM by a deadline.
func AwayStates() []MoveState {
	return []MoveState{MoveMigrating, MoveAnswer, MoveUnlocking, MoveReturning}
}

// lookFor has devices that are away looked for.
func (s *planStep) lookFor() {
	if _, pending := s.Pending.Of(enrollment.LookUp); pending {
		return
	}
	s.Seq++
	s.Pending = s.Pending.Wanted(string(s.ID), s.Seq, s.now.Add(lookAfter), enrollment.Effect{Kind: enrollment.LookUp})
}

// looked goes on with the look at once while there are more devices to look for; else after a time that grows. The next count
// says whether there still is anything to look for.
func (s *planStep) looked(ev Looking) bool {
	x, pending := s.pending(ev.Result, enrollment.LookUp)
	switch {
	case !pending:
		return false
	case ev.Outcome != enrollment.OK:
		s.again(x, ev.Result, time.Minute, lookEvery)
	case ev.Next != "" && ev.Next != s.Looked:
		s.Looked, x.NotBefore = ev.Next, s.now
		s.Pending = s.Pending.Replaced(x)
	case s.Tally.Away == 0:
		s.Looked, s.Pending = "", s.Pending.WithoutID(x.ID)
	default:
		s.Looked = ""
		s.again(x, ev.Result, lookAfter, lookEvery)
	}
	return true
}
