package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// PlanTransition is what one step of a plan gives. Everything in it belongs into one write.
type PlanTransition struct {
	Plan  Plan                   // the next snapshot; the same as before if nothing moved
	Moved bool                   // false: the event was ignored
	Audit []enrollment.AuditFact // to be appended to the plan's history

	// Gate is the plan's gate where it changed, to be put into its own record; nil: it stays.
	Gate *Gate
	// Approved is how many wipes this step approved, to be added to the tenant's [Ledger.Approved].
	Approved int
	// Waves begin with this step.
	Waves []Wave
}

// Step takes one event. It never changes p. The error is a [*TransitionError], and only for what a person asked.
func (p Plan) Step(policy enrollment.Policy, now time.Time, ev PlanEvent) (PlanTransition, error) {
	s := planStep{Plan: p, policy: policy, now: outbox.Instant(now), by: ev.Name()}
	moved, err := s.take(ev)
	if err != nil || !moved {
		return PlanTransition{Plan: p}, err
	}
	s.Revision++
	// Before it begins nothing has to hear how it stands, except that it is given up.
	if is := s.stance(); is != p.stance() && (is == WordCancel || !p.StartedAt.IsZero() && s.State != PlanCompleted) {
		s.tell(is)
	}
	return s.transition(p.Gate()), nil
}

// planStep is a transition in the making.
type planStep struct {
	Plan
	policy enrollment.Policy
	now    time.Time
	by     EventName
	given  PlanTransition
}

func (s *planStep) transition(was Gate) PlanTransition {
	if gate := s.Gate(); !gate.equal(was) {
		s.given.Gate = &gate
	}
	s.given.Plan, s.given.Moved = s.Plan, true
	return s.given
}

func (s *planStep) take(ev PlanEvent) (moved bool, err error) {
	switch ev := ev.(type) {
	case DevicesListed:
		return s.listed(ev)
	case SubmitRequested:
		return s.submit(ev)
	case ApproveRequested:
		return s.approve(ev)
	case RejectRequested:
		return s.reject(ev)
	case StartRequested:
		return s.start(ev)
	case PauseRequested:
		return s.pause(ev)
	case ResumeRequested:
		return s.resume(ev)
	case CancelRequested:
		return s.cancel(ev)
	case DeviceExcluded:
		return s.exclude(ev)
	case DeviceRetried:
		return s.retried(ev)
	}
	return s.fact(ev), nil
}

// fact takes what nobody asked for.
func (s *planStep) fact(ev PlanEvent) (moved bool) {
	switch ev := ev.(type) {
	case PushLost:
		return s.flag(&s.PushLost, true) && s.deaf()
	case PushRestored:
		return s.flag(&s.PushLost, false) && s.heardAgain()
	case SwitchSet:
		return s.flag(&s.Stopped, ev.Thrown)
	case ServiceGone:
		return s.blocked(WaitsService, enrollment.NewProblem(enrollment.CodeServiceGone))
	case ProfileGone:
		return s.blocked(WaitsProfile, enrollment.NewProblem(enrollment.CodeTargetNoProfile, "service", string(s.Route.To)))
	case Counted:
		return s.counted(ev)
	case BatchesMade:
		return s.batchesMade(ev)
	case BatchEnded:
		return s.batchEnded()
	case Looking:
		return s.looked(ev)
	case DeviceRevived:
		return !s.State.Live() && s.lookFor()
	case MovesTold:
		return s.movesTold(ev)
	case WaveEnded:
		return s.waveEnded(ev)
	case PlanTicked:
		return s.tick()
	case PlanNotified:
		s.Pending, moved = s.Pending.Notified(s.now, ev.Result)
	}
	return moved
}

// flag takes note of something that holds wipes back; the word about it is told by [Plan.Step].
func (s *planStep) flag(flag *bool, is bool) bool {
	if *flag == is || !s.State.Live() {
		return false
	}
	*flag = is
	return true
}

// deaf tells a person that no wipe of a plan under way reaches a device, until that is mended.
func (s *planStep) deaf() bool {
	if s.State == PlanRunning && s.PushLost && s.ToWipe() > 0 && (s.Tally.States == nil || s.Tally.Unwiped > 0) {
		s.notify(enrollment.NewProblem(enrollment.CodeWipePushLost))
	}
	return true
}

// heardAgain takes that word back.
func (s *planStep) heardAgain() bool {
	if s.Problem != nil && s.Problem.Code == enrollment.CodeWipePushLost {
		s.Problem = nil
		s.quiet()
	}
	return true
}

// tell has a word told, in place of one that is still being told.
func (s *planStep) tell(w Word) {
	s.unwant(enrollment.TellMoves)
	s.want(enrollment.Effect{Kind: enrollment.TellMoves, Word: string(w)})
}

// mostTellings is when telling a word is given up: what has not heard it by then ends by itself.
const mostTellings = 60

func (s *planStep) movesTold(ev MovesTold) bool {
	x, pending := s.pending(ev.Result, enrollment.TellMoves)
	if !pending {
		return false
	}
	if ev.Outcome == enrollment.OK || x.Attempt >= mostTellings {
		s.Pending = s.Pending.WithoutID(x.ID)
		return true
	}
	s.again(x, ev.Result, time.Second, time.Hour)
	return true
}

// want adds an effect under the next deterministic ID.
func (s *planStep) want(x enrollment.Effect) {
	s.Seq++
	s.Pending = s.Pending.Wanted(string(s.ID), s.Seq, s.now, x)
}

// wantOnce adds an effect unless one of its kind is pending.
func (s *planStep) wantOnce(kind enrollment.EffectKind) {
	if _, pending := s.Pending.Of(kind); !pending {
		s.want(enrollment.Effect{Kind: kind})
	}
}

// unwant forgets the effects of some kinds; a result that still comes is stale.
func (s *planStep) unwant(kinds ...enrollment.EffectKind) {
	s.Pending = s.Pending.WithoutKind(kinds...)
}

// again plans the next attempt of an effect.
func (s *planStep) again(x enrollment.Effect, r enrollment.Result, base, most time.Duration) {
	s.Pending = s.Pending.Replaced(x.Again(s.now, r.RetryAfter, base, most))
}

// pending returns the effect that a result is of.
func (s *planStep) pending(r enrollment.Result, kind enrollment.EffectKind) (enrollment.Effect, bool) {
	return s.owed().Answered(r, kind)
}

func (s *planStep) say(act enrollment.Act, by enrollment.Actor, detail ...string) {
	s.given.Audit = append(s.given.Audit, enrollment.NewAuditFact(act, by, detail...))
}

// refuse answers what a person asked with a no, and what they can do instead.
func (s *planStep) refuse(next string) (bool, error) {
	return false, refuse(string(s.State), s.by, next)
}

func (s *planStep) refuseWith(problem *enrollment.Problem) (bool, error) {
	return false, refuseWith(string(s.State), s.by, problem)
}
