package renewal

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// WatchState is where a watch stands.
type WatchState string

// The states of a watch, each with what it waits for. The first and the last are resting.
const (
	WatchMissing WatchState = "missing"  // a first credential
	Watching     WatchState = "watching" // the time of the next probe or reminder
	WatchProbing WatchState = "probing"  // Apple's answer to whether the credential lives
	WatchRetired WatchState = "retired"  // nothing: the credential is out of use for good
)

// WatchStates returns every state of a watch.
func WatchStates() []WatchState {
	return []WatchState{WatchMissing, Watching, WatchProbing, WatchRetired}
}

// Watch looks after one credential: it asks Apple from time to time whether it lives, and reminds of its expiry. It is
// kept in the record of the server, or push certificate, that the credential belongs to. The zero Watch is not valid; see
// [NewWatch] and [NewPushWatch].
type Watch struct {
	Of      Credential          `json:"of,omitempty"`
	Subject string              `json:"subject"` // the ID of the server or push certificate
	Tenant  enrollment.TenantID `json:"tenant"`
	State   WatchState          `json:"state"`
	Seq     int                 `json:"seq"` // counts effects

	Generation int64     `json:"generation,omitempty"` // of the credential; 0: none
	Expires    time.Time `json:"expires,omitzero"`

	Answer     enrollment.Answer   `json:"answer,omitempty"` // Apple's last definite answer
	AnsweredAt time.Time           `json:"answered_at,omitzero"`
	Reason     string              `json:"reason,omitempty"`    // Apple's own word for a refusal
	Problem    *enrollment.Problem `json:"problem,omitempty"`   // what is wrong with a credential that Apple accepts
	Since      time.Time           `json:"since,omitzero"`      // when the credential came
	Failures   int                 `json:"failures,omitempty"`  // questions in a row that Apple did not answer
	Unanswered time.Time           `json:"unanswered,omitzero"` // when the first of them was asked

	ProbeAt    time.Time               `json:"probe_at,omitzero"`
	CloseUntil time.Time               `json:"close_until,omitzero"` // watched closely until then; see [CertificateLeft]
	Reminded   int                     `json:"reminded,omitempty"`   // the last reminder level, in days
	QuietUntil time.Time               `json:"quiet_until,omitzero"`
	RemindAt   time.Time               `json:"remind_at,omitzero"`
	Open       []enrollment.NoticeKind `json:"open,omitempty"`     // threads that were opened and not cleared
	HealthAt   time.Time               `json:"health_at,omitzero"` // when the health changes by the passing of time
	Pending    outbox.Effects          `json:"pending,omitempty"`
}

// NewWatch returns the watch of a server that has no credential yet.
func NewWatch(tenant enrollment.TenantID, server enrollment.ServerID) Watch {
	return Watch{Subject: string(server), Tenant: tenant, State: WatchMissing}
}

// NewPushWatch returns the watch of a push certificate that was not uploaded yet.
func NewPushWatch(tenant enrollment.TenantID, push enrollment.PushID) Watch {
	return Watch{Of: PushCertificate, Subject: string(push), Tenant: tenant, State: WatchMissing}
}

// Vital returns what the credential's health is made of.
func (w Watch) Vital() enrollment.Vital {
	return enrollment.Vital{Held: w.Generation > 0, Expires: w.Expires, Answer: w.Answer, Unanswered: w.Unanswered}
}

// Health judges the credential now.
func (w Watch) Health(p enrollment.Policy, now time.Time) enrollment.Health {
	return enrollment.HealthOf(w.Vital(), p, now)
}

// Wake returns when the watch has something to do next; zero: never.
func (w Watch) Wake() time.Time {
	switch w.State {
	case Watching:
		return outbox.Earliest(w.ProbeAt, w.RemindAt, w.HealthAt, w.owed().Wake())
	case WatchProbing:
		return outbox.Earliest(w.RemindAt, w.HealthAt, w.owed().Wake())
	}
	return w.owed().Wake()
}

// Due returns the pending effects that may be tried now, oldest first.
func (w Watch) Due(now time.Time) []enrollment.Effect { return w.owed().Due(now) }

// owed are the pending effects that the state may owe: a question to Apple only while probing, whatever was stored.
func (w Watch) owed() outbox.Effects {
	return w.Pending.OwedBy(w.State == WatchProbing)
}

func (w Watch) isOpen(k enrollment.NoticeKind) bool { return slices.Contains(w.Open, k) }
