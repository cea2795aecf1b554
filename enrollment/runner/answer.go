package runner

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// What a verifier says is put into the one vocabulary here, with Apple's own words in it: whoever has to mend something
// needs the cause, and a status without one tells nothing.

// answer sorts what Apple said about a token: a definite no, or no usable answer.
func answer(err error, token abmtoken.Token, s enrollment.Server, admin string) enrollment.Result {
	var wait time.Duration
	if detailed, ok := errors.AsType[abmtoken.Detailed](err); ok {
		wait = detailed.RetryAfter()
	}
	outcome := enrollment.Fatal
	problem := refusal(err, token, s, admin)
	if problem == nil {
		outcome = enrollment.Retry
		problem = enrollment.NewProblem(enrollment.CodeUnreachable, "reason", because(inWords(err, token)))
	}
	return enrollment.Result{Outcome: outcome, Problem: problem.Because(err), RetryAfter: wait}
}

// refusal is the problem that a definite answer stands for; nil: it is none.
func refusal(err error, token abmtoken.Token, s enrollment.Server, admin string) *enrollment.Problem {
	reason := ""
	if detailed, ok := errors.AsType[abmtoken.Detailed](err); ok {
		if reason = detailed.Reason(); reason == "" {
			reason = inWords(err, token)
		}
	}
	switch {
	case errors.Is(err, abmtoken.ErrTermsPending):
		return enrollment.NewProblem(enrollment.CodeTermsPending, "organization", organizationOf(s))
	case errors.Is(err, abmtoken.ErrRejected):
		return enrollment.NewProblem(enrollment.CodeRejected, "reason", because(reason), "admin", adminOf(admin))
	case errors.Is(err, abmtoken.ErrAccessDenied):
		return enrollment.NewProblem(enrollment.CodeAccessDenied, "reason", because(reason))
	}
	return nil
}

// troubleOf is the problem of a server whose token got this answer; nil: none.
func troubleOf(a enrollment.Answer, reason string, s enrollment.Server) *enrollment.Problem {
	switch a {
	case enrollment.AnswerRejected:
		return enrollment.NewProblem(enrollment.CodeRejected, "reason", because(reason), "admin", adminOf(s.Admin))
	case enrollment.AnswerTerms:
		return enrollment.NewProblem(enrollment.CodeTermsPending, "organization", organizationOf(s))
	}
	return nil
}

func organizationOf(s enrollment.Server) string {
	if s.Pin.OrgName != "" {
		return s.Pin.OrgName
	}
	return "the organization"
}

func adminOf(admin string) string {
	if admin != "" {
		return admin
	}
	return "see Apple's portal"
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// maxWords bounds, in bytes, what an error of a verifier adds to a problem.
const maxWords = 300

// inWords is what an error of a verifier says, on one bounded line. It is stored and shown, so that what a careless
// verifier may repeat of the credentials is taken out.
func inWords(err error, token abmtoken.Token) string {
	text := err.Error()
	for _, secret := range []abmtoken.Secret{token.ConsumerSecret(), token.AccessToken(), token.AccessSecret()} {
		if !secret.IsZero() {
			text = strings.ReplaceAll(text, secret.Reveal(), "[redacted]")
		}
	}
	return plainWords(text)
}

// plainWords puts what somebody else says on one bounded line.
func plainWords(text string) string {
	text = strings.Map(func(c rune) rune {
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text)
	// The name of a package, and advice that the problem gives in its own words.
	if name, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(name, " ") {
		text = rest
	}
	text = strings.TrimSuffix(text, "; ask again later")
	if len(text) > maxWords {
		cut := maxWords
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + " ..."
	}
	return strings.TrimSpace(text)
}
