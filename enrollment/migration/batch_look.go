package migration

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// look has the devices looked for at their new service.
func (s *batchStep) look(state BatchState, after time.Duration) {
	s.enter(state)
	s.want(enrollment.LookUp, after)
}

// byHand waits for a person at the portal, and looks from time to time.
func (s *batchStep) byHand() {
	if s.State != BatchByHand {
		s.told(enrollment.OK)
		s.look(BatchByHand, time.Minute)
	}
	if !s.Notified {
		s.notify()
	}
}

// looked takes what the new service shows: nothing else counts.
func (s *batchStep) looked(ev Looked) bool {
	x, pending := s.pending(ev.Result, enrollment.LookUp)
	if !pending {
		return false
	}
	if ev.Outcome != enrollment.OK {
		return s.again(x, ev.Result, time.Second, 10*time.Minute)
	}
	if s.now.Before(s.DoubtTo) {
		return s.again(x, enrollment.Result{RetryAfter: s.DoubtTo.Sub(s.now)}, time.Minute, time.Minute)
	}
	before, given := s.stages(), s.Count(StageGiven)
	for _, seen := range ev.Seen {
		s.see(seen)
	}
	if given > 0 && s.Count(StageSeen) > 0 {
		s.Tries++
	}
	if slices.Equal(before, s.stages()) && s.waits() {
		return s.again(x, ev.Result, 15*time.Second, s.lookEvery())
	}
	s.State, s.Pending = "", s.Pending.WithoutID(x.ID) // whatever comes next is entered anew
	s.next()
	return true
}

// lookEvery is how often devices are looked for at most.
func (s *batchStep) lookEvery() time.Duration {
	if s.State == BatchByHand || s.Posts >= mostPosts {
		return time.Hour
	}
	return 5 * time.Minute
}

// waits reports whether looking again is all that there is to do now.
func (s *batchStep) waits() bool {
	switch s.State {
	case BatchByHand:
		return true
	case BatchChecking, BatchReading:
		return !s.mayPost()
	}
	return false
}

// stages is where the devices stand, to be compared.
func (s *batchStep) stages() []BatchStage {
	stages := make([]BatchStage, len(s.Devices))
	for i, d := range s.Devices {
		stages[i] = d.Stage
	}
	return stages
}

func (b Batch) index(serial string) int {
	return slices.IndexFunc(b.Devices, func(d BatchDevice) bool { return d.Serial == serial })
}

// see takes one device as the new service shows it.
func (s *batchStep) see(seen enrollment.AssignedDevice) {
	i := s.index(seen.Serial)
	if i < 0 {
		return
	}
	d := &s.Devices[i]
	if s.Kind == enrollment.CancelMigration {
		if d.Stage == StageMissing && (seen.Assigned == enrollment.No || seen.Assigned == enrollment.Yes && seen.MigrationDeadline.IsZero()) {
			d.Stage = StageDone
			s.given.News = append(s.given.News, News{d.Serial, DeadlineCancelled{Outcome: enrollment.OK}})
		}
		return
	}
	if d.Stage == StageMissing && s.arrived(seen) {
		d.Stage = StageSeen
		// It may be there although nobody asked for it: then its move has to hear that first.
		s.given.News = append(s.given.News, News{d.Serial, AssignResult{Batch: s.ID, Outcome: enrollment.OK}})
	}
	if d.Stage == StageMissing && seen.Released != enrollment.Yes {
		return // it is not there yet, which is nothing to tell
	}
	s.given.News = append(s.given.News, News{d.Serial, ReadBack{Seen: seen}})
	switch {
	case d.Stage == StageMissing:
		d.Stage = StageRefused // it does not belong to the organization any more
	case d.Stage != StageSeen && d.Stage != StageGiven:
	case seen.Assigned == enrollment.No, seen.Released == enrollment.Yes:
		d.Stage = StageRefused // somebody took it away; its move knows by now
	case seen.HasProfile(s.Route.Profile):
		d.Stage = StageDone
	case d.Stage == StageGiven && seen.ProfileStatus == enrollment.ProfileRemoved:
		d.Stage = StageSeen // an assignment took it away again
	}
}

// arrived reports whether the new service has the device in the way that was asked for: one that is to migrate has a deadline.
func (s *batchStep) arrived(seen enrollment.AssignedDevice) bool {
	if seen.Assigned != enrollment.Yes {
		return false
	}
	return s.Kind != enrollment.MigrateDevices || seen.MigrationDeadline.After(s.now)
}
