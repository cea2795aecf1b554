package migration

// Word is what a plan tells everything that belongs to it: each move, batch and wave that is under way. It says all of how
// things stand, so that only the last one counts. Whoever tells it may be interrupted and begin again; who has heard it takes
// no notice the second time.
type Word string

// The words, each with what it adds to the one before.
const (
	WordGo     Word = "go"     // everything goes on
	WordCalm   Word = "calm"   // no device has its turn to be wiped
	WordHold   Word = "hold"   // nothing new begins at all
	WordStop   Word = "stop"   // what has left is recalled
	WordCancel Word = "cancel" // everything is given up
)

// Move returns what a move is told; nil: nothing. A cancellation is somebody's.
func (w Word) Move(by CancelRequested) MoveEvent {
	switch w {
	case WordCalm, WordHold:
		return TurnEnded{}
	case WordStop:
		return GateClosed{}
	case WordCancel:
		return by
	}
	return nil
}

// Batch returns what a batch is told.
func (w Word) Batch() BatchEvent {
	switch w {
	case WordHold, WordStop:
		return BatchHeld{}
	case WordCancel:
		return BatchClosed{}
	}
	return BatchResumed{}
}

// Wave returns what a wave is told.
func (w Word) Wave(t Track) WaveEvent {
	switch {
	case w == WordCancel:
		return WaveClosed{}
	case w == WordHold, w == WordStop, w == WordCalm && t == TrackWipes:
		return WaveHeld{}
	}
	return WaveResumed{}
}

// stance is the word that says how the plan stands.
func (p Plan) stance() Word {
	switch {
	case p.State == PlanCancelling, p.State == PlanRejected, p.State == PlanExpired, p.State == PlanCancelled:
		return WordCancel
	case p.Stopped:
		return WordStop
	case p.State == PlanPaused, p.State == PlanAwaiting, p.State == PlanCooling:
		return WordHold
	case p.PushLost:
		return WordCalm
	}
	return WordGo
}
