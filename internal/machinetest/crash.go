package machinetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Act is something that a person does in a story; Wait is how long after what happened before.
type Act[S, E any] struct {
	Wait  time.Duration
	Event Event[S, E]
}

// Story is what a host lives through with one machine: acts of people, and in between whatever is due.
type Story[S, E any] struct {
	Start S
	At    time.Time
	Acts  []Act[S, E]
	Tick  E
	// Do does an effect in the world. The world keeps to the rule of idempotency: it does an effect once, and gives the
	// same answer when it is asked again.
	Do func(s S, x enrollment.Effect, now time.Time) E
	// Bare strips what a repeated click may change, such as a revision; nil: nothing.
	Bare func(S) S
}

// mostSteps is more than any story takes; beyond it a machine does not come to rest.
const mostSteps = 20000

// errCrashed ends the host of a story at a chosen point.
var errCrashed = errors.New("crashed")

// CrashEverywhere tells a story once without a crash, then again with a crash at every single point: before and after each
// write to the store, and before and after each effect. After a crash the host knows nothing but the store; a person
// whose click got no answer clicks again. Every time the outcome must be that of the clean run, with the very same
// effects. It returns how many points there are.
func (m Machine[S, E]) CrashEverywhere(story Story[S, E]) (points int, err error) {
	clean := host[S, E]{Machine: m, story: story, crashAt: -1}
	if err := clean.live(); err != nil {
		return 0, fmt.Errorf("without a crash: %w", err)
	}
	for at := range clean.point {
		h := host[S, E]{Machine: m, story: story, crashAt: at}
		if err := h.live(); err != nil {
			return clean.point, fmt.Errorf("crashed at point %d: %w", at, err)
		}
		if err := h.like(&clean); err != nil {
			return clean.point, fmt.Errorf("crashed at point %d: %w", at, err)
		}
	}
	return clean.point, nil
}

// host is the smallest thing that drives a machine: a store of one record, and a world that remembers.
type host[S, E any] struct {
	Machine[S, E]
	story   Story[S, E]
	store   []byte
	answers map[enrollment.EffectID]E
	done    []enrollment.EffectID // each once, in the order of the first time
	point   int
	crashAt int
}

func (h *host[S, E]) live() error {
	var err error
	if h.store, err = encode(h.story.Start); err != nil {
		return err
	}
	h.answers = map[enrollment.EffectID]E{}
	now := h.story.At
	for _, act := range h.story.Acts {
		until := now.Add(act.Wait)
		if err := h.again(func() error { return h.pass(&now, until) }); err != nil {
			return err
		}
		repeated := false
		err := h.again(func() error {
			err := h.put(now, func(s S) E { return act.Event.Of(s, now) })
			if repeated && !errors.Is(err, errCrashed) {
				err = nil // the first click may have counted, so that the second one is refused
			}
			repeated = true
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", act.Event.Name, err)
		}
		if err := h.again(func() error { return h.pass(&now, now) }); err != nil {
			return err
		}
	}
	return nil
}

// again does something until it was not ended by the crash, which comes once.
func (h *host[S, E]) again(do func() error) error {
	for {
		if err := do(); !errors.Is(err, errCrashed) {
			return err
		}
	}
}

func (h *host[S, E]) mayCrash() error {
	h.point++
	if h.point-1 == h.crashAt {
		return errCrashed
	}
	return nil
}

// put takes one event and stores what comes of it.
func (h *host[S, E]) put(now time.Time, event func(S) E) error {
	s, err := decode[S](h.store)
	if err != nil {
		return err
	}
	step, err := h.Step(s, now, event(s))
	if err != nil || !step.Moved {
		return err
	}
	if err := h.mayCrash(); err != nil {
		return err
	}
	if h.store, err = encode(step.Next); err != nil {
		return err
	}
	return h.mayCrash()
}

// pass does what falls due until a time.
func (h *host[S, E]) pass(now *time.Time, until time.Time) error {
	for steps := 0; ; steps++ {
		if steps > mostSteps {
			return fmt.Errorf("after %d steps, at %v, it still has something to do: %s", steps, *now, h.store)
		}
		if err := h.put(*now, func(S) E { return h.story.Tick }); err != nil {
			return err
		}
		s, err := decode[S](h.store)
		if err != nil {
			return err
		}
		if ready := due(h.Pending(s), *now); len(ready) > 0 {
			if err := h.effect(s, ready[0], *now); err != nil {
				return err
			}
			continue
		}
		wake := h.Wake(s)
		if wake.IsZero() || wake.After(until) {
			*now = until
			return nil
		}
		if !wake.After(*now) {
			return fmt.Errorf("it is awake at %v in %s and has nothing to do", wake, h.State(s))
		}
		*now = wake
	}
}

func (h *host[S, E]) effect(s S, x enrollment.Effect, now time.Time) error {
	if err := h.mayCrash(); err != nil {
		return err
	}
	key := enrollment.EffectID(fmt.Sprint(x.ID, "#", x.Attempt))
	answer, known := h.answers[key]
	if !known {
		answer = h.story.Do(s, x, now)
		h.answers[key] = answer
		h.done = append(h.done, key)
	}
	if err := h.mayCrash(); err != nil {
		return err
	}
	return h.put(now, func(S) E { return answer })
}

// like compares the end of two lives.
func (h *host[S, E]) like(clean *host[S, E]) error {
	if !slices.Equal(h.done, clean.done) {
		return fmt.Errorf("did %v instead of %v", h.done, clean.done)
	}
	mine, err := h.bare()
	if err != nil {
		return err
	}
	want, err := clean.bare()
	if err != nil {
		return err
	}
	if !bytes.Equal(mine, want) {
		return fmt.Errorf("ended as\n%s\ninstead of\n%s", mine, want)
	}
	return nil
}

func (h *host[S, E]) bare() ([]byte, error) {
	if h.story.Bare == nil {
		return h.store, nil
	}
	s, err := decode[S](h.store)
	if err != nil {
		return nil, err
	}
	return encode(h.story.Bare(s))
}
