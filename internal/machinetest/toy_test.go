package machinetest_test

import (
	"slices"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// toy is the smallest machine that has everything: it waits for a person, has one thing done, and ends. Faults plant the
// mistakes that the checks must find.
type toy struct {
	State    string              `json:"state"`
	Revision int64               `json:"revision"`
	Seq      int                 `json:"seq"`
	Tries    int                 `json:"tries"`
	Deadline time.Time           `json:"deadline,omitzero"`
	Pending  []enrollment.Effect `json:"pending,omitempty"`
	Shared   []int               `json:"shared,omitempty"`
	Hidden   hidden              `json:"hidden,omitzero"`
}

// hidden is written, but not read back.
type hidden struct{ value int }

func (h hidden) MarshalJSON() ([]byte, error) { return []byte(strconv.Itoa(h.value)), nil }

func (h *hidden) UnmarshalJSON([]byte) error { return nil }

type toyEvent struct {
	kind    string
	effect  enrollment.EffectID
	outcome enrollment.Outcome
}

// fault is a mistake that is planted in the toy.
type fault string

const (
	sound         fault = ""
	refusesFact   fault = "refuses a fact"
	stuck         fault = "no deadline"
	owesAtRest    fault = "an effect survives the end"
	twice         fault = "one effect is wanted twice"
	newID         fault = "an effect's ID depends on chance"
	stale         fault = "stale results count"
	endless       fault = "retries for ever"
	spins         fault = "wakes with nothing to do"
	changesInput  fault = "changes the snapshot that it came from"
	sneaks        fault = "changes something without a move"
	sameRevision  fault = "does not count its moves"
	forgets       fault = "keeps something that is not stored"
	sharesTail    fault = "appends to what another step has"
	deaf          fault = "does not hear that it is done"
	noWayOut      fault = "has a state that nothing leads out of"
	notRepeatable fault = "depends on chance"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newToy() toy { return toy{State: "waiting", Deadline: noon.AddDate(0, 0, 30), Shared: []int{0}} }

var errNotNow = enrollment.NewProblem(enrollment.CodeRefused, "next", "wait")

// toyMachine returns the machine with one mistake in it.
func toyMachine(f fault) machinetest.Machine[toy, toyEvent] {
	chance := 0
	m := machinetest.Machine[toy, toyEvent]{
		State:    func(s toy) string { return s.State },
		Live:     func(s toy) bool { return s.State != "done" },
		Revision: func(s toy) int64 { return s.Revision },
		Pending:  func(s toy) []enrollment.Effect { return s.Pending },
	}
	m.Wake = func(s toy) time.Time {
		wake := s.Deadline
		for _, x := range s.Pending {
			if wake.IsZero() || x.NotBefore.Before(wake) {
				wake = x.NotBefore
			}
		}
		return wake
	}
	m.Step = func(s toy, now time.Time, ev toyEvent) (machinetest.Stepped[toy], error) {
		chance++
		before := s
		moved, err := s.take(f, now, ev, chance)
		if err != nil || !moved {
			if f == sneaks {
				before.Tries++
			}
			return machinetest.Stepped[toy]{Next: before}, err
		}
		if f != sameRevision {
			s.Revision++
		}
		if f == changesInput && len(s.Shared) > 0 {
			s.Shared[0]++
		}
		if f == notRepeatable {
			s.Tries = chance
		}
		return machinetest.Stepped[toy]{Next: s, Moved: true}, nil
	}
	return m
}

func (s *toy) take(f fault, now time.Time, ev toyEvent, chance int) (bool, error) {
	switch {
	case ev.kind == "go" && s.State == "waiting":
		s.State = "working"
		s.want(f, now, chance)
		if f == twice {
			s.want(f, now, chance)
		}
		if f == stuck {
			s.Deadline, s.Pending = time.Time{}, nil
		}
		if f == forgets {
			s.Hidden.value = 1
		}
		return true, nil
	case ev.kind == "more" || ev.kind == "still more":
		s.Seq += len(ev.kind)
		s.want(f, now, chance)
		return true, nil
	case ev.kind == "go":
		return false, errNotNow
	case ev.kind == "result" && s.State == "working":
		return s.result(f, now, ev), nil
	case ev.kind == "result" && f == stale && s.State == "waiting":
		s.end(f)
		return true, nil
	case ev.kind == "tick" && f == refusesFact:
		return false, errNotNow
	case ev.kind == "tick" && f == endless && !now.Before(s.Deadline):
		s.Deadline = now.Add(24 * time.Hour)
		return true, nil
	case ev.kind == "tick" && s.State == "working" && !now.Before(s.Deadline) && f != spins:
		s.end(f)
		return true, nil
	case ev.kind == "tick" && s.State == "waiting" && !now.Before(s.Deadline):
		s.end(f)
		return true, nil
	}
	return false, nil
}

func (s *toy) result(f fault, now time.Time, ev toyEvent) bool {
	if len(s.Pending) == 0 || s.Pending[0].ID != ev.effect {
		return false
	}
	if f == deaf {
		return false
	}
	if ev.outcome != enrollment.OK {
		s.Pending = []enrollment.Effect{s.Pending[0].Again(now, 0, time.Minute, time.Hour)}
		return true
	}
	if f == noWayOut {
		s.State, s.Pending = "limbo", nil
		return true
	}
	s.end(f)
	return true
}

func (s *toy) want(f fault, now time.Time, chance int) {
	s.Seq++
	n := s.Seq
	if f == newID {
		n = chance
	}
	own := s.Pending
	if f != sharesTail {
		own = slices.Clip(own)
	}
	s.Pending = append(own, enrollment.Effect{
		ID: enrollment.NewEffectID("toy", n, enrollment.MakeKey), Kind: enrollment.MakeKey, Attempt: 1, NotBefore: now,
	})
}

func (s *toy) end(f fault) {
	s.State, s.Deadline = "done", time.Time{}
	if f != owesAtRest {
		s.Pending = nil
	}
}

// toyEvents are all that can happen to a toy.
func toyEvents() []machinetest.Event[toy, toyEvent] {
	result := func(o enrollment.Outcome) func(toy, time.Time) toyEvent {
		return func(s toy, _ time.Time) toyEvent {
			if len(s.Pending) == 0 {
				return toyEvent{kind: "result", effect: "toy/0/stale", outcome: o}
			}
			return toyEvent{kind: "result", effect: s.Pending[0].ID, outcome: o}
		}
	}
	plain := func(kind string) func(toy, time.Time) toyEvent {
		return func(toy, time.Time) toyEvent { return toyEvent{kind: kind} }
	}
	return []machinetest.Event[toy, toyEvent]{
		{Name: "go", Asked: true, Of: plain("go")},
		{Name: "result: ok", Of: result(enrollment.OK)},
		{Name: "result: retry", Of: result(enrollment.Retry)},
		{Name: "tick", Of: plain("tick")},
	}
}
