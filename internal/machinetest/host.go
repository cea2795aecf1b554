package machinetest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// mostSteps is more than any story takes; beyond it a machine does not come to rest.
const mostSteps = 20000

// stage is a part of an act.
type stage int

// The stages of an act.
const (
	waiting stage = iota // for what falls due until the act
	acting
	working // on what falls due at once
	stages
)

// place is where a host stands in a story. With no memory, what it does next follows from it alone.
type place struct {
	act   int
	stage stage
	now   time.Time
	store string
	did   int // how many effects were done
}

// host is the smallest thing that drives a machine: a store of one record, and a world that remembers.
type host[S, E any] struct {
	Machine[S, E]
	place
	story   Story[S, E]
	answers map[enrollment.EffectID]E
	done    []enrollment.EffectID // each once, in the order of the first time

	moments []place        // where the clean life could have crashed
	been    map[place]bool // where the clean life had nothing in hand

	clean   *host[S, E] // what a crashed life must come to
	clicked bool        // the crash left it open whether the act counted
	joined  bool        // it stands where the clean one has stood: the rest is the same
}

func newHost[S, E any](m Machine[S, E], story Story[S, E]) (*host[S, E], error) {
	store, err := encode(story.Start)
	return &host[S, E]{
		Machine: m, story: story, place: place{now: story.At, store: string(store)}, answers: map[enrollment.EffectID]E{},
	}, err
}

func (h *host[S, E]) live() error {
	for h.act < len(h.story.Acts) && !h.joined {
		act, until := h.story.Acts[h.act], h.now
		if h.stage == waiting {
			until = h.story.At
			for _, a := range h.story.Acts[:h.act+1] {
				until = until.Add(a.Wait)
			}
		}
		switch h.stage {
		case acting:
			err := h.put(func(s S) E { return act.Event.Of(s, h.now) })
			if err != nil && !h.clicked { // the first click may have counted, so that the second one is refused
				return fmt.Errorf("%s: %w", act.Event.Name, err)
			}
			h.clicked = false
		default:
			if err := h.pass(until); err != nil {
				return err
			}
		}
		if h.stage++; h.stage == stages {
			h.act, h.stage = h.act+1, waiting
		}
	}
	return nil
}

// mayCrash notes that the host might crash here.
func (h *host[S, E]) mayCrash() {
	if h.clean == nil {
		h.moments = append(h.moments, h.place)
	}
}

// put takes one event and stores what comes of it.
func (h *host[S, E]) put(event func(S) E) error {
	s, err := decode[S]([]byte(h.store))
	if err != nil {
		return err
	}
	step, err := h.Step(s, h.now, event(s))
	if err != nil || !step.Moved {
		return err
	}
	h.mayCrash()
	store, err := encode(step.Next)
	if err != nil {
		return err
	}
	h.store = string(store)
	h.mayCrash()
	return nil
}

// pass does what falls due until a time.
func (h *host[S, E]) pass(until time.Time) error {
	for steps := 0; ; steps++ {
		if steps > mostSteps {
			return fmt.Errorf("after %d steps, at %v, it still has something to do: %s", steps, h.now, h.store)
		}
		if h.join(); h.joined {
			return nil
		}
		if err := h.put(func(S) E { return h.story.Tick }); err != nil {
			return err
		}
		s, err := decode[S]([]byte(h.store))
		if err != nil {
			return err
		}
		if ready := due(h.Pending(s), h.now); len(ready) > 0 {
			if err := h.effect(s, ready[0]); err != nil {
				return err
			}
			continue
		}
		wake := h.Wake(s)
		if wake.IsZero() || wake.After(until) {
			h.now = until
			return nil
		}
		if !wake.After(h.now) {
			return fmt.Errorf("it is awake at %v in %s and has nothing to do", wake, h.State(s))
		}
		h.now = wake
	}
}

func (h *host[S, E]) effect(s S, x enrollment.Effect) error {
	h.mayCrash()
	key := enrollment.EffectID(fmt.Sprint(x.ID, "#", x.Attempt))
	answer, known := h.answers[key]
	if !known {
		answer = h.story.Do(s, x, h.now)
		h.answers[key] = answer
		h.done = append(h.done, key)
		h.did = len(h.done)
	}
	h.mayCrash()
	return h.put(func(S) E { return answer })
}

// join finds out whether a crashed life stands where the clean one has stood, after the same effects with the same answers.
func (h *host[S, E]) join() {
	if h.clean == nil {
		h.been[h.place] = true
		return
	}
	if !h.clean.been[h.place] || !slices.Equal(h.done, h.clean.done[:h.did]) {
		return
	}
	for key, answer := range h.answers {
		if !reflect.DeepEqual(answer, h.clean.answers[key]) {
			return
		}
	}
	h.joined = true
}
