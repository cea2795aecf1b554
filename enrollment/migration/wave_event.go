package migration

import "github.com/abmrenew/abmrenew/enrollment"

// WaveEvent is something that a [Wave] takes notice of.
type WaveEvent interface {
	Name() EventName
	wave()
}

// TurnsCalled is the result of calling devices into the wave: moves that it takes by [Wave.Takes], at most as many as are
// missing. Each was told by [TurnCalled], or went along with a batch, before this is stored.
type TurnsCalled struct {
	enrollment.Result
	Called []string // serial numbers
	Left   int      // moves that it may take later, by [Wave.MayTake]
}

// WaveCounted is the result of looking at the moves of the wave.
type WaveCounted struct {
	enrollment.Result
	Moves []Move
}

// WipesTried is the result of releasing the wipes that are ready, by [Release.Of], each in a write of its own. Those that
// [Release.Again] names were told [TurnCalled] again.
type WipesTried struct {
	enrollment.Result
	Keeps Waiting // what kept the first back that was not released; zero: nothing
}

// DeviceReplaced is a person's wish to take a device that does not come by out of the wave, so that another one is called in
// its place.
type DeviceReplaced struct {
	By     enrollment.Actor
	Serial string
}

// WaveHeld says that the plan begins nothing new.
type WaveHeld struct{}

// WaveResumed says that it goes on.
type WaveResumed struct{}

// WaveClosed says that the plan is given up.
type WaveClosed struct{}

// WaveTicked says that time has passed.
type WaveTicked struct{}

// The names of a wave's events, beside [EventTick].
const (
	EventTurnsCalled    EventName = "turns_called"
	EventWaveCounted    EventName = "wave_counted"
	EventWipesTried     EventName = "wipes_tried"
	EventDeviceReplaced EventName = "replace_device"
	EventWaveHeld       EventName = "wave_held"
	EventWaveResumed    EventName = "wave_resumed"
	EventWaveClosed     EventName = "wave_closed"
)

// Name implements [WaveEvent].
func (TurnsCalled) Name() EventName { return EventTurnsCalled }

// Name implements [WaveEvent].
func (WaveCounted) Name() EventName { return EventWaveCounted }

// Name implements [WaveEvent].
func (WipesTried) Name() EventName { return EventWipesTried }

// Name implements [WaveEvent].
func (DeviceReplaced) Name() EventName { return EventDeviceReplaced }

// Name implements [WaveEvent].
func (WaveHeld) Name() EventName { return EventWaveHeld }

// Name implements [WaveEvent].
func (WaveResumed) Name() EventName { return EventWaveResumed }

// Name implements [WaveEvent].
func (WaveClosed) Name() EventName { return EventWaveClosed }

// Name implements [WaveEvent].
func (WaveTicked) Name() EventName { return EventTick }

func (TurnsCalled) wave()    {}
func (WaveCounted) wave()    {}
func (WipesTried) wave()     {}
func (DeviceReplaced) wave() {}
func (WaveHeld) wave()       {}
func (WaveResumed) wave()    {}
func (WaveClosed) wave()     {}
func (WaveTicked) wave()     {}
