package machinetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Machine tells how one kind of machine is driven. S is its snapshot, together with whatever its events are judged by and
// a step changes in the same write; it is plain JSON. E is its event.
type Machine[S, E any] struct {
	// Step takes one event. An error is a refusal.
	Step func(s S, now time.Time, ev E) (Stepped[S], error)
	// State names where a snapshot stands.
	State func(S) string
	// Live reports whether the machine is still under way; a resting one owes nothing but notices.
	Live func(S) bool
	// Wake is when it has something to do next; zero: never.
	Wake func(S) time.Time
	// Pending lists what it wants done.
	Pending func(S) []enrollment.Effect
	// Revision counts the moves of a snapshot; nil: it has no such counter.
	Revision func(S) int64
}

// Stepped is what one step gave.
type Stepped[S any] struct {
	Next  S
	Moved bool     // false: the event was ignored
	Notes []string // what else a reader of the matrix should see
}

// Event is one way in which something can happen to a machine.
type Event[S, E any] struct {
	// Name is the event's own, with the variant behind a colon: "upload: older than the active one".
	Name string
	// Asked: a person asks for it. Only such an event may be refused.
	Asked bool
	// Of makes the event as it happens to this snapshot now.
	Of func(s S, now time.Time) E
	// Late is how much later it happens than it could; nil: at once.
	Late func(s S, now time.Time) time.Duration
}

func encode(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("a snapshot cannot be written: %w", err)
	}
	return text, nil
}

func decode[S any](text []byte) (S, error) {
	var s S
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("a snapshot cannot be read: %w", err)
	}
	return s, nil
}

// same reports whether two snapshots are written alike.
func same(a, b any) (bool, error) {
	one, err := encode(a)
	if err != nil {
		return false, err
	}
	other, err := encode(b)
	return bytes.Equal(one, other), err
}

// due lists the effects that may be tried now.
func due(pending []enrollment.Effect, now time.Time) []enrollment.Effect {
	var out []enrollment.Effect
	for _, x := range pending {
		if x.Due(now) {
			out = append(out, x)
		}
	}
	return out
}
