package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// profilesAssigned takes what became of each device. Those that Apple puts off are asked for again when it says so.
func (s *batchStep) profilesAssigned(ev ProfilesAssigned) bool {
	x, pending := s.pending(ev.Result, enrollment.AssignProfiles)
	switch {
	case !pending || s.State != BatchProfiling:
		return false
	case ev.Outcome == enrollment.Fatal:
		s.news(StageSeen, ProfileResult{Outcome: enrollment.Fatal, Reason: ev.Reason})
		s.set(StageSeen, StageRefused)
		s.next()
		return true
	case ev.Outcome != enrollment.OK:
		return s.again(x, ev.Result, 5*time.Second, 30*time.Minute) // twice does no harm
	}
	var wait time.Duration
	for _, r := range ev.Devices {
		i := s.index(r.Serial)
		if i < 0 || s.Devices[i].Stage != StageSeen {
			continue
		}
		switch r.Outcome {
		case enrollment.OK:
			s.Devices[i].Stage = StageGiven
		case enrollment.Fatal:
			s.Devices[i].Stage = StageRefused
		default:
			wait = max(wait, r.RetryAfter)
			continue
		}
		s.given.News = append(s.given.News, News{r.Serial, ProfileResult{Outcome: r.Outcome, Reason: r.Reason}})
	}
	if s.Count(StageSeen) == 0 {
		s.next()
		return true
	}
	return s.again(x, enrollment.Result{RetryAfter: wait}, 5*time.Second, 30*time.Minute)
}
