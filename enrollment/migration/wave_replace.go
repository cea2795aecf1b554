package migration

import (
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
)

// fewReplaced is how many devices of even the smallest wave may be replaced.
const fewReplaced = 3

// replaced takes a device that does not come by out of the wave. What has left for it goes its way, and counts in budgets.
func (s *waveStep) replaced(ev DeviceReplaced) (bool, error) {
	i := s.index(ev.Serial)
	switch {
	case !s.State.Live():
		return s.refuse("The wave has ended")
	case i < 0:
		return s.refuse("The device is not in this wave")
	case s.Replaced >= max(fewReplaced, s.Size):
		return s.refuse("As many devices were replaced as the wave has; see why none of them comes by")
	}
	switch s.Devices[i].State {
	case "", MoveQueued, MoveAssigning, MoveSeeking, MoveProfiling, MoveReading, MoveMigrating, MoveTurn, MoveAnswer, MoveOutstanding:
	default:
		return s.refuse("The device has come by: it is " + string(s.Devices[i].State))
	}
	s.Devices = slices.Delete(slices.Clone(s.Devices), i, i+1)
	s.Replaced++
	s.out(ev.Serial)
	if s.Track == TrackWipes {
		s.news = append(s.news, News{Serial: ev.Serial, Event: TurnEnded{}})
	}
	s.audit = append(s.audit, enrollment.NewAuditFact(enrollment.ActCanaryReplaced, ev.By, "wave", s.ID, "serial", ev.Serial))
	s.unneeded()
	if !s.Held { // else when it goes on
		s.call()
	}
	return true, nil
}

func (s *waveStep) refuse(next string) (bool, error) {
	return false, refuse(string(s.State), s.by, next)
}
