package memory

import (
	"iter"
	"slices"
)

// maxRun bounds what one insertion moves.
const maxRun = 512

// ordered is a sorted set, kept as a list of short sorted runs.
type ordered[T any] struct {
	compare func(a, b T) int
	runs    [][]T // none is empty; the runs are sorted, too
}

// find returns the run in which v belongs, and whether its place there holds v.
func (o *ordered[T]) find(v T) (run, place int, found bool) {
	run, _ = slices.BinarySearchFunc(o.runs, v, func(r []T, v T) int { return o.compare(r[len(r)-1], v) })
	if run == len(o.runs) {
		return run, 0, false
	}
	place, found = slices.BinarySearchFunc(o.runs[run], v, o.compare)
	return run, place, found
}

func (o *ordered[T]) add(v T) {
	run, place, found := o.find(v)
	switch {
	case found:
		o.runs[run][place] = v
		return
	case len(o.runs) == 0:
		o.runs = append(o.runs, []T{v})
		return
	case run == len(o.runs): // behind all others
		run--
		place = len(o.runs[run])
	}
	o.runs[run] = slices.Insert(o.runs[run], place, v)
	if full := o.runs[run]; len(full) > maxRun {
		half := len(full) / 2
		o.runs[run] = full[:half:half]
		o.runs = slices.Insert(o.runs, run+1, slices.Clone(full[half:]))
	}
}

func (o *ordered[T]) remove(v T) {
	run, place, found := o.find(v)
	if !found {
		return
	}
	o.runs[run] = slices.Delete(o.runs[run], place, place+1)
	if len(o.runs[run]) == 0 {
		o.runs = slices.Delete(o.runs, run, run+1)
	}
}

// from yields the members that are not before v, in order. The set must not change meanwhile.
func (o *ordered[T]) from(v T) iter.Seq[T] {
	return func(yield func(T) bool) {
		run, place, _ := o.find(v)
		for ; run < len(o.runs); run, place = run+1, 0 {
			for _, v := range o.runs[run][place:] {
				if !yield(v) {
					return
				}
			}
		}
	}
}
