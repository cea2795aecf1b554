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
	// mostLooks is how often a plan that has ended looks for devices that a fact brought on their way again: for about a month.
	mostLooks = 120
)

// AwayStates are the states of moves whose devices are to come back by themselves: which are being erased or set up, or change
// their MDM by a deadline.
func AwayStates() []MoveState {
	return []MoveState{MoveMigrating, MoveAnswer, MoveUnlocking, MoveReturning}
}

// lookFor has devices that are away looked for; false: that is so already.
func (s *planStep) lookFor() bool {
	if _, pending := s.Pending.Of(enrollment.LookUp); pending {
		return false
	}
	s.Seq++
	s.Pending = s.Pending.Wanted(string(s.ID), s.Seq, s.now.Add(lookAfter), enrollment.Effect{Kind: enrollment.LookUp})
	return true
}

// looked goes on with the look at once while there are more devices to look for; else after a time that grows, for as long as any
// is away.
func (s *planStep) looked(ev Looking) bool {
	x, pending := s.pending(ev.Result, enrollment.LookUp)
	switch {
	case !pending:
		return false
	case ev.Outcome == enrollment.OK && ev.Next > s.Looked:
		s.Looked, x.NotBefore = ev.Next, s.now
		s.Pending = s.Pending.Replaced(x)
	case ev.Outcome == enrollment.OK && ev.Away < 1, x.Attempt >= mostLooks && !s.State.Live():
		s.Looked, s.Pending = "", s.Pending.WithoutID(x.ID)
	case ev.Outcome != enrollment.OK:
		s.again(x, ev.Result, time.Minute, lookEvery)
	default:
		s.Looked = ""
		s.again(x, ev.Result, lookAfter, lookEvery)
	}
	return true
}
