package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// State is where a renewal stands.
type State string

// The states of a renewal, each with what it waits for. The last four are resting: they owe nothing, but still take a file.
// STATES.md shows how they follow each other.
const (
	CheckingPush         State = "checking_push"         // a look at the push certificate; one that has expired holds it here
	AwaitingUpload       State = "awaiting_upload"       // a person who fetches the token from Apple's portal and uploads it
	Verifying            State = "verifying"             // Apple's answer to whose token the candidate is
	AwaitingConfirmation State = "awaiting_confirmation" // a person who confirms organization, service and admin
	BlockedTerms         State = "blocked_terms"         // an administrator who accepts Apple's new terms; Apple is asked again until then
	Completed            State = "completed"             // nothing: the new token is active
	Cancelled            State = "cancelled"             // nothing: a person gave up, or the server was retired
	Lapsed               State = "lapsed"                // nothing: no file came in time
	Superseded           State = "superseded"            // nothing: the server got a newer token in another way
)

// States returns every state, the live ones first.
func States() []State {
	return []State{
		CheckingPush, AwaitingUpload, Verifying, AwaitingConfirmation, BlockedTerms,
		Completed, Cancelled, Lapsed, Superseded,
	}
}

// Live reports whether the renewal is still under way.
func (s State) Live() bool {
	switch s {
	case CheckingPush, AwaitingUpload, Verifying, AwaitingConfirmation, BlockedTerms:
		return true
	}
	return false
}

// Renewal is one attempt to give a server a new token. The zero Renewal is not valid; see [Start].
type Renewal struct {
	ID        enrollment.RenewalID `json:"id"`
	Tenant    enrollment.TenantID  `json:"tenant"`
	Server    enrollment.ServerID  `json:"server"`
	State     State                `json:"state"`
	Revision  int64                `json:"revision"` // counts moves
	Seq       int                  `json:"seq"`      // counts effects
	StartedBy enrollment.Actor     `json:"started_by"`
	StartedAt time.Time            `json:"started_at"`
	EndedAt   time.Time            `json:"ended_at,omitzero"`

	// Urgent: the token in use has expired or is rejected, so nothing that is merely wise holds the renewal up.
	Urgent bool `json:"urgent,omitempty"`
	// TokenExpires is when the token in use at the start does; zero: there was none.
	TokenExpires time.Time `json:"token_expires,omitzero"`

	Key       *Key                 `json:"key,omitempty"`        // the pair made for this attempt
	KeyWanted bool                 `json:"key_wanted,omitempty"` // somebody asked for the certificate before it could be had
	Candidate *Candidate           `json:"candidate,omitempty"`  // the uploaded token that may become the active one
	Spares    []Candidate          `json:"spares,omitempty"`     // unjudged tokens that the candidate came before, oldest first
	Refused   *Candidate           `json:"refused,omitempty"`    // the last one that Apple refused, kept for a recheck
	Problem   *enrollment.Problem  `json:"problem,omitempty"`    // why it does not go on, until it does
	Warnings  []enrollment.Problem `json:"warnings,omitempty"`   // what a person should know about the outcome

	LapseAt  time.Time      `json:"lapse_at,omitzero"`
	RemindAt time.Time      `json:"remind_at,omitzero"`
	Notified bool           `json:"notified,omitempty"` // a thread was opened that wants to be cleared
	Pending  outbox.Effects `json:"pending,omitempty"`
}

// Key is what a renewal remembers of its own key pair.
type Key struct {
	ID     string           `json:"id"`
	MadeAt time.Time        `json:"made_at"`
	OutAt  time.Time        `json:"out_at,omitzero"` // when its certificate was last handed out
	OutTo  enrollment.Actor `json:"out_to,omitzero"`
	// Publication is the last attempt to save the certificate at Apple by its API; nil: there was none.
	Publication *Publication `json:"publication,omitempty"`
}

// Candidate is an uploaded token that decrypted. Its credentials are in a secret record.
type Candidate struct {
	Secret      string           `json:"secret"` // ID of the secret record
	Fingerprint string           `json:"fingerprint"`
	ConsumerKey string           `json:"consumer_key"`
	Expires     time.Time        `json:"expires"`
	KeyID       string           `json:"key_id"` // the pair that opened it
	UploadedBy  enrollment.Actor `json:"uploaded_by"`
	UploadedAt  time.Time        `json:"uploaded_at"`

	Account     *enrollment.Account `json:"account,omitempty"` // Apple's answer
	VerifiedAt  time.Time           `json:"verified_at,omitzero"`
	ConfirmedBy enrollment.Actor    `json:"confirmed_by,omitzero"`
	// Confirmed is the identity that was confirmed; if Apple answers another one later, a person is asked again.
	Confirmed *enrollment.Pin `json:"confirmed,omitempty"`
}

// Live reports whether the renewal is still under way.
func (r Renewal) Live() bool { return r.State.Live() }

// CertificateOut reports whether the certificate was handed out: from then on the token in use may be dead, because a
// person may have saved the certificate, or downloaded the new token, at the portal.
func (r Renewal) CertificateOut() bool { return r.Key != nil && !r.Key.OutAt.IsZero() }

// Wake returns when the renewal has something to do next; zero: never. A live renewal always has.
func (r Renewal) Wake() time.Time {
	if !r.Live() {
		return r.owed().Wake()
	}
	return outbox.Earliest(r.LapseAt, r.RemindAt, r.owed().Wake())
}

// Due returns the pending effects that may be tried now, oldest first.
func (r Renewal) Due(now time.Time) []enrollment.Effect { return r.owed().Due(now) }

func (r Renewal) owed() outbox.Effects { return r.Pending.OwedBy(r.Live()) }
