package migration

import "slices"

// Tally counts the moves of a plan as they stand. It is made of them by [Tally.Add], in any order.
type Tally struct {
	States map[MoveState]int `json:"states,omitempty"`
	// Ended have come to rest, and Failed are those of them that a person has to look at although nobody planned that.
	Ended  int `json:"ended,omitempty"`
	Failed int `json:"failed,omitempty"`
	// Queued wait for a batch that assigns them; those that are to migrate wait for a wave first and are in ToMigrate.
	Queued    int `json:"queued,omitempty"`
	ToMigrate int `json:"to_migrate,omitempty"`
	ToWipe    int `json:"to_wipe,omitempty"` // wait for their turn, or have it
	Unwiped   int `json:"unwiped,omitempty"` // are to be wiped, and were not released yet
	Away      int `json:"away,omitempty"`    // are to come back by themselves, as far as anybody knows
	Undoing   int `json:"undoing,omitempty"` // wait for a batch that cancels their migration
}

// Add counts one move.
func (t *Tally) Add(m Move) {
	if t.States == nil {
		t.States = map[MoveState]int{}
	}
	t.States[m.State]++
	switch {
	case m.State == MoveQueued && m.Decision.Strategy == Migrate:
		t.ToMigrate++
	case m.State == MoveQueued:
		t.Queued++
	case m.State == MoveTurn:
		t.ToWipe++
	case m.State == MoveCancelling && m.Decision.Strategy == Migrate:
		t.Undoing++
	}
	if m.Decision.Strategy == Wipe && beforeWipe(m.State) {
		t.Unwiped++
	}
	if slices.Contains(AwayStates(), m.State) {
		t.Away++
	}
	if !m.State.Live() {
		t.Ended++
	}
	if failed(m) {
		t.Failed++
	}
}

// Live returns how many moves are under way.
func (t Tally) Live() int {
	n := 0
	for _, s := range liveMoves {
		n += t.States[s]
	}
	return n
}

// beforeWipe reports whether a device in this state is on its way to its wipe.
func beforeWipe(s MoveState) bool {
	switch s {
	case MoveQueued, MoveAssigning, MoveSeeking, MoveProfiling, MoveReading, MoveTurn:
		return true
	}
	return false
}

// failed reports whether a person has to look at the device although nobody planned that.
func failed(m Move) bool {
	switch m.State {
	case MoveFailed, MoveOutstanding, MoveReturned:
		return true
	case MoveHands:
		return m.Decision.Strategy != Hands
	}
	return false
}
