package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Credential is a kind of credential that a [Watch] looks after.
type Credential string

// The kinds of credentials. A server token is left out of a stored watch.
const (
	ServerToken     Credential = ""
	PushCertificate Credential = "push_certificate"
)

// manner is in what the watch of one kind of credential differs from that of another. The machine is the same.
type manner struct {
	probe   enrollment.EffectKind // how Apple is asked
	refused enrollment.Act        // what is audited when Apple says no
	terms   bool                  // Apple may hold it up until new terms are accepted

	// What a person is told: of an expiry, beside each reminder of one that has passed, and of a refusal.
	expired  func(on string) *enrollment.Problem
	overdue  func(on string) *enrollment.Problem
	rejected func(given *enrollment.Problem, reason string) *enrollment.Problem

	noCheck, noQuiet, retired string // what is possible instead, where a wish is refused

	address func(n *enrollment.Notice, subject string) // says whose trouble it is
}

var (
	ofToken = manner{
		probe: enrollment.ProbeToken, refused: enrollment.ActTokenRejected, terms: true,
		expired: func(on string) *enrollment.Problem {
			return enrollment.NewProblem(enrollment.CodeTokenExpired, "expired", on)
		},
		overdue: func(string) *enrollment.Problem { return nil },
		rejected: func(given *enrollment.Problem, reason string) *enrollment.Problem {
			return orGeneral(given, enrollment.CodeRejected, "reason", because(reason), "admin", "see Apple's portal")
		},
		noCheck: "There is no token to check yet: finish the renewal first",
		noQuiet: "There is no token that could expire yet",
		retired: "The server is retired; add a new one instead",
		address: func(n *enrollment.Notice, subject string) { n.Server = enrollment.ServerID(subject) },
	}
	ofPush = manner{
		probe: enrollment.ProbePush, refused: enrollment.ActPushRejected,
		expired: pushOver, overdue: pushOver,
		rejected: func(given *enrollment.Problem, reason string) *enrollment.Problem {
			return orGeneral(given, enrollment.CodePushDead, "reason", because(reason))
		},
		noCheck: "There is no push certificate to check yet: finish the renewal first",
		noQuiet: "There is no push certificate that could expire yet",
		retired: pushRetired,
		address: func(n *enrollment.Notice, subject string) { n.Push = enrollment.PushID(subject) },
	}
)

// pushOver stands beside every reminder after the end, because it is then that people ask whether Renew still helps.
func pushOver(on string) *enrollment.Problem {
	return enrollment.NewProblem(enrollment.CodePushOver, "expired", on)
}

// manner of a kind that is not known is a token's: whatever was stored, a step never fails for it.
func (w *Watch) manner() *manner {
	if w.Of == PushCertificate {
		return &ofPush
	}
	return &ofToken
}

// definite reports whether Apple can have given this answer about such a credential.
func (m *manner) definite(a enrollment.Answer) bool {
	return a != enrollment.NoAnswer && (m.terms || a != enrollment.AnswerTerms)
}

func (w *Watch) expiredBy(now time.Time) bool { return !w.Expires.IsZero() && !now.Before(w.Expires) }
