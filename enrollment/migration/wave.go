package migration

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Track tells the waves of wipes from those of migrations, which go their own pace.
type Track string

// The tracks.
const (
	TrackWipes      Track = "wipes"
	TrackMigrations Track = "migrations"
)

// WaveState is where a wave stands.
type WaveState string

// The states of a wave, each with what it waits for.
const (
	WaveCalling  WaveState = "calling"  // devices that can be called into it
	WaveWatching WaveState = "watching" // its devices, which go their way
	WavePassed   WaveState = "passed"   // nothing: enough of its devices enrolled
	WaveFailed   WaveState = "failed"   // nothing: too many failed, or too few enrolled in time
	WaveOver     WaveState = "closed"   // nothing: there was no device for it, or its plan was given up
)

// WaveStates returns every state of a wave, the live ones first.
func WaveStates() []WaveState {
	return []WaveState{WaveCalling, WaveWatching, WavePassed, WaveFailed, WaveOver}
}

// Live reports whether the wave is still under way.
func (s WaveState) Live() bool { return s == WaveCalling || s == WaveWatching }

// Wave takes some devices of a plan along to be wiped, or to be given a deadline. The next begins when enough of them have
// enrolled. A plan begins its waves itself.
type Wave struct {
	ID       string              `json:"id"`
	Tenant   enrollment.TenantID `json:"tenant"`
	Plan     enrollment.PlanID   `json:"plan"`
	Track    Track               `json:"track"`
	Number   int                 `json:"number"` // 1 for the first of its track
	State    WaveState           `json:"state"`
	Revision int64               `json:"revision"` // counts moves
	Seq      int                 `json:"seq"`      // counts effects
	BegunAt  time.Time           `json:"begun_at"`
	EndedAt  time.Time           `json:"ended_at,omitzero"`
	DueAt    time.Time           `json:"due_at,omitzero"` // when it stops waiting for what its state waits for

	Size     int           `json:"size"`               // devices that it takes
	Enough   int           `json:"enough"`             // percent of them that must enroll
	Ratio    int           `json:"ratio"`              // percent of them that may fail
	Deadline time.Duration `json:"deadline,omitempty"` // of migrations
	Devices  []WaveDevice  `json:"devices,omitempty"`
	Replaced int           `json:"replaced,omitempty"` // devices that a person took out
	Out      []string      `json:"out,omitempty"`      // devices that left it, which it does not call again
	Held     bool          `json:"held,omitempty"`     // its plan begins nothing new
	Keeps    Waiting       `json:"keeps,omitzero"`     // what kept back the last wipe that could not be released

	Pending outbox.Effects `json:"pending,omitempty"`
}

// WaveDevice is a device of a wave as it was seen last.
type WaveDevice struct {
	Serial string    `json:"serial"`
	State  MoveState `json:"state,omitempty"`
	Failed bool      `json:"failed,omitempty"`
}

const (
	// callWithin is how long a wave waits for devices to fill it.
	callWithin = 3 * 24 * time.Hour
	// watchMargin is how much longer a wave waits than its devices may take.
	watchMargin = 4 * 24 * time.Hour
	// longestWave is how long a wave may take at most, however often devices had to be called anew.
	longestWave = 200 * 24 * time.Hour
	// watchEvery is how often the devices of a wave are looked at.
	watchEvery = time.Minute
	// confirmAfter is how long a called device may take to be confirmed before its wipe is to be released.
	confirmAfter = 10 * time.Second
)

// beginWave completes a wave that its plan begins.
func beginWave(p enrollment.Policy, now time.Time, w Wave) Wave {
	s := waveStep{Wave: w, policy: p, now: outbox.Instant(now)}
	s.Revision, s.State, s.BegunAt = 1, WaveCalling, s.now
	s.call()
	return s.Wave
}

// Waiting says why the wave does not go on.
func (w Wave) Waiting() Waiting {
	switch {
	case !w.State.Live():
		return Waiting{}
	case w.Keeps.Why != "":
		return w.Keeps
	case w.Held:
		return Waiting{Why: WaitsGate}
	}
	return Waiting{Why: WaitsDevices}
}

// Takes reports whether the move can be called into the wave: it waits for one, and is not in it. That an earlier wave called
// it does not matter, and neither does that this one did before a crash.
func (w Wave) Takes(m Move) bool {
	if m.Tenant != w.Tenant || m.Plan != w.Plan || w.index(m.Device.Serial) >= 0 || slices.Contains(w.Out, m.Device.Serial) {
		return false
	}
	if w.Track == TrackMigrations {
		return m.State == MoveQueued && m.Decision.Strategy == Migrate
	}
	return m.State == MoveTurn && m.Decision.Strategy == Wipe
}

// MayTake reports whether the move is on its way to where a wave of this track takes it.
func (w Wave) MayTake(m Move) bool {
	if m.Tenant != w.Tenant || m.Plan != w.Plan || w.Track != TrackWipes || m.Decision.Strategy != Wipe {
		return false
	}
	return beforeWipe(m.State) && m.State != MoveTurn
}

// Counts returns how many of its devices enrolled, and how many failed.
func (w Wave) Counts() (enrolled, failed int) {
	for _, d := range w.Devices {
		if d.State == MoveEnrolled {
			enrolled++
		}
		if d.Failed {
			failed++
		}
	}
	return enrolled, failed
}

// Serials returns the serial numbers of its devices.
func (w Wave) Serials() []string {
	serials := make([]string, 0, len(w.Devices))
	for _, d := range w.Devices {
		serials = append(serials, d.Serial)
	}
	return serials
}

// Missing returns how many devices are still to be called.
func (w Wave) Missing() int {
	if w.State != WaveCalling || w.Held {
		return 0
	}
	return max(w.Size-len(w.Devices), 0)
}

// Ended returns what the plan is told when the wave has come to its end.
func (w Wave) Ended() WaveEnded {
	_, failed := w.Counts()
	return WaveEnded{Wave: w.ID, Track: w.Track, State: w.State, Size: len(w.Devices), Failed: failed}
}

// Wake returns when the wave has something to do next; zero: never. A live wave always has.
func (w Wave) Wake() time.Time {
	if !w.State.Live() {
		return time.Time{}
	}
	return outbox.Earliest(w.DueAt, w.Pending.Wake())
}

// Due returns the pending effects that may be tried now, oldest first.
func (w Wave) Due(now time.Time) []enrollment.Effect {
	if !w.State.Live() {
		return nil
	}
	return w.Pending.Due(now)
}

// index returns where a device stands in the wave; -1: it is not in it.
func (w Wave) index(serial string) int {
	return slices.IndexFunc(w.Devices, func(d WaveDevice) bool { return d.Serial == serial })
}
