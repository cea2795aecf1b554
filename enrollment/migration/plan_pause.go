package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

func (s *planStep) pause(ev PauseRequested) (bool, error) {
	switch s.State {
	case PlanRunning:
	case PlanPaused:
		return false, nil
	case PlanDrafting, PlanAwaiting, PlanCooling:
		return s.refuse("It has not begun; reject or cancel it instead")
	default:
		return s.refuse("The plan has ended, or is about to")
	}
	s.say(enrollment.ActPlanPaused, ev.By, "reason", shortened(ev.Reason))
	s.halt(Pause{Why: WaitsPause, By: ev.By, At: s.now, Reason: shortened(ev.Reason)}, nil)
	return true, nil
}

// pauseItself pauses without anybody having asked, and tells a person.
func (s *planStep) pauseItself(why Why, problem *enrollment.Problem) {
	s.say(enrollment.ActPlanPaused, enrollment.Nobody, "reason", string(why), "problem", string(problem.Code))
	s.halt(Pause{Why: why, By: enrollment.Nobody, At: s.now}, problem)
	s.notify(problem)
}

func (s *planStep) halt(p Pause, problem *enrollment.Problem) {
	s.State, s.Pause, s.Problem = PlanPaused, &p, problem
	s.LapseAt, s.RemindAt = s.now.Add(longestPause), s.now.Add(s.policy.RemindWaiting)
	s.unwant(enrollment.MakeBatches)
}

func (s *planStep) resume(ev ResumeRequested) (bool, error) {
	switch {
	case s.State == PlanRunning:
		return false, nil
	case s.State != PlanPaused:
		return s.refuse("It is not paused")
	case s.Pause != nil && s.Pause.Why == WaitsApproval || s.Listing.Wipes > 0 && s.approvalOver():
		return s.refuseWith(enrollment.NewProblem(enrollment.CodeApprovalEnded))
	}
	if problem := ev.Target.wrong(s.Route); problem != nil {
		return s.refuseWith(problem)
	}
	s.say(enrollment.ActPlanResumed, ev.By)
	s.run(ev.By)
	return true, nil
}

// approvalOver reports whether the plan has wipes that are not approved any more.
func (s *planStep) approvalOver() bool {
	over := earliest(s.ApprovedUntil, s.ApprovedAt.Add(s.policy.Wipes.ApprovedFor))
	return s.hasToWipe() && !s.now.Before(over)
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// blocked pauses where devices cannot go on to the new service, until a person who has solved that resumes the plan.
func (s *planStep) blocked(why Why, problem *enrollment.Problem) bool {
	switch s.State {
	case PlanRunning:
		s.pauseItself(why, problem)
	case PlanPaused:
		if s.Pause != nil && (s.Pause.Why == why || s.Pause.Why == WaitsService) {
			return false // resuming it, or submitting it again, looks at the service anew
		}
		s.halt(Pause{Why: why, By: enrollment.Nobody, At: s.now}, problem)
		s.notify(s.Problem)
	case PlanAwaiting, PlanCooling:
		if s.StartedAt.IsZero() {
			s.draft() // submitting it again looks at the service anew
			s.Problem = problem
			s.Approvals, s.CoolUntil = nil, time.Time{}
			return true
		}
		s.pauseItself(why, problem)
	default:
		return false
	}
	return true
}

func (s *planStep) cancel(ev CancelRequested) (bool, error) {
	switch {
	case s.State == PlanCancelling || s.State == PlanCancelled:
		return false, nil
	case !s.State.Live():
		return s.refuse("The plan has ended; there is nothing to cancel")
	}
	s.say(enrollment.ActPlanCancelled, ev.By, "from", string(s.State))
	if s.StartedAt.IsZero() {
		s.giveUp(PlanCancelled, nil)
	} else {
		s.giveUp(PlanCancelling, nil)
	}
	return true, nil
}

// giveUp ends the plan before its time. What belongs to it is told by [Plan.Step].
func (s *planStep) giveUp(state PlanState, problem *enrollment.Problem) {
	if state != PlanCancelling {
		s.rest(state)
		s.Problem = problem
		return
	}
	s.State, s.Pause, s.Problem, s.LapseAt = PlanCancelling, nil, problem, s.now.Add(endWithin)
	s.CoolUntil = time.Time{}
	s.quiet()
	s.wantOnce(enrollment.CountMoves)
}

// rest goes to a resting state.
func (s *planStep) rest(state PlanState) {
	s.State, s.EndedAt, s.Problem, s.Pause = state, s.now, nil, nil
	s.LapseAt, s.CoolUntil = time.Time{}, time.Time{}
	s.Wipes.Live, s.Migrates.Live = "", ""
	s.unwant(enrollment.CountMoves, enrollment.MakeBatches, enrollment.LookUp)
	s.quiet()
	s.say(enrollment.ActPlanEnded, enrollment.Nobody, "state", string(state))
}

// exclude leaves a device out. The plan only shrinks by it: its approval stays.
func (s *planStep) exclude(ev DeviceExcluded) (bool, error) {
	switch {
	case !s.State.Live() || s.State == PlanCancelling:
		return s.refuse("The plan has ended, or is about to; skip the device itself if it is still on its way")
	case s.Digest == "":
		return s.refuse(listFirst)
	case s.Excluded.Devices >= s.Listing.Devices:
		return s.refuse("Every device of the plan is excluded already; cancel it instead")
	}
	s.Excluded = s.Excluded.with(ev.Strategy)
	s.say(enrollment.ActDeviceExcluded, ev.By, "serial", ev.Serial)
	return true, nil
}

// retried goes on with a plan that had ended, for one of its devices.
func (s *planStep) retried(ev DeviceRetried) (bool, error) {
	switch s.State {
	case PlanRunning:
		s.wantOnce(enrollment.MakeBatches)
	case PlanPaused:
	case PlanCompleted:
		s.EndedAt = time.Time{}
		s.StartedAt = s.now
		s.run(ev.By)
	default:
		return s.refuse("Only a plan that runs, is paused or has completed takes a device again; make a new plan for it")
	}
	s.say(enrollment.ActMoveRetried, ev.By, "serial", ev.Serial)
	return true, nil
}
