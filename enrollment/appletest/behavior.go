package appletest

import (
	"cmp"
	"slices"
	"time"
)

// Behavior is what differs between Apple's servers, years and moods. The zero value is what Apple documents, or
// what has been observed where it documents nothing.
type Behavior struct {
	// ClockSkew is how far Apple's clock is ahead of the test's; it shows in Date headers, expiry and OAuth.
	ClockSkew time.Duration
	// QuotedErrors writes the code of an error as a JSON string instead of bare; both were observed.
	QuotedErrors bool
	// RejectStatus is the status that goes with token_rejected and signature_invalid: 401 (the default, zero) or
	// 403. Both were observed.
	RejectStatus int
	// KeepTokenOnSave lets the present token live when a new certificate is saved, so that only the download kills
	// it. Apple's guide names a new public key as a cause of death; it does not say when.
	KeepTokenOnSave bool
	// Token is the form of the token files.
	Token TokenFormat

	// SessionLife is how long a session lives; zero: three minutes. Apple does not document it.
	SessionLife time.Duration
	// RotateSessions hands out a new session in the X-ADM-Auth-Session header of every answer.
	RotateSessions bool
	// RotationEndsOld ends the old session when it is rotated; otherwise it lives until it expires. Undocumented.
	RotationEndsOld bool
	// OneSession ends the sessions of a token when it opens another one. Undocumented.
	OneSession bool
	// ForbiddenSessions answers 403 FORBIDDEN for an unknown or expired session instead of 401 (observed).
	ForbiddenSessions bool
	// SessionDespiteTerms opens sessions although terms are pending, so that only the other calls fail.
	SessionDespiteTerms bool
	// TimestampWindow is how far an OAuth timestamp may be from Apple's clock; zero: five minutes. Undocumented.
	TimestampWindow time.Duration
	// AnyRealm accepts OAuth headers without realm="ADM".
	AnyRealm bool

	// AnyContentType accepts requests whose Content-Type is not exactly application/json;charset=UTF8.
	AnyContentType bool
	// RefusedUserAgents are prefixes answered with USER_AGENT_INVALID; nil: that of Go's http package, since
	// defaults of libraries were observed to be refused. Apple does not document which agents are invalid.
	RefusedUserAgents []string

	// PageDefault and PageMax limit a page of devices; zero: 100 and 1000. A live account listed 1000 and 5000. Who asks
	// for more gets PageMax; Apple does not say what becomes of such a request.
	PageDefault, PageMax int
	// DevicesMax refuses calls that name more devices, with MALFORMED_REQUEST_BODY; zero: none are. Apple asks
	// for at most 1000 and does not say what becomes of more; 5000 were seen to be answered.
	DevicesMax int
	// ReassignAsModified lists a device that came from another service as modified instead of added (observed).
	ReassignAsModified bool
	// NewestFirst lists the changes on each page of a sync newest first. Apple promises no order and tells clients to go
	// by serial number and op_date.
	NewestFirst bool
	// CapitalOps writes op_type in capitals; clients that were seen compare it without regard to case.
	CapitalOps bool
	// ProfileEvents lists a device as modified when its profile changes. Undocumented.
	ProfileEvents bool
	// StuckCursor answers every page with the cursor of the request and more_to_follow (observed).
	StuckCursor bool

	API
}

// Change changes the behaviour, at any time. The function must not call back into the fake.
func (a *Apple) Change(change func(*Behavior)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.behavior)
	a.behavior.RefusedUserAgents = slices.Clone(a.behavior.RefusedUserAgents)
}

func (b Behavior) rejectStatus() int          { return cmp.Or(b.RejectStatus, 401) }
func (b Behavior) sessionLife() time.Duration { return cmp.Or(b.SessionLife, 3*time.Minute) }
func (b Behavior) window() time.Duration      { return cmp.Or(b.TimestampWindow, 5*time.Minute) }
func (b Behavior) pageDefault() int           { return cmp.Or(b.PageDefault, 100) }
func (b Behavior) pageMax() int               { return cmp.Or(b.PageMax, 1000) }

func (b Behavior) refusedAgents() []string {
	if b.RefusedUserAgents == nil {
		return []string{"Go-http-client/"}
	}
	return b.RefusedUserAgents
}
