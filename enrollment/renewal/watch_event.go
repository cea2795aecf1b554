package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// EventName names an event of a machine, as it stands in matrices, refusals and user interfaces.
type EventName string

// WatchEvent is something that a [Watch] takes notice of.
type WatchEvent interface {
	Name() EventName
	watch()
}

// CredentialActivated says that a credential was put in use: the first, or in place of another.
type CredentialActivated struct {
	Generation int64
	Expires    time.Time
	Verified   bool // Apple accepted it just now; else it is probed soon, at a time spread over p.ProbeEvery
}

// Probed is the result of a probe. With outcome OK, Answer is definite, and Result.Problem tells people about it where it
// is no acceptance; Fatal means that nobody can ask Apple here, any other outcome that Apple did not answer. Pending terms
// are no answer about a push certificate: Apple knows none for it.
type Probed struct {
	enrollment.Result
	Answer  enrollment.Answer
	Reason  string              // Apple's own word for a refusal
	Problem *enrollment.Problem // what is wrong although Apple accepts it, such as a foreign identity or issuer; nil: nothing
}

// HostAnswered is what Apple told a call that the host itself made with the credential. A refusal counts at once, and is
// checked by a probe of our own.
type HostAnswered struct {
	Generation int64 // of the credential that was used; an older one's answer is stale
	Answer     enrollment.Answer
	Reason     string
	Problem    *enrollment.Problem // tells people about an answer that is no acceptance; nil: a general one does
}

// CertificateLeft says that a new public key certificate for the same service, or a request for the same push certificate,
// was handed out. From that moment on a person at the portal may end the credential in use, so Apple is asked more often,
// for as long as that is likely.
type CertificateLeft struct{}

// CheckRequested is a person's wish to ask Apple now.
type CheckRequested struct{ By enrollment.Actor }

// Quieted is a person's wish for no reminders until a time.
type Quieted struct {
	By    enrollment.Actor
	Until time.Time
}

// WatchTicked says that time has passed.
type WatchTicked struct{}

// WatchNotified is the result of a notice.
type WatchNotified struct{ enrollment.Result }

// CredentialRetired says that the credential is out of use for good.
type CredentialRetired struct{}

// The names of a watch's events.
const (
	EventCredentialActivated EventName = "credential_activated"
	EventProbed              EventName = "probed"
	EventHostAnswered        EventName = "host_answered"
	EventCertificateLeft     EventName = "certificate_left"
	EventCheckRequested      EventName = "check"
	EventQuieted             EventName = "quiet"
	EventWatchTicked         EventName = "tick"
	EventWatchNotified       EventName = "notified"
	EventCredentialRetired   EventName = "credential_retired"
)

// Name implements [WatchEvent].
func (CredentialActivated) Name() EventName { return EventCredentialActivated }

// Name implements [WatchEvent].
func (Probed) Name() EventName { return EventProbed }

// Name implements [WatchEvent].
func (HostAnswered) Name() EventName { return EventHostAnswered }

// Name implements [WatchEvent].
func (CertificateLeft) Name() EventName { return EventCertificateLeft }

// Name implements [WatchEvent].
func (CheckRequested) Name() EventName { return EventCheckRequested }

// Name implements [WatchEvent].
func (Quieted) Name() EventName { return EventQuieted }

// Name implements [WatchEvent].
func (WatchTicked) Name() EventName { return EventWatchTicked }

// Name implements [WatchEvent].
func (WatchNotified) Name() EventName { return EventWatchNotified }

// Name implements [WatchEvent].
func (CredentialRetired) Name() EventName { return EventCredentialRetired }

func (CredentialActivated) watch() {}
func (Probed) watch()              {}
func (HostAnswered) watch()        {}
func (CertificateLeft) watch()     {}
func (CheckRequested) watch()      {}
func (Quieted) watch()             {}
func (WatchTicked) watch()         {}
func (WatchNotified) watch()       {}
func (CredentialRetired) watch()   {}
