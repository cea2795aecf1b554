package migration

import (
	"fmt"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

const (
	// longestRun is how long a plan may go on at most. Every move ends before, unless it is retried.
	longestRun = 400 * 24 * time.Hour
	// longestPause is how long a paused plan waits for a person.
	longestPause = 90 * 24 * time.Hour
	// endWithin is how long what is under way may take to be taken back.
	endWithin = 30 * 24 * time.Hour
	// fewEnded is how many devices must have come to their end before a plan judges itself by them; waves judge smaller numbers.
	fewEnded = 20
)

// run begins, or goes on after the approval was renewed.
func (s *planStep) run(by enrollment.Actor) {
	s.State, s.Pause, s.Problem, s.CoolUntil = PlanRunning, nil, nil, time.Time{}
	if s.StartedAt.IsZero() {
		s.StartedAt = s.now
	}
	s.LapseAt = s.StartedAt.Add(longestRun)
	s.Base = s.Tally
	s.quiet()
	if !s.Stopped {
		s.wantOnce(enrollment.MakeBatches)
	}
	s.wantOnce(enrollment.CountMoves)
	s.say(enrollment.ActPlanStarted, by)
	s.deaf()
}

// countEvery is how often the moves are counted: each minute, and less often where there are many or the plan takes long. What
// cannot wait for it says so: the end of a batch, or of a wave.
func (s *planStep) countEvery() time.Duration {
	many := time.Duration(min(max(s.Listing.Devices, 0), 400_000)) * 5 * time.Millisecond
	return time.Minute + many + min(max(s.now.Sub(s.StartedAt)/100, 0), 10*time.Minute).Truncate(time.Second)
}

// counted takes how the moves stand, and does what follows of it: waves, batches, a pause, the end.
func (s *planStep) counted(ev Counted) bool {
	x, pending := s.pending(ev.Result, enrollment.CountMoves)
	if !pending {
		return false
	}
	if ev.Outcome != enrollment.OK {
		s.again(x, ev.Result, time.Second, s.countEvery())
		return true
	}
	s.Tally = ev.Tally
	s.Pending = s.Pending.WithoutID(x.ID)
	if s.ended() {
		return true
	}
	s.Seq++
	s.Pending = s.Pending.Wanted(string(s.ID), s.Seq, s.now.Add(s.countEvery()), enrollment.Effect{Kind: enrollment.CountMoves})
	if s.Tally.Away > 0 {
		_ = s.lookFor()
	}
	switch {
	case s.State == PlanCancelling && s.Tally.Undoing > 0:
		s.wantOnce(enrollment.MakeBatches)
	case s.State != PlanRunning || s.failing():
	default:
		if s.Tally.Queued > 0 && !s.Stopped {
			s.wantOnce(enrollment.MakeBatches)
		}
		s.climb()
	}
	return true
}

// ended ends the plan when every device of its list has come to its end.
func (s *planStep) ended() bool {
	all := 0
	for _, n := range s.Tally.States {
		all += n
	}
	if s.Tally.Live() > 0 || all < s.Listing.Devices {
		return false
	}
	switch s.State {
	case PlanCancelling:
		s.rest(PlanCancelled)
	default:
		s.rest(PlanCompleted)
	}
	return true
}

// failing pauses the plan where too many of the devices failed that came to their end since it runs.
func (s *planStep) failing() bool {
	ended, failed := s.Tally.Ended-s.Base.Ended, s.Tally.Failed-s.Base.Failed
	if ended < fewEnded || failed*100 <= ended*min(s.Caps.FailureRatio, s.policy.Wipes.FailureRatio) {
		return false
	}
	s.pauseItself(WaitsFailures, tooMany(failed, ended))
	return true
}

func tooMany(failed, of int) *enrollment.Problem {
	return enrollment.NewProblem(enrollment.CodeTooManyFailures, "failed", strconv.Itoa(failed), "devices", strconv.Itoa(of))
}

// batchesMade goes on making batches while there are moves for them.
func (s *planStep) batchesMade(ev BatchesMade) bool {
	x, pending := s.pending(ev.Result, enrollment.MakeBatches)
	if !pending {
		return false
	}
	if ev.Outcome != enrollment.OK {
		s.again(x, ev.Result, time.Second, time.Hour)
		return true
	}
	s.Pending = s.Pending.WithoutID(x.ID)
	if ev.More && (s.State == PlanRunning || s.State == PlanCancelling) {
		s.want(enrollment.Effect{Kind: enrollment.MakeBatches})
	}
	return true
}

// batchEnded has the next batch made at once, and not only when the moves are counted the next time.
func (s *planStep) batchEnded() bool {
	if s.State != PlanRunning || s.Stopped || s.Tally.Queued == 0 {
		return false
	}
	if _, pending := s.Pending.Of(enrollment.MakeBatches); pending {
		return false
	}
	s.want(enrollment.Effect{Kind: enrollment.MakeBatches})
	return true
}

// climb begins the next wave of each track that has devices for it.
func (s *planStep) climb() {
	gate := s.Gate()
	if s.Wipes.Live == "" && s.Tally.ToWipe > 0 && gate.Open && s.policy.Wipes.On {
		s.beginWave(&s.Wipes, TrackWipes, s.Listing.Wipes)
	}
	if s.Migrates.Live == "" && s.Tally.ToMigrate > 0 && !s.Stopped {
		s.beginWave(&s.Migrates, TrackMigrations, s.Listing.Migrations)
	}
}

// beginWave begins a wave of a track. Nothing is erased by a migration, and its users may put it off until the deadline: so a
// quarter of what is enough for wipes lets the next wave of migrations begin.
func (s *planStep) beginWave(l *Ladder, t Track, devices int) {
	s.Seq++
	l.Begun++
	l.Live = fmt.Sprintf("%s/wave/%d", s.ID, s.Seq)
	size := min(s.Caps.waveSize(l.Passed, devices), CapsOf(s.policy.Wipes).waveSize(l.Passed, devices))
	enough := max(s.Caps.WaveEnough, s.policy.Wipes.WaveEnough)
	if t == TrackMigrations {
		enough = (enough + 3) / 4
	}
	w := beginWave(s.policy, s.now, Wave{
		ID: l.Live, Tenant: s.Tenant, Plan: s.ID, Track: t, Number: l.Begun, Size: size,
		Enough: enough, Ratio: min(s.Caps.FailureRatio, s.policy.Wipes.FailureRatio),
		Deadline: s.Deadline,
	})
	s.given.Waves = append(s.given.Waves, w)
	s.say(enrollment.ActWaveBegun, enrollment.Nobody, "wave", l.Live, "size", strconv.Itoa(size))
}

// waveSize is how many devices the next wave takes, after so many have passed.
func (c Caps) waveSize(passed, devices int) int {
	if len(c.Waves) == 0 {
		return 1
	}
	if passed < len(c.Waves) {
		return min(max(c.Waves[passed], 1), enrollment.MaxBatch)
	}
	share := (max(devices, 0)*c.WaveShare + 99) / 100
	return min(max(c.Waves[len(c.Waves)-1], share, 1), enrollment.MaxBatch)
}

// waveEnded lets the next wave be larger, or pauses the plan.
func (s *planStep) waveEnded(ev WaveEnded) bool {
	l := &s.Wipes
	if ev.Track == TrackMigrations {
		l = &s.Migrates
	}
	if ev.Wave == "" || l.Live != ev.Wave || ev.State.Live() {
		return false
	}
	l.Live = ""
	s.say(enrollment.ActWaveEnded, enrollment.Nobody, "wave", ev.Wave, "state", string(ev.State))
	switch {
	case ev.State == WavePassed:
		l.Passed++
	case ev.State == WaveFailed && s.State == PlanRunning:
		s.pauseItself(WaitsFailures, tooMany(ev.Failed, ev.Size))
	}
	if _, counting := s.Pending.Of(enrollment.CountMoves); counting && s.State == PlanRunning {
		s.Pending = s.Pending.Hurried(enrollment.CountMoves, s.now)
	}
	return true
}
