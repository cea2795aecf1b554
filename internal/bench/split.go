package main

import (
	"slices"
	"time"
)

// whole is what a run took.
func (s split) whole() time.Duration {
	var sum time.Duration
	for _, d := range s {
		sum += d
	}
	return sum
}

// fasterHalf is the mean of the faster half of the runs, at least one, part by part.
func fasterHalf(runs []split) split {
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b split) int { return int(a.whole() - b.whole()) })
	half := sorted[:(len(sorted)+1)/2]
	mean := split{}
	for _, run := range half {
		for name, d := range run {
			mean[name] += d / time.Duration(len(half))
		}
	}
	return mean
}
