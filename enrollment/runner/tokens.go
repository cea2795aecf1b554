package runner

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// Tokens returns the source of a server's newest token, for the host's own calls to Apple: with it the host keeps no token
// itself, uses a renewed one from the next call on, and reports refusals back. [abmtoken.Source.Token] answers with a
// problem of code not_found while the server has no token.
func (t *Tenant) Tokens(server enrollment.ServerID) abmtoken.Source { return source{t, server} }

type source struct {
	t      *Tenant
	server enrollment.ServerID
}

func (s source) Token(ctx context.Context) (abmtoken.Token, error) {
	if err := validTenant(s.t.id); err != nil {
		return abmtoken.Token{}, err
	}
	for range attempts {
		item, err := s.t.r.servers.Get(ctx, string(s.t.id), string(s.server))
		if err != nil {
			return abmtoken.Token{}, asProblem(missing(err, "server"))
		}
		if item.Value.Token == nil {
			return abmtoken.Token{}, enrollment.NewProblem(enrollment.CodeNotFound, "what", "token")
		}
		token, err := s.t.r.openToken(ctx, item.Value.Server, item.Value.Token.Secret)
		if errors.Is(err, storage.ErrNotFound) {
			continue // it was replaced between the two reads
		}
		return token, asProblem(err)
	}
	return abmtoken.Token{}, enrollment.NewProblem(enrollment.CodeConflict)
}

func (s source) Answered(ctx context.Context, token abmtoken.Token, answered error) error {
	answer, reason := hostAnswer(answered)
	if answer == enrollment.NoAnswer {
		return nil
	}
	return s.t.change(ctx, func(c *change) error {
		item, err := c.server(ctx, s.server)
		if err != nil {
			return err
		}
		return c.answered(ctx, item, token.Fingerprint(), answer, reason)
	})
}

// hostAnswer sorts what a call of the host's own ended with.
func hostAnswer(err error) (enrollment.Answer, string) {
	reason := ""
	if detailed, ok := errors.AsType[abmtoken.Detailed](err); ok {
		reason = detailed.Reason()
	}
	switch {
	case err == nil:
		return enrollment.Accepted, ""
	case errors.Is(err, abmtoken.ErrRejected):
		return enrollment.AnswerRejected, reason
	case errors.Is(err, abmtoken.ErrTermsPending):
		return enrollment.AnswerTerms, reason
	}
	return enrollment.NoAnswer, ""
}

// answered takes what Apple said about a token in a call of the host's. An acceptance of what is known to be accepted is
// not written: hosts call often.
func (c *change) answered(
	ctx context.Context, s *tracked[serverRecord], fingerprint string, answer enrollment.Answer, reason string,
) error {
	active := s.Value.Token
	if active == nil || active.Fingerprint != fingerprint {
		return nil // an older token's answer is stale
	}
	if answer == enrollment.Accepted && s.Value.Watch.Answer == enrollment.Accepted &&
		c.now.Sub(s.Value.Watch.AnsweredAt) < c.policy.RecheckEvery {
		return nil
	}
	return c.watch(ctx, subjectOf(s), renewal.HostAnswered{
		Generation: active.Generation, Answer: answer, Reason: reason, Problem: troubleOf(answer, reason, s.Value.Server),
	})
}
