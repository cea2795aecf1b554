package postgres_test

import (
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

// What one record of the model is like; the zero value: it never existed.
type cell struct {
	version int64 // of the record, or the one at which it was deleted
	there   bool
	due     bool
	value   int
}

const cells = 3

type model [cells]cell

// call is one operation on a store. Commits name several records, each at the version that the caller read before.
type call struct {
	what    string // "get", "list", "commit", "claim"
	cell    int    // of a get
	changes []change
	value   int // what a commit puts
}

// change is what a commit does with one record.
type change struct {
	cell    int
	version int64
	what    string // "put", "hold", "delete"
}

// answer is what came of it.
type answer struct {
	seen     model
	conflict bool
	claimed  int // -1: none
	version  int64
}

// stepper returns the model of a store. One that skips may claim nothing, and not the first, where others are at work.
func stepper(skips bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return model{} },
		Step: func(state, input, output any) (bool, any) {
			return step(state.(model), input.(call), output.(answer), skips)
		},
		Equal: func(a, b any) bool { return a.(model) == b.(model) },
		DescribeOperation: func(input, output any) string {
			return fmt.Sprintf("%+v -> %+v", input, output)
		},
	}
}

func step(m model, c call, a answer, skips bool) (bool, model) {
	switch c.what {
	case "get":
		return visible(m[c.cell]) == visible(a.seen[c.cell]), m
	case "list":
		for i := range m {
			if visible(m[i]) != visible(a.seen[i]) {
				return false, m
			}
		}
		return true, m
	case "claim":
		first := slices.IndexFunc(m[:], func(c cell) bool { return c.due })
		if a.claimed < 0 {
			return first < 0 || skips, m
		}
		if !m[a.claimed].due || a.claimed != first && !skips || a.version != m[a.claimed].version+1 {
			return false, m
		}
		m[a.claimed].due = false
		m[a.claimed].version++
		return true, m
	}
	fits := true
	for _, ch := range c.changes {
		present := m[ch.cell].version
		if !m[ch.cell].there {
			present = 0
		}
		fits = fits && present == ch.version
	}
	if !fits || a.conflict {
		return fits != a.conflict, m
	}
	for _, ch := range c.changes {
		switch x := &m[ch.cell]; ch.what {
		case "put":
			*x = cell{version: x.version + 1, there: true, due: true, value: c.value}
		case "delete":
			*x = cell{version: x.version}
		}
	}
	return true, m
}

// visible is what a reader sees of a record: not whether it is due, nor that it existed once.
func visible(c cell) cell {
	if !c.there {
		return cell{}
	}
	c.due = false
	return c
}
