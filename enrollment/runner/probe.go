package runner

import (
	"context"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// probeToken asks Apple whether the active token of a server lives, and whose it is.
func (r *Runner) probeToken(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	ev := renewal.Probed{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry}}
	var account enrollment.Account
	generation := int64(-1)
	s, err := r.servers.Get(ctx, k.Tenant, k.ID)
	if err == nil && s.Value.Token != nil {
		generation = s.Value.Token.Generation
		account, ev.Result, err = r.ask(ctx, s.Value.Server, s.Value.Token.Secret, s.Value.Admin)
		ev.Effect = x.ID
	}
	if err != nil {
		r.log.ErrorContext(ctx, "a token cannot be read", "tenant", k.Tenant, "server", k.ID, "error", err)
		ev.Result = enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry, Problem: enrollment.ProblemOf(asProblem(err))}
	}
	ev.Answer, ev.Reason = definite(ev.Result)
	var silence *enrollment.Problem // why there is no answer
	if ev.Answer != enrollment.NoAnswer {
		ev.Outcome = enrollment.OK
	} else {
		silence = ev.Result.Problem
	}
	return func(ctx context.Context, c *change) error {
		s, err := c.server(ctx, enrollment.ServerID(k.ID))
		if err != nil {
			return err
		}
		ev := ev
		if silence != nil && generation == s.Value.Generation() {
			s.Value.Silence, s.moved = silence, true
		}
		if ev.Answer != enrollment.Accepted && ev.Answer != enrollment.NoAnswer {
			ev.Result.Problem = troubleOf(ev.Answer, ev.Reason, s.Value.Server)
		}
		if ev.Answer == enrollment.Accepted && s.Value.Generation() == generation {
			if ev.Problem, err = c.identify(ctx, s, account); err != nil {
				return err
			}
		}
		return c.watch(ctx, subjectOf(s), ev)
	}
}

// definite returns the answer that a result stands for, with Apple's own word for a refusal.
func definite(r enrollment.Result) (enrollment.Answer, string) {
	if r.Outcome == enrollment.OK {
		return enrollment.Accepted, ""
	}
	if r.Problem == nil {
		return enrollment.NoAnswer, ""
	}
	switch r.Problem.Code {
	case enrollment.CodeRejected, enrollment.CodeAccessDenied:
		// Denied to ask about itself, a token is good for nothing: so it is answered when the person who downloaded it was
		// deleted.
		return enrollment.AnswerRejected, reasonOf(r.Problem)
	case enrollment.CodeTermsPending:
		return enrollment.AnswerTerms, ""
	}
	return enrollment.NoAnswer, ""
}

// reasonOf is the way back from because.
func reasonOf(p *enrollment.Problem) string {
	return strings.TrimSuffix(strings.TrimPrefix(p.Args["reason"], " ("), ")")
}

// identify compares the account of a server's active token with its pin. An adopted server without a pin is pinned by
// Apple's first answer. The problem says what does not fit; the token stays in use all the same, as it was before.
func (c *change) identify(ctx context.Context, s *tracked[serverRecord], account enrollment.Account) (*enrollment.Problem, error) {
	owner, err := c.otherOwner(ctx, s, account.ServerUUID)
	if err != nil {
		return nil, err
	}
	if s.Value.Admin != account.AdminID {
		s.Value.Admin, s.moved = account.AdminID, true
	}
	switch match := s.Value.Pin.Match(account); {
	case match == enrollment.OtherService:
		return enrollment.NewProblem(enrollment.CodeOtherService, "service", account.ServerName), nil
	case owner != nil && owner.Name != "":
		return enrollment.NewProblem(enrollment.CodeOtherServer, "server", owner.Name), nil
	case owner != nil:
		return enrollment.NewProblem(enrollment.CodeServiceTaken), nil
	case match == enrollment.OtherOrganization:
		return enrollment.NewProblem(enrollment.CodeOtherOrg,
			"was", s.Value.Pin.OrgName, "organization", account.OrgName), nil
	case match == enrollment.Unpinned:
		s.Value.Pin, s.moved = enrollment.PinTo(account, enrollment.PinnedByApple), true
		if err := c.note(ctx, subjectOf(s), enrollment.AuditFact{
			Act: enrollment.ActConfirmed, By: enrollment.Nobody, Detail: map[string]string{
				"service": account.ServerUUID, "organization": account.OrgID, "source": string(enrollment.PinnedByApple),
			},
		}); err != nil {
			return nil, err
		}
	case s.Value.Pin.OrgName == "" || s.Value.Pin.ServerName == "":
		// The host pinned the service by its UUID alone; Apple's answer fills in the rest.
		s.Value.Pin, s.moved = s.Value.Pin.Refreshed(account), true
	}
	return nil, c.claimService(ctx, s, account.ServerUUID)
}
