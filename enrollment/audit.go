package enrollment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Act names what was done, for the audit.
type Act string

// The acts that are audited: everything that a person did, and every change of a credential.
const (
	ActTenantOpened     Act = "tenant_opened"
	ActTenantClosed     Act = "tenant_closed"
	ActTenantErased     Act = "tenant_erased"
	ActPolicySet        Act = "policy_set"
	ActServerAdded      Act = "server_added"
	ActServerAdopted    Act = "server_adopted"
	ActServerRetired    Act = "server_retired"
	ActTokenAdopted     Act = "token_adopted"
	ActTokenActivated   Act = "token_activated"
	ActTokenRejected    Act = "token_rejected"
	ActCheckRequested   Act = "check_requested"
	ActQuieted          Act = "quieted"
	ActProfileSet       Act = "profile_set"
	ActRenewalStarted   Act = "renewal_started"
	ActRenewalCancelled Act = "renewal_cancelled"
	ActRenewalLapsed    Act = "renewal_lapsed"
	ActRenewalEnded     Act = "renewal_ended"
	ActPushOverridden   Act = "push_overridden"
	ActKeyMade          Act = "key_made"
	ActCertificateTaken Act = "certificate_taken"
	ActCertificateSent  Act = "certificate_sent" // to Apple, by its API; from then on Apple may have it
	ActCertificateTold  Act = "certificate_told" // what became of that
	ActRequestTaken     Act = "request_taken"
	ActPushAdded        Act = "push_added"
	ActPushImported     Act = "push_imported"
	ActPushActivated    Act = "push_activated"
	ActPushProven       Act = "push_proven"
	ActPushRejected     Act = "push_rejected"
	ActPushRetired      Act = "push_retired"
	ActFileAccepted     Act = "file_accepted"
	ActFileRefused      Act = "file_refused"
	ActRechecked        Act = "rechecked"
	ActConfirmed        Act = "confirmed"
	ActKeysRotated      Act = "keys_rotated"
	ActAPIAccountSet    Act = "api_account_set"
	ActAPIAccountGone   Act = "api_account_removed"
	ActMoveSkipped      Act = "move_skipped"
	ActMoveRetried      Act = "move_retried"
	ActMoveCancelled    Act = "move_cancelled"
	ActPINMade          Act = "pin_made"
	ActPINShown         Act = "pin_shown"
	ActWipeReleased     Act = "wipe_released"
	ActWipeVoided       Act = "wipe_voided"
	ActWipeRecalled     Act = "wipe_recalled"
	ActPlanMade         Act = "plan_made"
	ActPlanListed       Act = "plan_listed"
	ActPlanSubmitted    Act = "plan_submitted"
	ActPlanApproved     Act = "plan_approved"
	ActPlanRejected     Act = "plan_rejected"
	ActPlanStarted      Act = "plan_started"
	ActPlanPaused       Act = "plan_paused"
	ActPlanResumed      Act = "plan_resumed"
	ActPlanCancelled    Act = "plan_cancelled"
	ActPlanEnded        Act = "plan_ended"
	ActPlanSwept        Act = "plan_swept"
	ActDeviceExcluded   Act = "device_excluded"
	ActWaveBegun        Act = "wave_begun"
	ActWaveEnded        Act = "wave_ended"
	ActCanaryReplaced   Act = "canary_replaced"
	ActBatchPosted      Act = "batch_posted"
	ActProposed         Act = "proposed"
	ActProposalApproved Act = "proposal_approved"
	ActProposalEnded    Act = "proposal_ended"
	ActSwitchThrown     Act = "kill_switch_thrown"
	ActSwitchLifted     Act = "kill_switch_lifted"
)

// AuditFact is what a machine asks to be written down about one step.
type AuditFact struct {
	Act    Act               `json:"act"`
	By     Actor             `json:"by"`
	From   string            `json:"from,omitempty"`
	To     string            `json:"to,omitempty"`
	Detail map[string]string `json:"detail,omitempty"` // never a secret
}

// NewAuditFact returns a fact with its details: name, value, name, value, ...
func NewAuditFact(act Act, by Actor, detail ...string) AuditFact {
	fact := AuditFact{Act: act, By: by}
	if len(detail) > 0 {
		fact.Detail = make(map[string]string, len(detail)/2)
		for i := 0; i+1 < len(detail); i += 2 {
			fact.Detail[detail[i]] = detail[i+1]
		}
	}
	return fact
}

// AuditEntry is one written line of a subject's history. Each carries the hash of the one before it, so that none
// can be changed, dropped or moved unnoticed.
type AuditEntry struct {
	Subject string    `json:"subject"` // the ID of the server, renewal or tenant
	Seq     int64     `json:"seq"`     // 1, 2, 3, ... within the subject
	At      time.Time `json:"at"`
	AuditFact
	Previous string `json:"previous"` // Hash of the entry before; empty for the first
}

// AuditHead is the end of a subject's history. It is kept with the subject, in the same record, so that an entry can
// be appended only where the last one ended.
type AuditHead struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash,omitempty"`
}

// Append returns the next entry of a history and the history's new end.
func (h AuditHead) Append(subject string, at time.Time, fact AuditFact) (AuditEntry, AuditHead) {
	e := AuditEntry{Subject: asText(subject), Seq: h.Seq + 1, At: at, AuditFact: fact.asText(), Previous: h.Hash}
	return e, AuditHead{Seq: e.Seq, Hash: e.Hash()}
}

// asText returns the fact as it reads after it was stored. JSON keeps no byte that is not text; an entry with such
// bytes would not have the hash that it had when it was written.
func (f AuditFact) asText() AuditFact {
	for _, field := range [...]*string{
		(*string)(&f.Act), &f.By.ID, &f.By.Name, (*string)(&f.By.Kind), &f.By.Source, &f.From, &f.To,
	} {
		*field = asText(*field)
	}
	if f.Detail != nil {
		detail := make(map[string]string, len(f.Detail))
		for _, name := range slices.Sorted(maps.Keys(f.Detail)) { // should two become one, it is always the same
			detail[asText(name)] = asText(f.Detail[name])
		}
		f.Detail = detail
	}
	return f
}

func asText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Hash returns the hex SHA-256 of the entry in its stored form.
func (e AuditEntry) Hash() string {
	// Encoding cannot fail: every field is a string, a number or a time, and map keys are sorted.
	canonical, _ := json.Marshal(e)
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// Follows reports whether e is the entry that comes directly behind the history that ends at h.
func (e AuditEntry) Follows(h AuditHead) bool { return e.Seq == h.Seq+1 && e.Previous == h.Hash }
