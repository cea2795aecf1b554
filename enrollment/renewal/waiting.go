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
	n := enrollment.Notice{
		ID:     string(enrollment.NewEffectID(string(s.ID), s.Seq+1, enrollment.SendNotice)),
		Thread: enrollment.Thread(string(s.Server), enrollment.NoticeWaiting), Kind: enrollment.NoticeWaiting,
		Cleared: cleared, Tenant: s.Tenant, Server: s.Server, At: s.now,
	}
	if !cleared {
		n.Problem = s.Problem
	}
	s.want(enrollment.Effect{Kind: enrollment.SendNotice, Notice: &n})
}
