package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// PushState is where the renewal of a push certificate stands.
type PushState string

// The states of a push certificate's renewal, each with what it waits for. The last four are resting: they owe nothing,
// but still take a file.
const (
	PushMakingRequest PushState = "making_request"       // the key pair of the request, which is stored before the request leaves
	PushAwaiting      PushState = "awaiting_certificate" // a person who renews at Apple's push portal and uploads the certificate
	PushProbing       PushState = "probing"              // Apple's answer to whether it accepts the certificate; a day at most
	PushCompleted     PushState = "completed"            // nothing: the new certificate is in use
	PushCancelled     PushState = "cancelled"            // nothing: a person gave up, or the push certificate was retired
	PushLapsed        PushState = "lapsed"               // nothing: no certificate came in time
	PushSuperseded    PushState = "superseded"           // nothing: a newer certificate came in another way
)

// PushStates returns every state of a push certificate's renewal, the live ones first.
func PushStates() []PushState {
	return []PushState{
		PushMakingRequest, PushAwaiting, PushProbing, PushCompleted, PushCancelled, PushLapsed, PushSuperseded,
	}
}

// Live reports whether the renewal is still under way.
func (s PushState) Live() bool {
	return s == PushMakingRequest || s == PushAwaiting || s == PushProbing
}

// PushRenewal is one attempt to give a push certificate its successor, or a customer the first one. The zero PushRenewal is
// not valid; see [StartPush].
//
// Devices listen to a certificate's topic, which stays only if the person at the portal chooses Renew, not Create. A
// certificate with another topic is refused.
type PushRenewal struct {
	ID        enrollment.RenewalID `json:"id"`
	Tenant    enrollment.TenantID  `json:"tenant"`
	Push      enrollment.PushID    `json:"push"`
	State     PushState            `json:"state"`
	Revision  int64                `json:"revision"` // counts moves
	Seq       int                  `json:"seq"`      // counts effects
	StartedBy enrollment.Actor     `json:"started_by"`
	StartedAt time.Time            `json:"started_at"`
	EndedAt   time.Time            `json:"ended_at,omitzero"`

	// Topic and Replaces are the topic and the fingerprint of the certificate that was in use when the renewal began, or
	// when it took its last file; empty: there was none.
	Topic    string `json:"topic,omitempty"`
	Replaces string `json:"replaces,omitempty"`

	Key       *Key                 `json:"key,omitempty"`       // the pair of the request; OutAt and OutTo tell of the request
	Candidate *PushCandidate       `json:"candidate,omitempty"` // the uploaded certificate that may be put in use
	Problem   *enrollment.Problem  `json:"problem,omitempty"`   // why it does not go on, until it does
	Warnings  []enrollment.Problem `json:"warnings,omitempty"`  // what a person should know about the outcome

	LapseAt  time.Time      `json:"lapse_at,omitzero"` // while probing: when it is put in use without Apple's word
	RemindAt time.Time      `json:"remind_at,omitzero"`
	Notified bool           `json:"notified,omitempty"` // a thread was opened that wants to be cleared
	Pending  outbox.Effects `json:"pending,omitempty"`
}

// PushCandidate is an uploaded push certificate that was read and fits a key. With that key it is in a secret record.
type PushCandidate struct {
	Secret      string           `json:"secret"`      // ID of the secret record
	Fingerprint string           `json:"fingerprint"` // hex SHA-256 of the certificate
	Topic       string           `json:"topic"`
	Serial      string           `json:"serial,omitempty"`
	Issuer      string           `json:"issuer,omitempty"`
	Expires     time.Time        `json:"expires"`
	KeyID       string           `json:"key_id"` // the pair that it fits; empty: none
	UploadedBy  enrollment.Actor `json:"uploaded_by"`
	UploadedAt  time.Time        `json:"uploaded_at"`
}

// Live reports whether the renewal is still under way.
func (r PushRenewal) Live() bool { return r.State.Live() }

// Wake returns when the renewal has something to do next; zero: never. A live renewal always has.
func (r PushRenewal) Wake() time.Time {
	if !r.Live() {
		return r.owed().Wake()
	}
	return outbox.Earliest(r.LapseAt, r.RemindAt, r.owed().Wake())
}

// Due returns the pending effects that may be tried now, oldest first.
func (r PushRenewal) Due(now time.Time) []enrollment.Effect { return r.owed().Due(now) }

func (r PushRenewal) owed() outbox.Effects { return r.Pending.OwedBy(r.Live()) }

// Allowed returns what this actor may ask of the renewal now, for the buttons of a user interface. A certificate may always
// be uploaded.
func (r PushRenewal) Allowed(p enrollment.Policy, now time.Time, by enrollment.Actor) []EventName {
	allowed := []EventName{EventCertificateUploaded}
	for _, ev := range []PushEvent{RequestTaken{By: by}, RecheckRequested{By: by}, CancelRequested{By: by}} {
		if _, err := r.Step(p, now, ev); r.Live() && err == nil {
			allowed = append(allowed, ev.Name())
		}
	}
	return allowed
}
