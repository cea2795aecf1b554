package renewal

import (
	"strconv"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// upload takes a certificate in every state: a renewal that was cancelled or has ended is no reason to leave a customer
// with one that expires.
func (s *pushStep) upload(ev CertificateUploaded) (bool, error) {
	c := ev.Certificate
	c.UploadedBy, c.UploadedAt, c.Expires = ev.By, s.now, outbox.Instant(c.Expires)
	if ev.Push.Retired() {
		return s.refuse(ev, pushRetired)
	}
	if active := ev.Push.Certificate; active != nil && active.Fingerprint == c.Fingerprint {
		return false, nil // already in use
	}
	if s.Live() && s.Candidate != nil && s.Candidate.Fingerprint == c.Fingerprint {
		return false, nil // Apple is being asked about it
	}
	if problem := s.wrong(c, ev.Push, ev.Devices); problem != nil {
		return s.refuseFile(ev.By, problem), nil
	}
	if s.Live() && s.Candidate != nil && !c.Expires.After(s.Candidate.Expires) {
		return s.refuseFile(ev.By, olderPush(c, s.Candidate.Expires.Format(stamp))), nil
	}
	s.dropCandidate()
	s.compareWith(ev.Push)
	s.say(enrollment.ActFileAccepted, ev.By, "fingerprint", c.Fingerprint, "key", c.KeyID, "topic", c.Topic)
	s.probe(c)
	return true, nil
}

// wrong says why a certificate may not take the place of the one in use; nil: it may. A tie is no renewal: the portal
// counts from the day on which a certificate is made.
func (s *pushStep) wrong(c PushCandidate, push enrollment.Push, devices int) *enrollment.Problem {
	active := push.Certificate
	switch {
	case c.KeyID == "":
		return enrollment.NewProblem(enrollment.CodePushNoKeyFits)
	case c.Topic == "":
		return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "topic", "rule", "a certificate for device management, which names its topic")
	case !s.now.Before(c.Expires):
		return enrollment.NewProblem(enrollment.CodePushFileExpired, "expired", date(c.Expires))
	case active == nil:
		return nil // the first one has no topic to keep
	case active.Topic != c.Topic:
		deaf := "all"
		if devices > 0 {
			deaf = strconv.Itoa(devices)
		}
		return enrollment.NewProblem(enrollment.CodePushOtherTopic, "new", c.Topic, "devices", deaf, "old", active.Topic)
	case !c.Expires.After(active.Expires):
		return olderPush(c, active.Expires.Format(stamp))
	}
	return nil
}

func olderPush(c PushCandidate, than string) *enrollment.Problem {
	return enrollment.NewProblem(enrollment.CodePushOlder, "expires", c.Expires.Format(stamp), "active", than)
}

// refuseFile writes down that a file was not taken. Where the renewal waits for a file, the problem shows there.
func (s *pushStep) refuseFile(by enrollment.Actor, problem *enrollment.Problem) bool {
	s.say(enrollment.ActFileRefused, by, "problem", string(problem.Code))
	s.given.Refused = problem
	if s.State == PushMakingRequest || s.State == PushAwaiting {
		s.Problem = problem
	}
	return true
}
