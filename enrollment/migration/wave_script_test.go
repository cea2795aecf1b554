package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// Long stories of a wave, told by scripts. A command is the name of an event as the matrix has it, or one of these:
//
//	wave N [migrations]  the wave that begins after so many of its plan have passed: 1, 5, 25 devices, then a share
//	called WHAT          what there is to be called from now on: the end of the name of an event, as all others
//	stand WHAT           how its devices stand from now on, when they are counted
//	wipes WHAT           what becomes of the attempt to release their wipes
//	wait 3d|2h|5m        time passes; what falls due is done
//
// Below a command stand what the wave made of it, how its devices stand, what it waits for, and its state.
func TestWaveScripts(t *testing.T) {
	machinetest.Scripts(t, "testdata/scripts/wave_*.txt", func() func(machinetest.Command) (string, error) {
		h := &waveHost{t: t, world: world{now: noon}, answers: map[enrollment.EffectKind]string{
			enrollment.CallTurns: "turns_called: as many as wanted", enrollment.CountMoves: "wave_counted: in their turn",
			enrollment.ReleaseWipes: "wipes_tried: all released",
		}}
		return h.command
	})
}

type waveHost struct {
	world
	t       testing.TB
	w       migration.Wave
	answers map[enrollment.EffectKind]string // the names of events
}

func (h *waveHost) command(c machinetest.Command) (string, error) {
	h.said = nil
	rest := strings.Join(c.Args, " ")
	var err error
	switch c.Name {
	case "wave":
		track, passed := migration.TrackWipes, 0
		if c.Has("migrations") {
			track = migration.TrackMigrations
		}
		_, err = fmt.Sscan(c.Args[0], &passed)
		h.w = waveOf(h.t, passed, track)
		h.now = h.w.BegunAt
	case "called":
		h.answers[enrollment.CallTurns] = "turns_called: " + rest
	case "stand":
		h.answers[enrollment.CountMoves] = "wave_counted: " + rest
	case "wipes":
		h.answers[enrollment.ReleaseWipes] = "wipes_tried: " + rest
	case "wait":
		err = h.pass(rest, h.act, func() time.Time { return h.w.Wake() })
	default:
		err = h.named(strings.Join(append([]string{c.Name}, c.Args...), " "))
	}
	if err != nil {
		h.said = append(h.said, enrollment.ProblemOf(err).Error())
	}
	return "  " + strings.Join(append(h.said, h.stands()), "\n  "), nil
}

func (h *waveHost) stands() string {
	enrolled, failed := h.w.Counts()
	line := fmt.Sprintf("day %d: %s, %d of %d devices, %d enrolled, %d failed", int(h.now.Sub(noon)/day), h.w.State, len(h.w.Devices), h.w.Size, enrolled, failed)
	if waits := h.w.Waiting(); waits.Why != "" {
		line += ", waits for " + string(waits.Why)
	}
	return line
}

func (h *waveHost) act() error {
	if err := h.take(migration.WaveTicked{}); err != nil {
		return err
	}
	for _, x := range h.w.Due(h.now) {
		if err := h.named(h.answers[x.Kind]); err != nil {
			return err
		}
	}
	return nil
}

func (h *waveHost) named(name string) error {
	all := waveEvents()
	i := slices.IndexFunc(all, func(ev waveEvent) bool { return ev.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no event %q", name)
	}
	return h.take(all[i].Of(h.w, h.now))
}

func (h *waveHost) take(ev migration.WaveEvent) error {
	tr, err := h.w.Step(wiping, h.now, ev)
	if err != nil || !tr.Moved {
		return err
	}
	h.moved(string(h.w.State), string(tr.Wave.State), waveNotes(h.w, tr))
	h.w = tr.Wave
	return nil
}
