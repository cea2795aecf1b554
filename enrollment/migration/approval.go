package migration

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// Approval is one person's word for exactly what a digest stands for.
type Approval struct {
	By     enrollment.Actor `json:"by"`
	At     time.Time        `json:"at"`
	Digest string           `json:"digest"`
	// Signature over the digest, where the host has an [enrollment.ApprovalVerifier]. It was verified before.
	Signature []byte `json:"signature,omitempty"`
}

// maxApprovals bounds what is kept; more are never needed.
const maxApprovals = 20

// approvals are the words that were given for something, each person's last one.
type approvals []Approval

// with adds a person's word.
func (a approvals) with(word Approval) approvals {
	kept := make(approvals, 0, len(a)+1)
	for _, other := range a {
		if other.By.ID != word.By.ID {
			kept = append(kept, other)
		}
	}
	kept = append(kept, word)
	return kept[max(0, len(kept)-maxApprovals):]
}

// count returns how many persons, none of them an author, gave their word for the digest since a moment. It looks at
// everything again, whatever was stored.
func (a approvals) count(digest string, since time.Time, authors ...enrollment.Actor) int {
	var persons []string
	for _, word := range a {
		if digest == "" || word.Digest != digest || word.At.Before(since) || !mayApprove(word.By, authors...) {
			continue
		}
		if !slices.Contains(persons, word.By.ID) {
			persons = append(persons, word.By.ID)
		}
	}
	return len(persons)
}

// mayApprove reports whether the actor is a person, and none of the authors.
func mayApprove(by enrollment.Actor, authors ...enrollment.Actor) bool {
	return by.Kind == enrollment.Person && by.ID != "" &&
		!slices.ContainsFunc(authors, func(author enrollment.Actor) bool { return author.ID == by.ID })
}

// wrongApproval tells why a word does not count for the digest; nil: it does.
func wrongApproval(by enrollment.Actor, seen, digest string, authors ...enrollment.Actor) *enrollment.Problem {
	switch {
	case by.Kind != enrollment.Person:
		return enrollment.NewProblem(enrollment.CodePersonNeeded)
	case !mayApprove(by, authors...):
		return enrollment.NewProblem(enrollment.CodeOwnApproval)
	case seen != digest || digest == "":
		return enrollment.NewProblem(enrollment.CodeOtherDigest)
	}
	return nil
}

func newApproval(by enrollment.Actor, now time.Time, digest string, signature []byte) Approval {
	return Approval{By: by, At: outbox.Instant(now), Digest: digest, Signature: slices.Clone(signature)}
}
