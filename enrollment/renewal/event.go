package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Event is something that a [Renewal] takes notice of. Events that a person causes carry an actor. Events that are judged
// against the server carry it as it stands in the write that stores the step.
type Event interface {
	Name() EventName
	renewal()
}

// StartRequested is a person's wish for a renewal where there is one already.
type StartRequested struct{ By enrollment.Actor }

// PushChecked is the result of a look at the push certificate. With outcome OK, NotAfter is the end of its validity (zero:
// unknown) and Finding what else is wrong with it (empty: nothing).
type PushChecked struct {
	enrollment.Result
	NotAfter time.Time
	Finding  string
	Health   enrollment.Health // of the token in use by now; empty: unknown
}

// PushOverridden is a person's decision to go on although the push certificate has expired.
type PushOverridden struct {
	By     enrollment.Actor
	Reason string
}

// CertificateRequested is a person's wish for the public key certificate; it makes the key pair if there is none yet.
type CertificateRequested struct{ By enrollment.Actor }

// KeyMade is the result of making the key pair. With outcome OK the pair is in the store, sealed, in the same write.
type KeyMade struct {
	enrollment.Result
	KeyID string
}

// CertificateTaken says that the certificate leaves for this actor, by the same write at the latest.
type CertificateTaken struct{ By enrollment.Actor }

// PublishRequested is a person's command to save the certificate at Apple by its API; it is sent once this is stored.
type PublishRequested struct {
	By      enrollment.Actor
	Creates bool // the service is made, with this certificate
}

// Published is what became of that: OK, Retry or Fatal where nothing was done, or Unknown.
type Published struct {
	enrollment.Result
	Reason string // what Apple said
}

// TokenUploaded is a file that decrypted to a token. Its secret is in the store, sealed, in the same write.
type TokenUploaded struct {
	By     enrollment.Actor
	Token  Candidate
	Server enrollment.Server
	// Confirmed: the person already confirms whatever identity Apple answers, where that would be asked.
	Confirmed bool
}

// UploadRefused is a file that is no token for this server. Nothing of it is kept but the problem.
type UploadRefused struct {
	By      enrollment.Actor
	Problem *enrollment.Problem
}

// Verified is the result of asking Apple whose token the candidate is. With outcome OK Account counts; with any other
// the problem's code says what Apple answered, or that it did not.
type Verified struct {
	enrollment.Result
	Account enrollment.Account
	Server  enrollment.Server
	// Owner is the server, if another one, that already stands for the service of this account.
	Owner *Owner
}

// Owner is another server of the installation. Name is empty where the asking tenant must not learn it.
type Owner struct {
	Server enrollment.ServerID
	Name   string
}

// Confirmed is a person's word that the candidate's organization, service and admin are right.
type Confirmed struct {
	By     enrollment.Actor
	Server enrollment.Server
	// Owner is the server, if another one, that by now stands for the service of the candidate's account.
	Owner *Owner
}

// RecheckRequested is a person's wish to have the check that holds things up repeated now.
type RecheckRequested struct{ By enrollment.Actor }

// CancelRequested is a person's wish to give up.
type CancelRequested struct{ By enrollment.Actor }

// TokenReplaced says that the server got a token in another way than by this renewal.
type TokenReplaced struct{ Server enrollment.Server }

// ServerRetired says that the server is out of use.
type ServerRetired struct{ By enrollment.Actor }

// Ticked says that time has passed.
type Ticked struct {
	Health enrollment.Health // of the token in use by now; empty: unknown
}

// Notified is the result of a notice.
type Notified struct{ enrollment.Result }

// The names of a renewal's events. Those that a person causes are what [Renewal.Allowed] answers with.
const (
	EventStart            EventName = "start"
	EventPushChecked      EventName = "push_checked"
	EventOverridePush     EventName = "override_push"
	EventCertificate      EventName = "certificate"
	EventKeyMade          EventName = "key_made"
	EventCertificateTaken EventName = "certificate_taken"
	EventPublish          EventName = "publish"
	EventPublished        EventName = "published"
	EventUpload           EventName = "upload"
	EventUploadRefused    EventName = "upload_refused"
	EventVerified         EventName = "verified"
	EventConfirm          EventName = "confirm"
	EventRecheck          EventName = "recheck"
	EventCancel           EventName = "cancel"
	EventTokenReplaced    EventName = "token_replaced"
	EventServerRetired    EventName = "server_retired"
	EventTicked           EventName = "tick"
	EventNotified         EventName = "notified"
)

// Name implements [Event].
func (StartRequested) Name() EventName { return EventStart }

// Name implements [Event].
func (PushChecked) Name() EventName { return EventPushChecked }

// Name implements [Event].
func (PushOverridden) Name() EventName { return EventOverridePush }

// Name implements [Event].
func (CertificateRequested) Name() EventName { return EventCertificate }

// Name implements [Event].
func (KeyMade) Name() EventName { return EventKeyMade }

// Name implements [Event].
func (CertificateTaken) Name() EventName { return EventCertificateTaken }

// Name implements [Event].
func (PublishRequested) Name() EventName { return EventPublish }

// Name implements [Event].
func (Published) Name() EventName { return EventPublished }

// Name implements [Event].
func (TokenUploaded) Name() EventName { return EventUpload }

// Name implements [Event].
func (UploadRefused) Name() EventName { return EventUploadRefused }

// Name implements [Event].
func (Verified) Name() EventName { return EventVerified }

// Name implements [Event].
func (Confirmed) Name() EventName { return EventConfirm }

// Name implements [Event].
func (RecheckRequested) Name() EventName { return EventRecheck }

// Name implements [Event].
func (CancelRequested) Name() EventName { return EventCancel }

// Name implements [Event].
func (TokenReplaced) Name() EventName { return EventTokenReplaced }

// Name implements [Event].
func (ServerRetired) Name() EventName { return EventServerRetired }

// Name implements [Event].
func (Ticked) Name() EventName { return EventTicked }

// Name implements [Event].
func (Notified) Name() EventName { return EventNotified }

func (StartRequested) renewal()       {}
func (PushChecked) renewal()          {}
func (PushOverridden) renewal()       {}
func (CertificateRequested) renewal() {}
func (KeyMade) renewal()              {}
func (CertificateTaken) renewal()     {}
func (PublishRequested) renewal()     {}
func (Published) renewal()            {}
func (TokenUploaded) renewal()        {}
func (UploadRefused) renewal()        {}
func (Verified) renewal()             {}
func (Confirmed) renewal()            {}
func (RecheckRequested) renewal()     {}
func (CancelRequested) renewal()      {}
func (TokenReplaced) renewal()        {}
func (ServerRetired) renewal()        {}
func (Ticked) renewal()               {}
func (Notified) renewal()             {}
