package machinetest

import (
	"bytes"
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
	// Do does an effect in the world, and depends on nothing but its arguments. The world keeps to the rule of idempotency:
	// it does an effect once, and gives the same answer when it is asked again.
	Do func(s S, x enrollment.Effect, now time.Time) E
	// Bare strips what a repeated click may change, such as a revision; nil: nothing.
	Bare func(S) S
}

// CrashEverywhere tells a story once without a crash, then again with a crash at every single point: before and after each
// write to the store, and before and after each effect. After a crash the host knows nothing but the store; a person
// whose click got no answer clicks again. Every time the outcome must be that of the clean run, with the very same
// effects. It returns how many points there are.
//
// A crashed life begins where the clean one stood at that point, and is over when it stands again where the clean one has
// stood: with the same store, time and effects, the rest is the same.
func (m Machine[S, E]) CrashEverywhere(story Story[S, E]) (points int, err error) {
	clean, err := newHost(m, story)
	if err != nil {
		return 0, err
	}
	clean.been = map[place]bool{}
	if err := clean.live(); err != nil {
		return 0, fmt.Errorf("without a crash: %w", err)
	}
	want, err := clean.bare()
	if err != nil {
		return 0, err
	}
	points = len(clean.moments)
	for at, moment := range clean.moments {
		h := clean.crashed(moment)
		if err := h.live(); err != nil {
			return points, fmt.Errorf("crashed at point %d: %w", at, err)
		}
		if err := h.like(clean, want); err != nil {
			return points, fmt.Errorf("crashed at point %d: %w", at, err)
		}
	}
	return points, nil
}

// crashed returns the host of a life that lost its memory where the clean one stood.
func (h *host[S, E]) crashed(at place) *host[S, E] {
	again := &host[S, E]{
		Machine: h.Machine, story: h.story, place: at, done: slices.Clone(h.done[:at.did]),
		answers: map[enrollment.EffectID]E{}, clean: h, clicked: at.stage == acting,
	}
	for _, key := range again.done {
		again.answers[key] = h.answers[key]
	}
	return again
}

// like compares the end of a crashed life with that of the clean one.
func (h *host[S, E]) like(clean *host[S, E], want []byte) error {
	if h.joined {
		return nil
	}
	if !slices.Equal(h.done, clean.done) {
		return fmt.Errorf("did %v instead of %v", h.done, clean.done)
	}
	mine, err := h.bare()
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
		return []byte(h.store), nil
	}
	s, err := decode[S]([]byte(h.store))
	if err != nil {
		return nil, err
	}
	return encode(h.story.Bare(s))
}
