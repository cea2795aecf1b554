package machinetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// World is what a machine meets when it is left to itself.
type World[S, E any] struct {
	// Answer is the result of an effect.
	Answer func(s S, x enrollment.Effect, now time.Time) E
	// Tick is the passing of time.
	Tick E
	// Steps and For are the most that the machine may take until it rests.
	Steps int
	For   time.Duration
}

// Ended is how a machine that was left to itself went on.
type Ended[S any] struct {
	S     S
	At    time.Time
	Steps int
	Rests bool // false: it lives on after World.For, which a machine without an end of its own may
}

// Run lets the world answer every effect, and time pass from wake to wake, until the machine rests and owes nothing. The
// error says that it needs too many steps, stands still although it is live, or wakes without having anything to do.
func (m Machine[S, E]) Run(s S, now time.Time, w World[S, E]) (Ended[S], error) {
	end := now.Add(w.For)
	out := Ended[S]{S: s, At: now}
	step := func(ev E) error {
		out.Steps++
		next, err := m.Step(out.S, out.At, ev)
		if err != nil {
			return fmt.Errorf("what the world does is refused: %w", err)
		}
		out.S = next.Next
		return nil
	}
	for {
		if err := step(w.Tick); err != nil {
			return out, err
		}
		for _, x := range due(m.Pending(out.S), out.At) {
			if err := step(w.Answer(out.S, x, out.At)); err != nil {
				return out, err
			}
		}
		wake := m.Wake(out.S)
		switch {
		case wake.IsZero() && m.Live(out.S):
			return out, errors.New("a live machine never wakes again")
		case wake.IsZero():
			out.Rests = true
			return out, nil
		case out.Steps > w.Steps:
			return out, fmt.Errorf("after %d steps, at %v, it is still %s", out.Steps, out.At, m.State(out.S))
		case wake.After(end):
			return out, nil
		case wake.After(out.At):
			out.At = wake
		case len(due(m.Pending(out.S), out.At)) == 0:
			return out, fmt.Errorf("it is awake at %v in %s and has nothing to do", wake, m.State(out.S))
		}
	}
}
