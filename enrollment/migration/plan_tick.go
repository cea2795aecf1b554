package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// tick does what has come due by the passing of time.
func (s *planStep) tick() (moved bool) {
	if !s.State.Live() {
		return false
	}
	if s.State == PlanRunning && s.approvalOver() {
		s.pauseItself(WaitsApproval, enrollment.NewProblem(enrollment.CodeApprovalEnded))
		return true
	}
	if !s.now.Before(s.LapseAt) {
		return s.lapse()
	}
	if !s.RemindAt.IsZero() && !s.now.Before(s.RemindAt) {
		s.notify(s.Problem)
		return true
	}
	return false
}

// lapse ends a wait that has been too long, or the cooling period.
func (s *planStep) lapse() bool {
	switch s.State {
	case PlanCooling:
		if until := s.cooled(); s.now.Before(until) {
			s.CoolUntil, s.LapseAt = until, until
			return true
		}
		s.run(enrollment.Nobody)
	case PlanCancelling:
		s.rest(PlanCancelled)
	case PlanRunning, PlanPaused:
		s.say(enrollment.ActPlanCancelled, enrollment.Nobody, "from", string(s.State))
		s.giveUp(PlanCancelling, enrollment.NewProblem(enrollment.CodePlanLapsed))
	case PlanAwaiting:
		if !s.StartedAt.IsZero() { // its approval had ended on the way
			s.pauseItself(WaitsApproval, enrollment.NewProblem(enrollment.CodeApprovalEnded))
			return true
		}
		s.giveUp(PlanExpired, enrollment.NewProblem(enrollment.CodePlanLapsed))
	default:
		s.giveUp(PlanExpired, enrollment.NewProblem(enrollment.CodePlanLapsed))
	}
	return true
}

// notify tells a person that the plan waits for them, and reminds them from time to time.
func (s *planStep) notify(problem *enrollment.Problem) {
	s.Notified, s.Problem = true, problem
	s.RemindAt = s.now.Add(s.policy.RemindWaiting)
	s.sendNotice(problem)
}

// quiet ends what a person was told.
func (s *planStep) quiet() {
	s.RemindAt = time.Time{}
	if s.Notified {
		s.Notified = false
		s.sendNotice(nil)
	}
}

// sendNotice sends a problem, or the word that it is over.
func (s *planStep) sendNotice(problem *enrollment.Problem) {
	s.unwant(enrollment.SendNotice)
	s.Seq++
	s.Pending = s.Pending.Wanted(string(s.ID), s.Seq, s.now, enrollment.Effect{
		Kind: enrollment.SendNotice, Notice: planNotice(s.ID, string(s.ID), s.Seq, s.Tenant, s.Route.To, problem, s.now),
	})
}

// planNotice is a notice of a plan, or of a batch of it, by the effect that sends it. Without a problem it clears the thread.
func planNotice(plan enrollment.PlanID, subject string, effect int, tenant enrollment.TenantID, to enrollment.ServerID,
	problem *enrollment.Problem, at time.Time,
) *enrollment.Notice {
	return &enrollment.Notice{
		ID:     string(enrollment.NewEffectID(subject, effect, enrollment.SendNotice)),
		Thread: enrollment.Thread(subject, enrollment.NoticeWaiting), Kind: enrollment.NoticeWaiting, Cleared: problem == nil,
		Tenant: tenant, Server: to, Plan: plan, Problem: problem, At: at,
	}
}
