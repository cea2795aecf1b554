package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// probeWithin is how long Apple may leave it open whether it accepts a certificate. After that it is put in use all the
// same: nobody but Apple's portal makes such a certificate, the one before is kept, and an old one that expires is worse.
const probeWithin = day

// probe has Apple asked about a certificate.
func (s *pushStep) probe(c PushCandidate) {
	s.State, s.Problem, s.EndedAt = PushProbing, nil, zeroTime
	s.Candidate, s.Warnings = &c, unwarned(s.Warnings, enrollment.CodePushUnproven)
	s.unwant(enrollment.ProbePush)
	s.want(enrollment.Effect{Kind: enrollment.ProbePush, Secret: c.Secret})
	s.LapseAt, s.RemindAt = outbox.Earliest(s.now.Add(probeWithin), c.Expires), s.now.Add(s.policy.RemindWaiting)
}

func (s *pushStep) probed(ev PushProbed) bool {
	x, pending := s.Pending.Answered(ev.Result, enrollment.ProbePush)
	if !pending || s.State != PushProbing {
		return false
	}
	switch {
	case s.Candidate == nil:
		s.await(s.Problem) // whatever was stored: there is nothing to ask about
	case ev.Outcome == enrollment.OK && ev.Answer == enrollment.Accepted:
		s.activate(ev.Push, ev.Devices, s.now)
	case ev.Outcome == enrollment.OK && ev.Answer == enrollment.AnswerRejected:
		s.reject(enrollment.NewProblem(enrollment.CodePushRejected, "reason", because(ev.Reason)))
	case ev.Outcome == enrollment.Fatal:
		s.activate(ev.Push, ev.Devices, zeroTime)
	default:
		s.Pending = s.Pending.Replaced(x.Again(s.now, ev.RetryAfter, time.Minute, s.policy.RecheckEvery))
		s.Problem = enrollment.NewProblem(enrollment.CodeUnreachable, "reason", "")
	}
	return true
}

// activate puts the candidate in use if it may still take the place of what is in use by now. Zero for proven: Apple has
// not accepted it.
func (s *pushStep) activate(push enrollment.Push, devices int, proven time.Time) {
	c := *s.Candidate
	switch active := push.Certificate; {
	case push.Retired():
		s.say(enrollment.ActRenewalCancelled, enrollment.Nobody, "reason", "push certificate retired")
		s.giveUp(PushCancelled)
		return
	case active != nil && active.Fingerprint == c.Fingerprint:
		s.supersede()
		return
	}
	if problem := s.wrong(c, push, devices); problem != nil {
		s.reject(problem)
		return
	}
	change, drop := push.Replace(enrollment.PushCertificate{
		Generation: push.Generation() + 1, Secret: c.Secret, Fingerprint: c.Fingerprint, Topic: c.Topic, Serial: c.Serial,
		Issuer: c.Issuer, Expires: c.Expires, KeyID: c.KeyID, ActivatedAt: s.now, ProvenAt: proven,
	}, s.now)
	s.given.Activate = &change
	s.drop(drop...)
	s.say(enrollment.ActPushActivated, c.UploadedBy, "fingerprint", c.Fingerprint, "topic", c.Topic)
	if proven.IsZero() {
		s.Warnings = warned(s.Warnings, enrollment.NewProblem(enrollment.CodePushUnproven))
	}
	s.end(PushCompleted)
}

// reject goes back to waiting for another certificate. The one in use stays.
func (s *pushStep) reject(problem *enrollment.Problem) {
	s.say(enrollment.ActFileRefused, enrollment.Nobody, "problem", string(problem.Code))
	s.dropCandidate()
	s.await(problem)
}

// proven takes Apple's first word for the certificate in use: the one that was kept for the other case may go.
func (s *pushStep) proven(ev PushProven) bool {
	active := ev.Push.Certificate
	if active == nil || active.Fingerprint != ev.Fingerprint || active.Proven() {
		return false
	}
	change := enrollment.PushActivation{Certificate: *active}
	change.Certificate.ProvenAt = s.now
	s.given.Activate = &change
	if old := ev.Push.Previous; old != nil {
		s.drop(old.Secret)
	}
	s.Warnings = unwarned(s.Warnings, enrollment.CodePushUnproven)
	s.say(enrollment.ActPushProven, enrollment.Nobody, "fingerprint", active.Fingerprint)
	return true
}

func (s *pushStep) recheck(ev RecheckRequested) (bool, error) {
	kind := enrollment.ProbePush
	switch s.State {
	case PushProbing:
	case PushMakingRequest:
		kind = enrollment.MakePushKey
	case PushAwaiting:
		return s.refuse(ev, "There is nothing to check: upload the new push certificate first")
	default:
		return s.refuse(ev, startAnew)
	}
	s.Pending = s.Pending.Hurried(kind, s.now)
	s.say(enrollment.ActRechecked, ev.By)
	return true, nil
}
