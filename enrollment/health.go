package enrollment

import "time"

// Health is the state of a credential in one word.
type Health string

// The healths, from worst to best; a credential that is in several of these states shows the first.
const (
	Missing      Health = "missing" // there is none yet
	Expired      Health = "expired"
	Rejected     Health = "rejected"      // Apple refused it for good
	TermsPending Health = "terms_pending" // it lives, but an administrator must accept Apple's terms
	Expiring     Health = "expiring"
	Unreachable  Health = "unreachable"   // Apple has not answered for long
	NeverChecked Health = "never_checked" // Apple was never asked
	Active       Health = "active"
)

// Answer is the last definite thing that Apple said about a credential.
type Answer string

// The answers.
const (
	NoAnswer       Answer = ""
	Accepted       Answer = "accepted"
	AnswerRejected Answer = "rejected"
	AnswerTerms    Answer = "terms_pending"
)

// Vital are the facts that a health is made of.
type Vital struct {
	Held    bool      // there is a credential
	Expires time.Time // zero: unknown
	Answer  Answer
	// Unanswered is since when Apple has answered nothing that it was asked; zero: it answers. That nobody asked for long
	// is no trouble of Apple's.
	Unanswered time.Time
}

// HealthOf judges a credential. It changes with the passing of time alone, and with definite answers; that Apple did
// not answer shows only after p.UnreachableAfter.
func HealthOf(v Vital, p Policy, now time.Time) Health {
	switch {
	case !v.Held:
		return Missing
	case !v.Expires.IsZero() && !now.Before(v.Expires):
		return Expired
	case v.Answer == AnswerRejected:
		return Rejected
	case v.Answer == AnswerTerms:
		return TermsPending
	case !v.Expires.IsZero() && !now.Before(v.Expires.Add(-p.ExpiringWithin)):
		return Expiring
	case !v.Unanswered.IsZero() && !now.Before(v.Unanswered.Add(p.UnreachableAfter)):
		return Unreachable
	case v.Answer == NoAnswer:
		return NeverChecked
	}
	return Active
}

// NextHealthChange returns when the passing of time alone will change the health of v; zero: never.
func NextHealthChange(v Vital, p Policy, now time.Time) time.Time {
	var next time.Time
	health := HealthOf(v, p, now)
	for _, t := range [...]time.Time{v.Expires, v.Expires.Add(-p.ExpiringWithin), v.Unanswered.Add(p.UnreachableAfter)} {
		// A worse trouble may cover what happens at that moment.
		if t.After(now) && (next.IsZero() || t.Before(next)) && HealthOf(v, p, t) != health {
			next = t
		}
	}
	return next
}

// Cause is a reason for which Apple may refuse a token that has not expired.
type Cause string

// The causes. Apple documents all but the last (Apple Business User Guide, "Link to a third-party device management
// service", read in September 2026), which follows; that a download ends the older token at once is the word of vendors.
const (
	CauseReplaced    Cause = "replaced"     // somebody downloaded a newer token, which ends the older one at once
	CauseNewKey      Cause = "new_key"      // a new public key certificate was saved at the portal
	CausePassword    Cause = "password"     // the person who downloaded it changed their Apple Account password
	CausePersonLeft  Cause = "person_left"  // that person's account left the organization
	CauseServiceGone Cause = "service_gone" // the device management service was deleted
)

// The causes for which Apple's push service refuses a push certificate: what its reason BadCertificate stands for, of which
// a third, that it is the wrong one, is found out before such a certificate is put in use.
const (
	CauseRevoked    Cause = "revoked" // it was revoked at the portal
	CauseNowExpired Cause = "expired" // it has expired; where the own clock says otherwise, that is wrong
)

// PushRejectionCauses lists what may be behind the refusal of a push certificate in use, likeliest first.
func PushRejectionCauses() []Cause { return []Cause{CauseRevoked, CauseNowExpired} }

// RejectionCauses lists what may be behind a rejection, likeliest first: a renewal that is under way explains it best.
func RejectionCauses(certificateOut bool) []Cause {
	if certificateOut {
		return []Cause{CauseReplaced, CauseNewKey, CausePassword, CausePersonLeft, CauseServiceGone}
	}
	return []Cause{CauseReplaced, CausePassword, CausePersonLeft, CauseNewKey, CauseServiceGone}
}
