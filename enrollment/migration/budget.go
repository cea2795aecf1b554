package migration

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Budget counts what was spent lately, so that in no time of an allowance's length more is had than it allows. It is a small
// value in a record of its own, spent in the write that does what it pays for, so that any number of machines share it.
//
// Its size is bounded, however much is spent: what lies far back is counted in heaps, each as if all of it had been spent at
// the heap's latest moment. So it may allow less than it might, and never more. Time only moves forward in it: after a clock
// that went back, it goes on where it was.
type Budget struct {
	Spent []Heap `json:"spent,omitempty"` // oldest first
}

// Heap is what was spent at a moment, or up to it.
type Heap struct {
	At time.Time `json:"at"`
	N  int       `json:"n"`
}

// maxHeaps bounds a budget to some ten kilobytes.
const maxHeaps = 256

// Count returns how many were spent in the time before now.
func (b Budget) Count(now time.Time, in time.Duration) int {
	now = b.clock(now)
	n := 0
	for _, h := range b.Spent {
		if h.At.After(now.Add(-in)) {
			n += h.N
		}
	}
	return n
}

// Left returns how many may be had now; none without an allowance.
func (b Budget) Left(now time.Time, allowed []enrollment.Allowance) int {
	left := 0
	for i, a := range allowed {
		free := max(a.Most-b.Count(now, a.In), 0)
		if i == 0 || free < left {
			left = free
		}
	}
	return left
}

// Next returns when at least one may be had if nothing is spent until then; zero: never.
func (b Budget) Next(now time.Time, allowed []enrollment.Allowance) time.Time {
	now = b.clock(now)
	next := now
	for _, a := range allowed {
		if a.Most < 1 {
			return time.Time{}
		}
		// Heaps leave the time of the allowance oldest first.
		counted := b.Count(now, a.In)
		for _, h := range b.Spent {
			free := h.At.Add(a.In)
			if counted < a.Most {
				break
			}
			if free.After(now) {
				counted -= h.N
				next = latest(next, free)
			}
		}
	}
	if len(allowed) == 0 {
		return time.Time{}
	}
	return next
}

// Spend returns the budget with n more spent now. false: that is more than is left, and nothing is spent.
func (b Budget) Spend(now time.Time, n int, allowed []enrollment.Allowance) (Budget, bool) {
	if n < 1 || n > b.Left(now, allowed) {
		return b, false
	}
	return b.Add(now, n), true
}

// Add returns the budget with n more spent now, whatever is left.
func (b Budget) Add(now time.Time, n int) Budget {
	if n < 1 {
		return b
	}
	now = b.clock(now)
	old := now.Add(-enrollment.MaxAllowanceTime)
	heaps := make([]Heap, 0, len(b.Spent)+1)
	for _, h := range b.Spent {
		if h.At.After(old) {
			heaps = append(heaps, h)
		}
	}
	if last := len(heaps) - 1; last >= 0 && heaps[last].At.Equal(now) {
		heaps[last].N += n
	} else {
		heaps = append(heaps, Heap{At: now, N: n})
	}
	for len(heaps) > maxHeaps {
		heaps = heaped(heaps, now)
	}
	return Budget{Spent: heaps}
}

// heaped throws the two neighbours together that lie closest to each other, seen from now: what is long past blurs first.
func heaped(heaps []Heap, now time.Time) []Heap {
	best, least := 0, 0.0
	for i := range len(heaps) - 1 {
		older, newer := heaps[i], heaps[i+1]
		apart := float64(newer.At.Sub(older.At)) / float64(now.Sub(older.At)+1)
		if i == 0 || apart < least {
			best, least = i, apart
		}
	}
	heaps[best+1].N += heaps[best].N
	return slices.Delete(heaps, best, best+1)
}

// clock returns the time by which the budget goes: never before the last moment that something was spent.
func (b Budget) clock(now time.Time) time.Time {
	now = outbox.Instant(now)
	for _, h := range b.Spent {
		now = latest(now, h.At)
	}
	return now
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
