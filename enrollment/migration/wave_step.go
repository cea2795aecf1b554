package migration

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// WaveTransition is what one step of a wave gives. Everything in it belongs into one write. Where the wave has come to its
// end, the plan is told by [Wave.Ended] in the same write.
type WaveTransition struct {
	Wave  Wave
	Moved bool
	Audit []enrollment.AuditFact // to be appended to the plan's history
	// News are what its devices learn by the step: those that leave it have no turn any more. They are told first, and then
	// the wave is stored.
	News []News
}

// Step takes one event. It never changes w. The error is a [*TransitionError], and only for what a person asked.
func (w Wave) Step(p enrollment.Policy, now time.Time, ev WaveEvent) (WaveTransition, error) {
	s := waveStep{Wave: w, policy: p, now: outbox.Instant(now), by: ev.Name()}
	moved, err := s.take(ev)
	if err != nil || !moved {
		return WaveTransition{Wave: w}, err
	}
	s.Revision++
	return WaveTransition{Wave: s.Wave, Moved: true, Audit: s.audit, News: s.news}, nil
}

// waveStep is a transition in the making.
type waveStep struct {
	Wave
	policy enrollment.Policy
	now    time.Time
	by     EventName
	audit  []enrollment.AuditFact
	news   []News
}

func (s *waveStep) take(ev WaveEvent) (moved bool, err error) {
	if ev, asked := ev.(DeviceReplaced); asked {
		return s.replaced(ev)
	}
	if !s.State.Live() {
		return false, nil
	}
	switch ev := ev.(type) {
	case TurnsCalled:
		return s.turnsCalled(ev), nil
	case WaveCounted:
		return s.counted(ev), nil
	case WipesTried:
		return s.wipesTried(ev), nil
	case WaveHeld:
		return s.hold(), nil
	case WaveResumed:
		return s.resume(), nil
	case WaveClosed:
		s.end(WaveOver)
		return true, nil
	case WaveTicked:
		return s.tick(), nil
	}
	return false, nil
}

// call has devices called until the wave is full.
func (s *waveStep) call() {
	s.State = WaveCalling
	s.due(callWithin)
	s.wantOnce(enrollment.CallTurns, 0)
	s.look()
}

// look has the devices of the wave looked at, and their wipes released.
func (s *waveStep) look() {
	if len(s.Devices) == 0 {
		return
	}
	s.wantOnce(enrollment.CountMoves, watchEvery)
	if s.inTurn() && !s.Held {
		s.wantOnce(enrollment.ReleaseWipes, confirmAfter)
	}
}

// inTurn reports whether wipes of devices are still to be released.
func (s *waveStep) inTurn() bool {
	return s.Track == TrackWipes && slices.ContainsFunc(s.Devices, func(d WaveDevice) bool { return d.State == "" || d.State == MoveTurn })
}

// pace is how long to wait before the devices are looked at again: a little of the time that it has taken so far.
func (s *waveStep) pace() time.Duration {
	return min(max((s.now.Sub(s.BegunAt)/20).Truncate(time.Second), watchEvery), 15*time.Minute)
}

// watch waits for the devices that were called.
func (s *waveStep) watch() {
	s.State, s.Size = WaveWatching, len(s.Devices)
	within := s.policy.WipeAnswerWithin + s.policy.EnrollWithin
	if s.Track == TrackMigrations {
		within = min(max(s.Deadline, 0), enrollment.MaxDeadline) + s.policy.MigrationGrace + s.policy.AssignWithin
	}
	s.due(within + watchMargin)
	s.unwant(enrollment.CallTurns)
	s.look()
}

func (s *waveStep) turnsCalled(ev TurnsCalled) bool {
	x, pending := s.pending(ev.Result, enrollment.CallTurns)
	if !pending || s.State != WaveCalling {
		return false
	}
	if ev.Outcome != enrollment.OK {
		s.again(x, ev.Result, time.Second, time.Hour)
		return true
	}
	s.Devices = slices.Clone(s.Devices)
	for _, serial := range ev.Called {
		if s.index(serial) < 0 && !slices.Contains(s.Out, serial) && serial != "" && len(s.Devices) < s.Size {
			s.Devices = append(s.Devices, WaveDevice{Serial: serial})
		}
	}
	switch {
	case len(s.Devices) >= s.Size, ev.Left < 1 && len(s.Devices) > 0:
		s.watch()
	case ev.Left < 1:
		s.end(WaveOver)
	default:
		s.again(x, ev.Result, time.Minute, time.Hour)
		s.look()
	}
	return true
}

// counted takes how the devices stand. One that lost its turn is not in the wave any more, and neither is one that was left
// alone: another is called in its place.
func (s *waveStep) counted(ev WaveCounted) bool {
	x, pending := s.pending(ev.Result, enrollment.CountMoves)
	if !pending {
		return false
	}
	if ev.Outcome != enrollment.OK {
		s.again(x, ev.Result, time.Second, 10*watchEvery)
		return true
	}
	s.Pending = s.Pending.WithoutID(x.ID)
	was := len(s.Devices)
	s.see(ev.Moves)
	if s.judge() {
		return true
	}
	s.want(enrollment.CountMoves, s.pace())
	if len(s.Devices) < was && !s.Held {
		s.call()
	}
	s.look()
	s.unneeded()
	return true
}

func (s *waveStep) see(moves []Move) {
	standing := make(map[string]Move, len(moves))
	for _, m := range moves {
		if m.Plan == s.Plan && m.Tenant == s.Tenant {
			standing[m.Device.Serial] = m
		}
	}
	var devices []WaveDevice
	for _, d := range s.Devices {
		if m, found := standing[d.Serial]; found {
			switch {
			case m.State == MoveSkipped, m.State == MoveCancelled:
				continue
			case m.State == MoveTurn && m.Wave != s.Number:
				if !s.Held { // else the plan took its turn away, and it is called again
					s.out(d.Serial)
				}
				continue
			}
			d.State, d.Failed = m.State, failed(m)
		}
		devices = append(devices, d)
	}
	s.Devices = devices
}

// out keeps a device from being called into the wave again.
func (s *waveStep) out(serial string) {
	if len(s.Out) < enrollment.MaxBatch {
		s.Out = append(s.Out[:len(s.Out):len(s.Out)], serial)
	}
}

// judge ends the wave when enough of its devices enrolled, too many failed, or nothing more is to come.
func (s *waveStep) judge() bool {
	enrolled, failed := s.Counts()
	resting := 0
	for _, d := range s.Devices {
		if d.State != "" && !d.State.Live() {
			resting++
		}
	}
	switch {
	case len(s.Devices) == 0:
		return false
	case failed*100 > s.Size*s.Ratio:
		s.end(WaveFailed)
	case enrolled*100 >= s.Size*s.Enough:
		s.end(WavePassed)
	case s.State == WaveWatching && resting == len(s.Devices):
		s.end(WaveFailed)
	default:
		return false
	}
	return true
}

// unneeded forgets what there is no device for.
func (s *waveStep) unneeded() {
	if len(s.Devices) == 0 {
		s.unwant(enrollment.CountMoves)
	}
	if !s.inTurn() {
		s.unwant(enrollment.ReleaseWipes)
	}
}

// wipesTried goes on releasing for as long as the wave lives.
func (s *waveStep) wipesTried(ev WipesTried) bool {
	x, pending := s.pending(ev.Result, enrollment.ReleaseWipes)
	if !pending {
		return false
	}
	if ev.Outcome != enrollment.OK {
		s.again(x, ev.Result, time.Second, watchEvery)
		return true
	}
	s.Keeps = ev.Keeps
	next := watchEvery
	if until := outbox.Instant(ev.Keeps.Until); until.After(s.now) {
		next = min(next, until.Sub(s.now))
	}
	s.Pending = s.Pending.WithoutID(x.ID)
	s.want(enrollment.ReleaseWipes, next)
	return true
}

func (s *waveStep) hold() bool {
	if s.Held {
		return false
	}
	s.Held = true
	s.unwant(enrollment.CallTurns, enrollment.ReleaseWipes)
	return true
}

// resume gives the wave its time anew, and devices that lost their turn another one.
func (s *waveStep) resume() bool {
	if !s.Held {
		return false
	}
	s.Held, s.Keeps = false, Waiting{}
	if s.State == WaveCalling || len(s.Devices) < s.Size {
		s.call()
		return true
	}
	s.watch()
	return true
}

// tick ends a wait that has been too long. A held wave waits for its plan.
func (s *waveStep) tick() bool {
	switch {
	case s.now.Before(s.DueAt):
		return false
	case !s.now.Before(s.BegunAt.Add(longestWave)):
		s.end(WaveFailed)
	case s.Held:
		s.due(callWithin)
	case s.State == WaveWatching:
		s.end(WaveFailed)
	case len(s.Devices) == 0:
		s.end(WaveOver)
	default:
		s.watch()
	}
	return true
}

// due gives the wave some time, within the longest that any has.
func (s *waveStep) due(within time.Duration) {
	s.DueAt = earliest(s.now.Add(within), s.BegunAt.Add(longestWave))
}

func (s *waveStep) end(state WaveState) {
	for _, d := range s.Devices {
		if s.Track == TrackWipes && (d.State == "" || d.State == MoveTurn) {
			s.news = append(s.news, News{Serial: d.Serial, Event: TurnEnded{}})
		}
	}
	s.State, s.EndedAt, s.DueAt, s.Pending, s.Held, s.Keeps = state, s.now, time.Time{}, nil, false, Waiting{}
}

// want adds an effect under the next deterministic ID, to be done after some time.
func (s *waveStep) want(kind enrollment.EffectKind, after time.Duration) {
	s.Seq++
	s.Pending = s.Pending.Wanted(s.ID, s.Seq, s.now.Add(after), enrollment.Effect{Kind: kind})
}

// wantOnce adds an effect unless one of its kind is pending.
func (s *waveStep) wantOnce(kind enrollment.EffectKind, after time.Duration) {
	if _, pending := s.Pending.Of(kind); !pending {
		s.want(kind, after)
	}
}

func (s *waveStep) unwant(kinds ...enrollment.EffectKind) {
	s.Pending = s.Pending.WithoutKind(kinds...)
}

func (s *waveStep) again(x enrollment.Effect, r enrollment.Result, base, most time.Duration) {
	s.Pending = s.Pending.Replaced(x.Again(s.now, r.RetryAfter, base, most))
}

func (s *waveStep) pending(r enrollment.Result, kind enrollment.EffectKind) (enrollment.Effect, bool) {
	return s.Pending.Answered(r, kind)
}
