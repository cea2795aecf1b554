package enrollment

import "time"

// NoticeKind says what a notice is about.
type NoticeKind string

// The kinds of notices. Each has a thread of its own on its subject.
const (
	NoticeExpiry   NoticeKind = "expiry"   // the credential expires, or has
	NoticeRejected NoticeKind = "rejected" // Apple refused the credential
	NoticeTerms    NoticeKind = "terms"    // Apple waits for the terms to be accepted
	NoticeWaiting  NoticeKind = "waiting"  // a renewal waits for a person
)

// Notice is something that a person should know, for the host's mail, chat or ticket system.
//
// Notices about one trouble share a Thread: the first opens it, later ones follow, and the one that is Cleared ends
// it, so that a ticket can close itself. A notice may be delivered twice, with the same ID.
type Notice struct {
	ID        string     `json:"id"`
	Thread    string     `json:"thread"`
	Kind      NoticeKind `json:"kind"`
	Cleared   bool       `json:"cleared,omitempty"`
	Tenant    TenantID   `json:"tenant"`
	Server    ServerID   `json:"server"`
	Name      string     `json:"name,omitempty"` // of the server, as the host gave it
	Push      PushID     `json:"push,omitempty"` // where it is about a push certificate and no server
	Plan      PlanID     `json:"plan,omitempty"` // where it is about a plan; Server is then the one that its devices go to
	Days      int        `json:"days,omitempty"` // of an expiry notice: days left at this level; negative after the expiry
	ExpiresAt time.Time  `json:"expires_at,omitzero"`
	Problem   *Problem   `json:"problem,omitempty"`
	At        time.Time  `json:"at"`
}

// Thread names the thread of one kind of notice about one subject.
func Thread(subject string, kind NoticeKind) string { return subject + "/" + string(kind) }
