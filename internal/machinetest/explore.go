package machinetest

import (
	"fmt"
	"reflect"
	"time"
)

// Exploration says from where, by which events and how far a machine is explored.
type Exploration[S, E any] struct {
	Start  []Row[S]
	Events []Event[S, E]
	// Jumps are how far time may have passed when an event comes, beside not at all.
	Jumps []time.Duration
	// Essence strips what never decides how the machine goes on, such as when it began, so that there is less to explore;
	// nil: nothing. It may not change the snapshot that it gets.
	Essence func(S) S
	// Most bounds the distinct snapshots that are looked at.
	Most int
	// CheckStep is a promise about single steps of this machine; nil: none. A refusal comes as err.
	CheckStep func(before S, now time.Time, ev Event[S, E], after S, err error) error
}

// Explored is what an exploration saw.
type Explored struct {
	Snapshots int // distinct ones, times rounded
	Edges     int
	States    map[string]int // how many snapshots of each state
	Complete  bool           // everything that can be reached was reached
}

// node is a snapshot at a moment, with the way there.
type node[S any] struct {
	s    S
	now  time.Time
	by   string
	from int // index of the node before; -1: a start
}

// Explore walks breadth first through everything that the events can lead to, and checks every step and every snapshot.
// Snapshots that differ in nothing but counters and the exact moments count as one, so that the walk has an end. It also
// demands that from everywhere a rest can be reached. The error tells the way to the first broken promise.
func (m Machine[S, E]) Explore(x Exploration[S, E]) (Explored, error) {
	w := walk[S, E]{Machine: m, x: x, index: map[string]int{}, met: map[exactly]int{}, open: map[int]bool{}}
	for _, row := range x.Start {
		if _, err := w.meet(node[S]{s: row.S, now: row.At, by: "start", from: -1}); err != nil {
			return w.seen(), err
		}
	}
	for i := 0; i < len(w.nodes); i++ {
		if err := w.leave(i); err != nil {
			return w.seen(), fmt.Errorf("%w\n%s", err, w.way(i))
		}
	}
	return w.seen(), w.restIsReachable()
}

// exactly is a snapshot to the letter: the most steps lead to one that was met just so, which spares its outline.
type exactly struct {
	text string
	now  int64
}

type walk[S, E any] struct {
	Machine[S, E]
	x     Exploration[S, E]
	nodes []node[S]
	index map[string]int // by outline
	met   map[exactly]int
	back  [][]int      // for each node, those that lead to it
	open  map[int]bool // those with moves to where there was no room
	edges int
}

func (w *walk[S, E]) seen() Explored {
	e := Explored{Snapshots: len(w.nodes), Edges: w.edges, States: map[string]int{}, Complete: len(w.open) == 0}
	for _, n := range w.nodes {
		e.States[w.State(n.s)]++
	}
	return e
}

// meet adds a node unless one like it is known, and returns its index; -1: there is no room for it.
func (w *walk[S, E]) meet(n node[S]) (int, error) {
	essence := n.s
	if w.x.Essence != nil {
		essence = w.x.Essence(n.s)
	}
	text, err := encode(essence)
	if err != nil {
		return -1, err
	}
	exact := exactly{string(text), n.now.UnixNano()}
	if i, met := w.met[exact]; met {
		return i, nil
	}
	key := outline(text, n.now)
	if i, known := w.index[key]; known {
		w.met[exact] = i
		return i, nil
	}
	if len(w.nodes) >= w.x.Most {
		w.met[exact] = -1
		return -1, nil
	}
	i := len(w.nodes)
	w.index[key], w.met[exact] = i, i
	w.nodes, w.back = append(w.nodes, n), append(w.back, nil)
	if err := w.Sound(n.s); err != nil {
		stored, _ := encode(n.s)
		return i, fmt.Errorf("%w: %s\n%s", err, stored, w.way(i))
	}
	return i, nil
}

// leave takes every event at every moment from one node.
func (w *walk[S, E]) leave(i int) error {
	n := w.nodes[i]
	before, err := encode(n.s)
	if err != nil {
		return err
	}
	for _, jump := range append([]time.Duration{0}, w.x.Jumps...) {
		now := n.now.Add(jump)
		for _, ev := range w.x.Events {
			step, err := w.judge(n.s, now, ev)
			if err == nil && w.x.CheckStep != nil {
				err = w.x.CheckStep(n.s, step.at, ev, step.next, step.refusal)
			}
			w.edges++
			if err != nil {
				return fmt.Errorf("%s after %v: %w", ev.Name, jump, err)
			}
			if step.verdict != Moves {
				continue
			}
			to, err := w.meet(node[S]{s: step.next, now: step.at, by: fmt.Sprintf("%s after %v", ev.Name, jump), from: i})
			if err != nil {
				return err
			}
			switch {
			case to < 0:
				w.open[i] = true
			case to != i:
				w.back[to] = append(w.back[to], i)
			}
		}
	}
	after, err := encode(w.nodes[i].s)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(before, after) {
		return fmt.Errorf("a step changed the snapshot that it came from: %s", before)
	}
	return nil
}

// restIsReachable looks for snapshots from which no event leads to rest; where the walk was cut short, it may.
func (w *walk[S, E]) restIsReachable() error {
	ends := make([]bool, len(w.nodes))
	var queue []int
	for i, n := range w.nodes {
		if !w.Live(n.s) || w.open[i] {
			ends[i] = true
			queue = append(queue, i)
		}
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, from := range w.back[i] {
			if !ends[from] {
				ends[from] = true
				queue = append(queue, from)
			}
		}
	}
	for i, can := range ends {
		if !can {
			return fmt.Errorf("no event leads from here to rest:\n%s", w.way(i))
		}
	}
	return nil
}

// way tells how a node was reached.
func (w *walk[S, E]) way(i int) string {
	told := ""
	for ; i >= 0; i = w.nodes[i].from {
		told = fmt.Sprintf("  %s -> %s\n", w.nodes[i].by, w.State(w.nodes[i].s)) + told
	}
	return told
}
