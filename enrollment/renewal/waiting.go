package renewal

import "github.com/abmrenew/abmrenew/enrollment"

// tick does what has come due by the passing of time.
func (s *step) tick(ev Ticked) bool {
	if !s.Live() {
		return false
	}
	moved := s.hasten(ev.Health)
	if !s.now.Before(s.LapseAt) {
		if s.Candidate == nil {
			s.say(enrollment.ActRenewalLapsed, enrollment.Nobody)
			s.giveUp(Lapsed)
			s.Problem = enrollment.NewProblem(enrollment.CodeLapsed)
			return true
		}
		s.reject(enrollment.NewProblem(enrollment.CodeTokenExpired, "expired", date(s.Candidate.Expires)))
		moved = true
	}
	if !s.now.Before(s.RemindAt) {
		s.notify(false)
		s.RemindAt = s.now.Add(s.policy.RemindWaiting)
		moved = true
	}
	return moved
}

// notify tells a person that the renewal waits for them, or that it does not any more. A notice that still waits to be
// sent is replaced by the newer one.
func (s *step) notify(cleared bool) {
	s.unwant(enrollment.SendNotice)
	s.Notified = !cleared
	n := waitingNotice(string(s.Server), s.ID, s.Seq+1)
	n.Server, n.Tenant, n.At, n.Cleared = s.Server, s.Tenant, s.now, cleared
	if !cleared {
		n.Problem = s.Problem
	}
	s.want(enrollment.Effect{Kind: enrollment.SendNotice, Notice: &n})
}

// waitingNotice is the notice of a renewal about its subject, by the effect that sends it.
func waitingNotice(subject string, renewal enrollment.RenewalID, effect int) enrollment.Notice {
	return enrollment.Notice{
		ID:     string(enrollment.NewEffectID(string(renewal), effect, enrollment.SendNotice)),
		Thread: enrollment.Thread(subject, enrollment.NoticeWaiting), Kind: enrollment.NoticeWaiting,
	}
}
