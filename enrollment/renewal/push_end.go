package renewal

import "github.com/abmrenew/abmrenew/enrollment"

// cancel gives up. Even while Apple is being asked nothing is lost by it: the certificate in use stays, and the new one
// can be uploaded again.
func (s *pushStep) cancel(ev CancelRequested) (bool, error) {
	switch {
	case s.Live():
		s.say(enrollment.ActRenewalCancelled, ev.By)
		s.giveUp(PushCancelled)
		return true, nil
	case s.State == PushCancelled:
		return false, nil
	}
	return s.refuse(ev, "This renewal has ended; there is nothing to cancel")
}

func (s *pushStep) retired(ev PushRetired) bool {
	if !s.Live() {
		return false
	}
	s.say(enrollment.ActRenewalCancelled, ev.By, "reason", "push certificate retired")
	s.giveUp(PushCancelled)
	return true
}

// replaced ends the renewal when another certificate of the same topic has taken the place, unless the candidate is newer
// still.
func (s *pushStep) replaced(ev PushReplaced) bool {
	other := ev.Push.Certificate
	switch {
	case !s.Live() || other == nil || other.Fingerprint == s.Replaces:
		return false
	case s.Topic != "" && s.Topic != other.Topic:
		return false // devices still listen to the topic that this renewal keeps
	case s.Candidate != nil && s.Candidate.Fingerprint != other.Fingerprint && s.Candidate.Expires.After(other.Expires):
		return false
	}
	s.supersede()
	return true
}

func (s *pushStep) supersede() {
	s.say(enrollment.ActRenewalEnded, enrollment.Nobody, "state", string(PushSuperseded))
	s.giveUp(PushSuperseded)
}

// tick does what has come due by the passing of time.
func (s *pushStep) tick(ev PushTicked) (moved bool) {
	if !s.Live() {
		return false
	}
	if !s.now.Before(s.LapseAt) {
		if s.Candidate == nil {
			s.say(enrollment.ActRenewalLapsed, enrollment.Nobody)
			s.giveUp(PushLapsed)
			s.Problem = enrollment.NewProblem(enrollment.CodePushLapsed)
			return true
		}
		s.activate(ev.Push, ev.Devices, zeroTime)
		moved = true
	}
	if s.Live() && !s.now.Before(s.RemindAt) {
		s.notify(false)
		s.RemindAt = s.now.Add(s.policy.RemindWaiting)
		moved = true
	}
	return moved
}

// notify tells a person that the renewal waits for them, or that it does not any more. A notice that still waits to be
// sent is replaced by the newer one.
func (s *pushStep) notify(cleared bool) {
	s.unwant(enrollment.SendNotice)
	s.Notified = !cleared
	n := waitingNotice(string(s.Push), s.ID, s.Seq+1)
	n.Push, n.Tenant, n.At, n.Cleared = s.Push, s.Tenant, s.now, cleared
	if !cleared {
		n.Problem = s.Problem
	}
	s.want(enrollment.Effect{Kind: enrollment.SendNotice, Notice: &n})
}
