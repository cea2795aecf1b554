package renewal

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// effects are what a machine still wants done. They are copied on change, because snapshots share them.
type effects []enrollment.Effect

func (e effects) find(id enrollment.EffectID) (enrollment.Effect, bool) {
	i := slices.IndexFunc(e, func(x enrollment.Effect) bool { return x.ID == id })
	if i < 0 {
		return enrollment.Effect{}, false
	}
	return e[i], true
}

func (e effects) of(kind enrollment.EffectKind) (enrollment.Effect, bool) {
	i := slices.IndexFunc(e, func(x enrollment.Effect) bool { return x.Kind == kind })
	if i < 0 {
		return enrollment.Effect{}, false
	}
	return e[i], true
}

// wanted adds the n-th effect of a machine, under its deterministic ID.
func (e effects) wanted(machine string, n int, now time.Time, x enrollment.Effect) effects {
	x.ID, x.Attempt, x.NotBefore = enrollment.NewEffectID(machine, n, x.Kind), 1, now
	return append(e[:len(e):len(e)], x)
}

// hurried brings the next attempt of a kind forward to now.
func (e effects) hurried(kind enrollment.EffectKind, now time.Time) effects {
	x, pending := e.of(kind)
	if !pending {
		return e
	}
	x.NotBefore = now
	return e.replaced(x)
}

func (e effects) without(drop func(enrollment.Effect) bool) effects {
	if !slices.ContainsFunc(e, drop) {
		return e
	}
	var kept effects
	for _, x := range e {
		if !drop(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

func (e effects) withoutKind(kind enrollment.EffectKind) effects {
	return e.without(func(x enrollment.Effect) bool { return x.Kind == kind })
}

func (e effects) withoutID(id enrollment.EffectID) effects {
	return e.without(func(x enrollment.Effect) bool { return x.ID == id })
}

func (e effects) replaced(x enrollment.Effect) effects {
	out := slices.Clone(e)
	for i := range out {
		if out[i].ID == x.ID {
			out[i] = x
		}
	}
	return out
}

// wake is when the first of them may be tried; zero: there is none.
func (e effects) wake() time.Time {
	var first time.Time
	for i, x := range e {
		if i == 0 || x.NotBefore.Before(first) {
			first = x.NotBefore
		}
	}
	return first
}

// due returns those that may be tried now, oldest first.
func (e effects) due(now time.Time) []enrollment.Effect {
	var out []enrollment.Effect
	for _, x := range e {
		if x.Due(now) {
			out = append(out, x)
		}
	}
	return out
}

// owedBy are those that a machine may owe: at rest nothing but notices, whatever was stored.
func (e effects) owedBy(live bool) effects {
	if live {
		return e
	}
	return e.without(func(x enrollment.Effect) bool { return x.Kind != enrollment.SendNotice })
}

// earliest returns the first of the given times, where zero means never.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// instant is how machines keep time: UTC, whole microseconds.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// maxNoticeAttempts is when a notice that the host's notifier does not take is given up: after about three days.
const maxNoticeAttempts = 16

// notified applies the result of a notice to the pending effects.
func (e effects) notified(now time.Time, r enrollment.Result) (effects, bool) {
	x, pending := e.find(r.Effect)
	if !pending || x.Kind != enrollment.SendNotice {
		return e, false
	}
	if r.Outcome == enrollment.OK || r.Outcome == enrollment.Fatal || x.Attempt >= maxNoticeAttempts {
		return e.withoutID(x.ID), true
	}
	return e.replaced(x.Again(now, r.RetryAfter, time.Minute, 8*time.Hour)), true
}
