package renewal

import "github.com/abmrenew/abmrenew/enrollment"

// PushEvent is something that a [PushRenewal] takes notice of. Beside those below these are [StartRequested], [KeyMade],
// [UploadRefused], [RecheckRequested], [CancelRequested] and [Notified], which a [Renewal] takes, too.
//
// Events that are judged against the push certificate carry it as it stands in the write that stores the step.
type PushEvent interface {
	Name() EventName
	push()
}

// RequestTaken says that the request for the portal leaves for this actor, by the same write at the latest.
type RequestTaken struct{ By enrollment.Actor }

// CertificateUploaded is a file that was read as a push certificate. It is in the store, sealed, with the key that it fits,
// in the same write.
type CertificateUploaded struct {
	By          enrollment.Actor
	Certificate PushCandidate
	Push        enrollment.Push
	Devices     int // how many listen to the topic in use; 0: unknown
}

// PushProbed is the result of asking Apple about the candidate. With outcome OK, Answer is definite; Fatal means that nobody
// can ask Apple here, any other that Apple did not answer.
type PushProbed struct {
	enrollment.Result
	Answer  enrollment.Answer
	Reason  string // Apple's own word for a refusal
	Push    enrollment.Push
	Devices int // how many listen to the topic in use; 0: unknown
}

// PushProven says that Apple has accepted a push certificate in use, whether a watch or the host itself asked. The host
// tells it to the latest renewal of that push certificate, live or not.
type PushProven struct {
	Fingerprint string // of the certificate that was accepted
	Push        enrollment.Push
}

// PushReplaced says that the push certificate got a successor in another way than by this renewal.
type PushReplaced struct{ Push enrollment.Push }

// PushRetired says that the push certificate is out of use.
type PushRetired struct{ By enrollment.Actor }

// PushTicked says that time has passed.
type PushTicked struct {
	Push    enrollment.Push
	Devices int // how many listen to the topic in use; 0: unknown
}

// The names of the events that only a push certificate's renewal takes.
const (
	EventRequestTaken        EventName = "request_taken"
	EventCertificateUploaded EventName = "upload_certificate"
	EventPushProbed          EventName = "probed"
	EventPushProven          EventName = "proven"
	EventPushReplaced        EventName = "certificate_replaced"
	EventPushRetired         EventName = "retired"
	EventPushTicked          EventName = "tick"
)

// Name implements [PushEvent].
func (RequestTaken) Name() EventName { return EventRequestTaken }

// Name implements [PushEvent].
func (CertificateUploaded) Name() EventName { return EventCertificateUploaded }

// Name implements [PushEvent].
func (PushProbed) Name() EventName { return EventPushProbed }

// Name implements [PushEvent].
func (PushProven) Name() EventName { return EventPushProven }

// Name implements [PushEvent].
func (PushReplaced) Name() EventName { return EventPushReplaced }

// Name implements [PushEvent].
func (PushRetired) Name() EventName { return EventPushRetired }

// Name implements [PushEvent].
func (PushTicked) Name() EventName { return EventPushTicked }

func (StartRequested) push()      {}
func (KeyMade) push()             {}
func (UploadRefused) push()       {}
func (RecheckRequested) push()    {}
func (CancelRequested) push()     {}
func (Notified) push()            {}
func (RequestTaken) push()        {}
func (CertificateUploaded) push() {}
func (PushProbed) push()          {}
func (PushProven) push()          {}
func (PushReplaced) push()        {}
func (PushRetired) push()         {}
func (PushTicked) push()          {}
