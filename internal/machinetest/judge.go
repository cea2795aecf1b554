package machinetest

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// judged is one step with its verdict.
type judged[S any] struct {
	verdict Verdict
	at      time.Time
	next    S
	notes   []string
	refusal error
}

// judge takes one event twice and checks what holds for every step: it is deterministic, only what a person asked is
// refused, and what is refused or ignored changes nothing.
func (m Machine[S, E]) judge(s S, now time.Time, ev Event[S, E]) (judged[S], error) {
	if ev.Late != nil {
		now = now.Add(ev.Late(s, now))
	}
	event := ev.Of(s, now)
	step, refusal := m.Step(s, now, event)
	out := judged[S]{at: now, next: step.Next, notes: step.Notes, refusal: refusal}
	if again, refusedAgain := m.Step(s, now, event); step.Moved != again.Moved || (refusal == nil) != (refusedAgain == nil) ||
		step.Moved && !reflect.DeepEqual(step.Next, again.Next) {
		return out, errors.New("the same step gave something else the second time")
	}
	switch {
	case refusal != nil && !ev.Asked:
		return out, fmt.Errorf("a fact is refused: %w", refusal)
	case !step.Moved && !reflect.DeepEqual(step.Next, s):
		return out, errors.New("nothing moved, but the snapshot changed")
	case refusal != nil && step.Moved:
		return out, fmt.Errorf("moved and refused: %w", refusal)
	case refusal != nil:
		out.verdict = Refuses
	case step.Moved:
		out.verdict = Moves
		if m.Revision != nil && m.Revision(step.Next) != m.Revision(s)+1 {
			return out, fmt.Errorf("a move led from revision %d to %d", m.Revision(s), m.Revision(step.Next))
		}
	default:
		out.verdict = Ignores
	}
	return out, nil
}

// Sound checks what holds for every snapshot: it owes what its state may owe, knows when to go on, and reads the same
// after it was stored.
func (m Machine[S, E]) Sound(s S) error {
	pending, wake := m.Pending(s), m.Wake(s)
	if m.Live(s) && wake.IsZero() {
		return errors.New("a live machine has no wake time: it is stuck")
	}
	if !m.Live(s) && len(pending) == 0 && !wake.IsZero() {
		return errors.New("a resting machine that owes nothing has a wake time")
	}
	type slot struct {
		kind   enrollment.EffectKind
		thread string
	}
	ids, slots := map[enrollment.EffectID]bool{}, map[slot]bool{}
	for _, x := range pending {
		k := slot{kind: x.Kind}
		if x.Notice != nil {
			k.thread = x.Notice.Thread
		}
		switch {
		case !m.Live(s) && x.Kind != enrollment.SendNotice:
			return fmt.Errorf("a resting machine owes %s", x.Kind)
		case ids[x.ID]:
			return fmt.Errorf("two effects are called %s", x.ID)
		case slots[k]:
			return fmt.Errorf("%s is wanted twice", x.Kind)
		case x.NotBefore.Before(wake):
			return fmt.Errorf("the machine sleeps past %s", x.ID)
		}
		ids[x.ID], slots[k] = true, true
	}
	stored, err := encode(s)
	if err != nil {
		return err
	}
	back, err := decode[S](stored)
	if err != nil {
		return err
	}
	if alike, err := same(s, back); err != nil || !alike {
		return fmt.Errorf("a stored snapshot reads otherwise: %s (%w)", stored, errors.Join(err))
	}
	return nil
}
