package renewal

import (
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

var zeroTime time.Time

// verified judges the candidate by Apple's answer. It becomes the active token only if all of this holds at once: Apple
// accepts it, it is not older than the token in use, it belongs to the very service and organization of the server, or
// a person has confirmed the identity where there is none to compare with.
func (s *step) verified(ev Verified) bool {
	x, pending := s.Pending.Answered(ev.Result, enrollment.VerifyToken)
	if !pending || !s.Live() {
		return false
	}
	if s.Candidate == nil {
		s.Pending = s.Pending.WithoutID(x.ID)
		return true
	}
	if ev.Outcome != enrollment.OK || enrollment.NormalUUID(ev.Account.ServerUUID) == "" {
		s.notVerified(x, ev.Result)
		return true
	}
	token, account := *s.Candidate, ev.Account
	token.Account, token.VerifiedAt = &account, s.now
	s.Candidate, s.Problem = &token, nil
	s.Pending = s.Pending.WithoutID(x.ID)
	s.judge(ev.Server, ev.Owner)
	return true
}

// judge compares a verified candidate with the server as it stands now.
func (s *step) judge(server enrollment.Server, owner *Owner) {
	token, account := s.Candidate, *s.Candidate.Account
	switch {
	case server.Retired():
		s.reject(enrollment.NewProblem(enrollment.CodeRetired))
		return
	case !s.now.Before(token.Expires):
		s.reject(enrollment.NewProblem(enrollment.CodeTokenExpired, "expired", date(token.Expires)))
		return
	case server.Token != nil && token.Fingerprint == server.Token.Fingerprint:
		s.say(enrollment.ActRenewalEnded, enrollment.Nobody, "state", string(Superseded))
		s.giveUp(Superseded)
		return
	case server.Token != nil && token.Expires.Before(server.Token.Expires):
		s.reject(older(token, server.Token.Expires.Format(stamp)))
		return
	case owner != nil && owner.Name != "":
		s.reject(enrollment.NewProblem(enrollment.CodeOtherServer, "server", owner.Name))
		return
	case owner != nil:
		s.reject(enrollment.NewProblem(enrollment.CodeServiceTaken))
		return
	}
	switch server.Pin.Match(account) {
	case enrollment.OtherService:
		s.reject(enrollment.NewProblem(enrollment.CodeOtherService, "service", named(account.ServerName, account.ServerUUID)))
	case enrollment.Unpinned:
		s.activateIfConfirmed(server, enrollment.NewProblem(enrollment.CodeConfirm,
			"organization", named(account.OrgName, account.OrgID), "service", named(account.ServerName, account.ServerUUID),
			"admin", named(account.AdminID)))
	case enrollment.OtherOrganization:
		s.activateIfConfirmed(server, enrollment.NewProblem(enrollment.CodeOtherOrg,
			"was", named(server.Pin.OrgName, server.Pin.OrgID), "organization", named(account.OrgName, account.OrgID)))
	default:
		s.activateToken(server, server.Pin.Source)
	}
}

// named returns the first name that there is.
func named(names ...string) string {
	for _, name := range names {
		if name != "" {
			return name
		}
	}
	return "not named by Apple"
}

// reject lets go of the candidate: it will never be the active token.
func (s *step) reject(problem *enrollment.Problem) {
	s.say(enrollment.ActFileRefused, s.Candidate.UploadedBy, "problem", string(problem.Code))
	s.dropSecret(s.Candidate)
	s.fallBack(problem)
}

func (s *step) activateIfConfirmed(server enrollment.Server, question *enrollment.Problem) {
	if s.Candidate.confirmed() {
		s.activateToken(server, enrollment.PinnedByPerson)
		return
	}
	s.State, s.Problem = AwaitingConfirmation, question
	s.notify(false)
	s.RemindAt = s.now.Add(s.policy.RemindWaiting)
}

// confirmed reports whether a person stands for the identity that Apple answered.
func (c *Candidate) confirmed() bool {
	if c.ConfirmedBy.ID == "" {
		return false
	}
	return c.Confirmed == nil || c.Account == nil || c.Confirmed.Match(*c.Account) == enrollment.SameIdentity
}

func (s *step) activateToken(server enrollment.Server, source enrollment.PinSource) {
	token := s.Candidate
	pin := enrollment.PinTo(*token.Account, source)
	if server.Pin.Match(*token.Account) == enrollment.SameIdentity {
		pin = server.Pin.Refreshed(*token.Account)
	}
	s.unwarn(enrollment.CodeNameChanged)
	s.warnConsumer(server, token)
	for _, name := range [][2]string{{server.Pin.ServerName, pin.ServerName}, {server.Pin.OrgName, pin.OrgName}} {
		if name[0] != "" && name[0] != name[1] {
			s.warn(enrollment.NewProblem(enrollment.CodeNameChanged, "name", name[1]))
		}
	}
	if server.Token != nil {
		s.drop = append(s.drop, server.Token.Secret)
	}
	s.activate = &enrollment.Activation{
		Pin: pin, Admin: token.Account.AdminID,
		Token: enrollment.Token{
			Generation: server.Generation() + 1, Secret: token.Secret, Fingerprint: token.Fingerprint,
			ConsumerKey: token.ConsumerKey, Expires: token.Expires, KeyID: token.KeyID, ActivatedAt: s.now,
		},
	}
	by := token.UploadedBy
	if token.ConfirmedBy.ID != "" {
		by = token.ConfirmedBy
	}
	s.say(enrollment.ActTokenActivated, by,
		"fingerprint", token.Fingerprint, "generation", strconv.FormatInt(s.activate.Token.Generation, 10),
		"expires", token.Expires.Format(time.RFC3339), "service", pin.ServerUUID, "organization", pin.OrgID)
	s.Problem = nil
	s.end(Completed)
}

// notVerified sorts the answers that are no yes. Only a definite no sends the person back; a token that Apple cannot judge
// now is kept, because it may be the only living one.
func (s *step) notVerified(x enrollment.Effect, r enrollment.Result) {
	problem := r.Problem
	if problem == nil {
		problem = enrollment.NewProblem(enrollment.CodeUnreachable, "reason", "")
	}
	switch problem.Code {
	case enrollment.CodeRejected, enrollment.CodeAccessDenied:
		s.say(enrollment.ActFileRefused, s.Candidate.UploadedBy, "problem", string(problem.Code))
		s.keepRefused(s.Candidate)
		s.fallBack(problem)
	case enrollment.CodeTermsPending:
		if s.State != BlockedTerms {
			s.State = BlockedTerms
			s.Problem = problem
			s.notify(false)
		}
		s.Problem = problem
		s.Pending = s.Pending.Replaced(x.Again(s.now, r.RetryAfter, s.policy.RecheckEvery, s.policy.RecheckEvery))
	default:
		if s.State != BlockedTerms {
			s.Problem = problem
		}
		s.Pending = s.Pending.Replaced(x.Again(s.now, r.RetryAfter, 15*time.Second, s.policy.RecheckEvery))
	}
}
