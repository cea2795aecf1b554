package renewal

import "github.com/abmrenew/abmrenew/enrollment"

// confirm takes a person's word for the identity that Apple answered. If the answer is not fresh any more, Apple is asked
// again first: what was confirmed must still be what is activated.
func (s *step) confirm(ev Confirmed) (bool, error) {
	if s.State != AwaitingConfirmation || s.Candidate == nil || s.Candidate.Account == nil {
		if s.State == Completed || s.Candidate != nil && s.Candidate.confirmed() {
			return false, nil // said already
		}
		return s.refuse(ev, "There is nothing to confirm: upload a token first, and wait for Apple's answer")
	}
	if ev.By.Kind != enrollment.Person {
		return s.refuseWith(ev, enrollment.NewProblem(enrollment.CodePersonNeeded))
	}
	token := *s.Candidate
	pin := enrollment.PinTo(*token.Account, enrollment.PinnedByPerson)
	token.ConfirmedBy, token.Confirmed = ev.By, &pin
	s.say(enrollment.ActConfirmed, ev.By, "service", pin.ServerUUID, "organization", pin.OrgID)
	if age := s.now.Sub(token.VerifiedAt); age < 0 || age > s.policy.FreshFor {
		s.verify(token)
		return true, nil
	}
	s.Candidate = &token
	s.judge(ev.Server, ev.Owner)
	return true, nil
}

func (s *step) recheck(ev RecheckRequested) (bool, error) {
	s.say(enrollment.ActRechecked, ev.By)
	switch s.State {
	case CheckingPush:
		s.hurry(enrollment.CheckPush)
		return true, nil
	case Verifying, BlockedTerms:
		s.hurry(enrollment.VerifyToken)
		return true, nil
	case AwaitingConfirmation:
		if s.Candidate != nil {
			s.verify(*s.Candidate)
			return true, nil
		}
	case AwaitingUpload:
		if s.Refused == nil {
			return s.refuse(ev, "There is nothing to check: upload the token file first")
		}
		again := *s.Refused
		s.Refused = nil
		s.verify(again)
		return true, nil
	}
	return s.refuse(ev, "This renewal has ended; check the server instead")
}

// hurry brings the next attempt of an effect forward to now.
func (s *step) hurry(kind enrollment.EffectKind) {
	s.Pending = s.Pending.Hurried(kind, s.now)
}
