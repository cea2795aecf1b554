package renewal

import (
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// upload takes a token in every state: once it was downloaded it may be the only living one, and it must not be lost
// because a renewal was cancelled or has ended.
func (s *step) upload(ev TokenUploaded) (bool, error) {
	token := ev.Token
	token.UploadedAt, token.Expires = s.now, outbox.Instant(token.Expires)
	if ev.Server.Retired() {
		return s.refuseWith(ev, enrollment.NewProblem(enrollment.CodeRetired))
	}
	if ev.Confirmed && ev.By.Kind != enrollment.Person {
		return s.refuseWith(ev, enrollment.NewProblem(enrollment.CodePersonNeeded))
	}
	if !s.now.Before(token.Expires) {
		return s.refuseFile(ev.By, enrollment.NewProblem(enrollment.CodeTokenExpired, "expired", date(token.Expires))), nil
	}
	if active := ev.Server.Token; active != nil {
		if active.Fingerprint == token.Fingerprint {
			return false, nil // already in use
		}
		if token.Expires.Before(active.Expires) {
			return s.refuseFile(ev.By, older(&token, active.Expires.Format(stamp))), nil
		}
	}
	if c := s.Candidate; s.Live() && c != nil {
		if c.Fingerprint == token.Fingerprint {
			return s.uploadAgain(ev), nil
		}
		if token.Expires.Before(c.Expires) {
			return s.refuseFile(ev.By, older(&token, c.Expires.Format(stamp))), nil
		}
	}
	s.accept(token, ev)
	return true, nil
}

// stamp shows expiries that may lie seconds apart.
const stamp = "2006-01-02 15:04:05 UTC"

func older(token *Candidate, than string) *enrollment.Problem {
	return enrollment.NewProblem(enrollment.CodeOlderToken, "expires", token.Expires.Format(stamp), "active", than)
}

// warnConsumer says that another administrator than before downloaded the token, which is no reason to refuse it.
func (s *step) warnConsumer(server enrollment.Server, token *Candidate) {
	s.unwarn(enrollment.CodeOtherConsumer)
	if active := server.Token; active != nil && active.ConsumerKey != token.ConsumerKey {
		s.warn(enrollment.NewProblem(enrollment.CodeOtherConsumer))
	}
}

// uploadAgain takes nothing of a file that is being checked already but the person's word for it.
func (s *step) uploadAgain(ev TokenUploaded) bool {
	if !ev.Confirmed || s.Candidate.confirmed() {
		return false
	}
	token := *s.Candidate
	token.ConfirmedBy, token.Confirmed = ev.By, nil
	s.say(enrollment.ActConfirmed, ev.By, "fingerprint", token.Fingerprint)
	if s.State == AwaitingConfirmation {
		s.verify(token)
		return true
	}
	s.Candidate = &token
	return true
}

func (s *step) accept(token Candidate, ev TokenUploaded) {
	if s.Live() {
		s.setAside(s.Candidate)
	}
	s.dropSecret(s.Refused)
	s.Refused = nil
	token.UploadedBy = ev.By
	if ev.Confirmed {
		token.ConfirmedBy = ev.By
	}
	s.warnConsumer(ev.Server, &token)
	s.say(enrollment.ActFileAccepted, ev.By, "fingerprint", token.Fingerprint, "key", token.KeyID)
	s.verify(token)
}

// verify has Apple asked about a token.
func (s *step) verify(token Candidate) {
	s.State, s.Problem, s.EndedAt = Verifying, nil, zeroTime
	s.Candidate = &token
	s.unwant(enrollment.CheckPush)
	s.unwant(enrollment.VerifyToken)
	s.want(enrollment.Effect{Kind: enrollment.VerifyToken, Secret: token.Secret})
	// A candidate never lapses; its own expiry alone ends the wait.
	s.LapseAt, s.RemindAt = token.Expires, s.now.Add(s.policy.RemindWaiting)
}

// refuseFile writes down that a file was not taken. Where the renewal waits for a file, the problem shows there.
func (s *step) refuseFile(by enrollment.Actor, problem *enrollment.Problem) bool {
	s.say(enrollment.ActFileRefused, by, "problem", string(problem.Code))
	s.refused = problem
	if s.State == AwaitingUpload || s.State == CheckingPush && !s.pushBlocked() {
		s.Problem = problem
	}
	return true
}
