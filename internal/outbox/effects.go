// Package outbox holds what a machine still wants done: its pending effects, which stand inside its snapshot, so that a
// change of state and what it owes are one write. It also keeps time the way machines do.
package outbox

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Effects are what a machine still wants done. They are copied on change, because snapshots share them.
type Effects []enrollment.Effect

// Find returns the effect with an ID.
func (e Effects) Find(id enrollment.EffectID) (enrollment.Effect, bool) {
	i := slices.IndexFunc(e, func(x enrollment.Effect) bool { return x.ID == id })
	if i < 0 {
		return enrollment.Effect{}, false
	}
	return e[i], true
}

// Answered returns the effect that a result is of; false: there is none, or it is of another kind.
func (e Effects) Answered(r enrollment.Result, kind enrollment.EffectKind) (enrollment.Effect, bool) {
	x, pending := e.Find(r.Effect)
	return x, pending && x.Kind == kind
}

// Of returns the first effect of a kind.
func (e Effects) Of(kind enrollment.EffectKind) (enrollment.Effect, bool) {
	i := slices.IndexFunc(e, func(x enrollment.Effect) bool { return x.Kind == kind })
	if i < 0 {
		return enrollment.Effect{}, false
	}
	return e[i], true
}

// Wanted adds the n-th effect of a machine, under its deterministic ID.
func (e Effects) Wanted(machine string, n int, now time.Time, x enrollment.Effect) Effects {
	x.ID, x.Attempt, x.NotBefore = enrollment.NewEffectID(machine, n, x.Kind), 1, now
	return append(e[:len(e):len(e)], x)
}

// Hurried brings the next attempt of a kind forward to now.
func (e Effects) Hurried(kind enrollment.EffectKind, now time.Time) Effects {
	x, pending := e.Of(kind)
	if !pending {
		return e
	}
	x.NotBefore = now
	return e.Replaced(x)
}

// Without leaves out the effects that are to be dropped.
func (e Effects) Without(drop func(enrollment.Effect) bool) Effects {
	if !slices.ContainsFunc(e, drop) {
		return e
	}
	var kept Effects
	for _, x := range e {
		if !drop(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

// WithoutKind leaves the effects of these kinds out.
func (e Effects) WithoutKind(kinds ...enrollment.EffectKind) Effects {
	return e.Without(func(x enrollment.Effect) bool { return slices.Contains(kinds, x.Kind) })
}

// WithoutID leaves one effect out.
func (e Effects) WithoutID(id enrollment.EffectID) Effects {
	return e.Without(func(x enrollment.Effect) bool { return x.ID == id })
}

// Replaced puts an effect in the place of the one with its ID.
func (e Effects) Replaced(x enrollment.Effect) Effects {
	out := slices.Clone(e)
	for i := range out {
		if out[i].ID == x.ID {
			out[i] = x
		}
	}
	return out
}

// Wake is when the first of them may be tried; zero: there is none.
func (e Effects) Wake() time.Time {
	var first time.Time
	for i, x := range e {
		if i == 0 || x.NotBefore.Before(first) {
			first = x.NotBefore
		}
	}
	return whole(first)
}

// Due returns those that may be tried now, oldest first.
func (e Effects) Due(now time.Time) []enrollment.Effect {
	var out []enrollment.Effect
	for _, x := range e {
		if x.Due(now) {
			out = append(out, x)
		}
	}
	return out
}

// OwedBy are those that a machine may owe: at rest nothing but notices, whatever was stored.
func (e Effects) OwedBy(live bool) Effects {
	if live {
		return e
	}
	return e.Without(func(x enrollment.Effect) bool { return x.Kind != enrollment.SendNotice })
}

// Earliest returns the first of the given times, where zero means never.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return whole(first)
}

// whole is a time to wake by in whole microseconds, and not before t: whoever wakes by it finds, as machines keep time, that
// the time has come.
func whole(t time.Time) time.Time {
	if w := t.Truncate(time.Microsecond); w.Before(t) {
		return w.Add(time.Microsecond)
	}
	return t
}

// Instant is how machines keep time: UTC, whole microseconds.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// maxNoticeAttempts is when a notice that the host's notifier does not take is given up: after about three days.
const maxNoticeAttempts = 16

// Notified applies the result of a notice to the pending effects.
func (e Effects) Notified(now time.Time, r enrollment.Result) (Effects, bool) {
	x, pending := e.Answered(r, enrollment.SendNotice)
	if !pending {
		return e, false
	}
	if r.Outcome == enrollment.OK || r.Outcome == enrollment.Fatal || x.Attempt >= maxNoticeAttempts {
		return e.WithoutID(x.ID), true
	}
	return e.Replaced(x.Again(now, r.RetryAfter, time.Minute, 8*time.Hour)), true
}
