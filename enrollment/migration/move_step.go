package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// MoveTransition is what one step of a move gives. Everything in it belongs into one write.
type MoveTransition struct {
	Move  Move                   // the next snapshot; the same as before if nothing moved
	Moved bool                   // false: the event was ignored
	Audit []enrollment.AuditFact // to be appended to a history, of the plan or of the move itself

	// Send is the wipe that this step released. The write spends the budget, and holds plan, policy and kill switch. Whoever has
	// made that write sends the wipe at once, looking at the clock right before; nobody else does, so that a crash in between
	// leaves a wipe of which it is not known whether it left, and not one that leaves twice. Nil: nothing was released.
	Send *enrollment.Effect
	// Drop lists the secrets that nobody needs any more.
	Drop []string
}

// Step takes one event. It never changes m. The error is a [*TransitionError], and only for what a person asked.
func (m Move) Step(p enrollment.Policy, now time.Time, ev MoveEvent) (MoveTransition, error) {
	s := moveStep{Move: m, policy: p, now: outbox.Instant(now), by: ev.Name()}
	if s.Wipe == nil && (s.State == MoveWiping || s.State == MoveAnswer) {
		s.Wipe = &WipeFate{Fate: FateDoubt} // whatever was stored: nobody knows
	}
	moved, err := s.take(ev)
	if err != nil || !moved {
		return MoveTransition{Move: m}, err
	}
	s.Revision++
	return s.transition(m.State), nil
}

// moveStep is a transition in the making.
type moveStep struct {
	Move
	policy enrollment.Policy
	now    time.Time
	by     EventName
	given  MoveTransition
}

func (s *moveStep) transition(from MoveState) MoveTransition {
	if s.State != from {
		first := max(0, len(s.History)+1-maxMoments)
		history := make([]MoveMoment, 0, len(s.History)+1-first)
		s.History = append(append(history, s.History[first:]...), MoveMoment{At: s.now, Event: s.by, State: s.State})
	}
	s.given.Move, s.given.Moved = s.Move, true
	return s.given
}

func (s *moveStep) take(ev MoveEvent) (moved bool, err error) {
	switch ev := ev.(type) {
	case AssignStarted:
		return s.assignStarted(ev), nil
	case AssignResult:
		return s.assignResult(ev), nil
	case ReadBack:
		return s.readBack(ev.Seen), nil
	case ProfileResult:
		return s.profileResult(ev), nil
	case DeadlineCancelled:
		return s.deadlineCancelled(ev), nil
	case TurnCalled:
		return s.turnCalled(ev), nil
	case TurnEnded:
		return s.turnEnded(), nil
	case WipeReleased:
		return s.wipeReleased(ev), nil
	case GateClosed:
		return s.gateClosed(), nil
	case Observed:
		return s.observed(ev.DeviceEvent), nil
	case RetryRequested:
		return s.retry(ev)
	case SkipRequested:
		return s.skip(ev)
	case CancelRequested:
		return s.cancel(ev)
	case MoveTicked:
		return s.tick(), nil
	}
	return s.result(ev), nil
}

// result takes what became of one of the move's own effects.
func (s *moveStep) result(ev MoveEvent) (moved bool) {
	switch ev := ev.(type) {
	case DeviceConfirmed:
		return s.deviceConfirmed(ev)
	case PINMade:
		return s.pinMade(ev)
	case WipeSent:
		return s.wipeSent(ev)
	case WipeAsked:
		return s.wipeAsked(ev)
	case WipeRecalled:
		return s.wipeRecalled(ev)
	case LockCleared:
		return s.lockCleared(ev)
	}
	return false
}

// want adds an effect under the next deterministic ID, to be done from some moment on.
func (s *moveStep) want(from time.Time, x enrollment.Effect) {
	s.Seq++
	s.Pending = s.Pending.Wanted(string(s.ID), s.Seq, from, x)
}

// wantOnce adds an effect unless one of its kind is pending.
func (s *moveStep) wantOnce(from time.Time, x enrollment.Effect) {
	if _, pending := s.Pending.Of(x.Kind); !pending {
		s.want(from, x)
	}
}

// unwant forgets the effects of some kinds; a result that still comes is stale.
func (s *moveStep) unwant(kinds ...enrollment.EffectKind) {
	s.Pending = s.Pending.WithoutKind(kinds...)
}

// again plans the next attempt of an effect.
func (s *moveStep) again(x enrollment.Effect, r enrollment.Result, base, most time.Duration) {
	s.Pending = s.Pending.Replaced(x.Again(s.now, r.RetryAfter, base, most))
}

// pending returns the effect that a result is of.
func (s *moveStep) pending(r enrollment.Result, kind enrollment.EffectKind) (enrollment.Effect, bool) {
	return s.owed().Answered(r, kind)
}

func (s *moveStep) say(act enrollment.Act, by enrollment.Actor, detail ...string) {
	detail = append(detail, "move", string(s.ID), "serial", s.Device.Serial)
	s.given.Audit = append(s.given.Audit, enrollment.NewAuditFact(act, by, detail...))
}

func (s *moveStep) warn(problem *enrollment.Problem) {
	for _, w := range s.Warnings {
		if w.Code == problem.Code {
			return
		}
	}
	s.Warnings = append(s.Warnings[:len(s.Warnings):len(s.Warnings)], *problem)
}

// wait goes to a live state, which is given some time.
func (s *moveStep) wait(state MoveState, within time.Duration) {
	s.State, s.DueAt, s.Problem, s.EndedAt = state, s.now.Add(within), nil, time.Time{}
}

// rest goes to a resting state. A wipe that may still reach the device is void and recalled; nothing else is owed.
func (s *moveStep) rest(state MoveState, problem *enrollment.Problem) {
	s.void()
	s.State, s.Problem, s.EndedAt, s.DueAt = state, problem, s.now, time.Time{}
	s.Batch, s.Wave, s.Confirmed = "", 0, nil
	s.Pending = s.owed()
}

// hands leaves the device to a person.
func (s *moveStep) hands(code enrollment.Code, args ...string) bool {
	s.rest(MoveHands, enrollment.NewProblem(code, args...))
	return true
}

// because puts a reason of Apple's, an MDM's or a device's behind a blank and in parentheses, shortened.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	if runes := []rune(reason); len(runes) > maxReason {
		reason = string(runes[:maxReason]) + "…"
	}
	return " (" + reason + ")"
}

const maxReason = 300
