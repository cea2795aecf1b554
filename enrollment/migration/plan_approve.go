package migration

import (
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// listed takes the list of devices. Another list than the one before voids every approval of it.
func (s *planStep) listed(ev DevicesListed) (bool, error) {
	switch {
	case s.State != PlanDrafting && s.State != PlanAwaiting:
		return s.refuse("The devices of a plan change only before it is approved; make another plan")
	case ev.Digest == "" || ev.Listing.Devices < 1:
		return s.refuse("The list has no device in it; give one with devices of the service that they come from")
	case ev.Listing.Wipes > 0 && !s.policy.Wipes.On:
		return s.refuseWith(enrollment.NewProblem(enrollment.CodeWipesOff))
	}
	s.ListRevision++
	s.ListedBy, s.Digest, s.Listing, s.Refused = ev.By, ev.Digest, ev.Listing, max(ev.Refused, 0)
	s.Excluded, s.Approvals, s.Caps = Listing{}, nil, CapsOf(s.policy.Wipes)
	s.draft()
	s.say(enrollment.ActPlanListed, ev.By, "digest", s.Digest, "devices", strconv.Itoa(s.Listing.Devices), "wipes", strconv.Itoa(s.Listing.Wipes))
	return true, nil
}

func (s *planStep) draft() {
	s.State, s.LapseAt = PlanDrafting, s.now.Add(s.policy.UploadWithin)
	s.quiet()
}

const listFirst = "Give the plan its list of devices first"

// submit opens the time in which the plan is approved, or begins where nobody has to approve it.
func (s *planStep) submit(ev SubmitRequested) (bool, error) {
	renewed := s.State == PlanPaused && (s.approvalOver() || s.Pause != nil && s.Pause.Why == WaitsApproval)
	switch {
	case s.State == PlanAwaiting:
		return false, nil
	case s.State != PlanDrafting && !renewed:
		return s.refuse("Only a draft is submitted, or a plan of which the approval has ended")
	case s.Digest == "":
		return s.refuse(listFirst)
	case s.ToWipe() > 0 && !s.policy.Wipes.On:
		return s.refuseWith(enrollment.NewProblem(enrollment.CodeWipesOff))
	}
	if problem := ev.Target.wrong(s.Route); problem != nil {
		return s.refuseWith(problem)
	}
	if s.PushLost && s.ToWipe() > 0 {
		return s.refuseWith(enrollment.NewProblem(enrollment.CodeWipePushLost))
	}
	s.SubmittedBy, s.SubmittedAt, s.Approvals, s.Problem = ev.By, s.now, nil, nil
	s.Needed = ApprovalsNeeded(s.policy.Wipes, s.ToWipe(), ev.Lately)
	s.say(enrollment.ActPlanSubmitted, ev.By, "digest", s.Digest, "needed", strconv.Itoa(s.Needed))
	if s.Needed == 0 {
		s.run(ev.By)
		return true, nil
	}
	s.State, s.Pause = PlanAwaiting, nil
	s.LapseAt = s.now.Add(s.policy.Wipes.ApproveWithin)
	s.unwant(enrollment.CountMoves, enrollment.MakeBatches)
	s.notify(enrollment.NewProblem(enrollment.CodeApprovalNeeded, "needed", strconv.Itoa(s.Needed)))
	return true, nil
}

func (s *planStep) approve(ev ApproveRequested) (bool, error) {
	switch {
	case s.State == PlanCooling || s.State == PlanRunning:
		return s.refuse("The plan is approved already")
	case s.State != PlanAwaiting:
		return s.refuse("There is nothing to approve; the plan has to be submitted first")
	case !s.now.Before(s.LapseAt):
		return s.refuse("The time to approve it is over; submit it again")
	case !s.policy.Wipes.On:
		return s.refuseWith(enrollment.NewProblem(enrollment.CodeWipesOff))
	}
	if problem := wrongApproval(ev.By, ev.Digest, s.Digest, s.authors()...); problem != nil {
		return s.refuseWith(problem)
	}
	s.Approvals = s.Approvals.with(newApproval(ev.By, s.now, ev.Digest, ev.Signature))
	s.say(enrollment.ActPlanApproved, ev.By, "digest", s.Digest)
	// Others may have been approved since it was submitted.
	s.Needed = max(s.Needed, ApprovalsNeeded(s.policy.Wipes, s.ToWipe(), ev.Lately))
	since := s.now.Add(-s.policy.Wipes.ApproveWithin)
	if s.SubmittedAt.After(since) {
		since = s.SubmittedAt
	}
	if s.Approvals.count(s.Digest, since, s.authors()...) < s.Needed {
		return true, nil
	}
	s.Round++
	s.ApprovedAt, s.ApprovedUntil = s.now, s.now.Add(s.policy.Wipes.ApprovedFor)
	s.State, s.CoolUntil = PlanCooling, s.now.Add(s.policy.Wipes.Cooling)
	s.LapseAt = s.CoolUntil
	s.given.Approved = s.ToWipe()
	s.quiet()
	return true, nil
}

// reject ends a plan that waits for approval. One person who is against it is enough.
func (s *planStep) reject(ev RejectRequested) (bool, error) {
	switch s.State {
	case PlanAwaiting, PlanCooling:
	case PlanRejected:
		return false, nil
	default:
		return s.refuse("Only a plan that waits for its approval, or cools down after it, is rejected; cancel it instead")
	}
	s.say(enrollment.ActPlanRejected, ev.By, "reason", shortened(ev.Reason))
	if !s.StartedAt.IsZero() { // its approval had ended on the way
		s.giveUp(PlanCancelling, nil)
		return true, nil
	}
	s.giveUp(PlanRejected, nil)
	return true, nil
}

func (s *planStep) start(ev StartRequested) (bool, error) {
	switch s.State {
	case PlanRunning:
		return false, nil
	case PlanCooling:
		if until := s.cooled(); s.now.Before(until) {
			return s.refuse("It cools down until " + until.Format(time.RFC3339) + " and begins then by itself")
		}
		s.run(ev.By)
		return true, nil
	case PlanPaused:
		return s.refuse("It is paused; resume it instead")
	}
	return s.refuse("It has to be submitted, and approved by others where it wipes devices; then it begins by itself")
}

// cooled is when the cooling period ends: a policy that demands a longer one since counts.
func (s *planStep) cooled() time.Time {
	return latest(s.CoolUntil, s.ApprovedAt.Add(s.policy.Wipes.Cooling))
}
