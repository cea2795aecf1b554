package enrollment

import "strings"

// Account is what Apple answered about a token: the service, organization and person that it belongs to.
type Account struct {
	ServerUUID string `json:"server_uuid"`
	ServerName string `json:"server_name,omitempty"`
	AdminID    string `json:"admin_id,omitempty"` // the Apple Account that downloaded it; its fate is the token's
	OrgID      string `json:"org_id,omitempty"`
	OrgIDHash  string `json:"org_id_hash,omitempty"`
	OrgName    string `json:"org_name,omitempty"`
	OrgType    string `json:"org_type,omitempty"`
}

// PinSource says on whose word an identity was pinned.
type PinSource string

// The sources of a pin.
const (
	PinnedByHost   PinSource = "host"   // the host named the service when the server was adopted
	PinnedByApple  PinSource = "apple"  // the first answer to an adopted token
	PinnedByPerson PinSource = "person" // a person confirmed what Apple answered
)

// Pin is the identity that every later token of a server must have. The zero Pin is none.
type Pin struct {
	ServerUUID string    `json:"server_uuid,omitempty"`
	ServerName string    `json:"server_name,omitempty"`
	OrgID      string    `json:"org_id,omitempty"`
	OrgIDHash  string    `json:"org_id_hash,omitempty"`
	OrgName    string    `json:"org_name,omitempty"`
	Source     PinSource `json:"source,omitempty"`
}

// IsZero reports whether nothing is pinned.
func (p Pin) IsZero() bool { return p.ServerUUID == "" }

// PinTo returns the pin of an account.
func PinTo(a Account, by PinSource) Pin {
	return Pin{
		ServerUUID: a.ServerUUID, ServerName: a.ServerName,
		OrgID: a.OrgID, OrgIDHash: a.OrgIDHash, OrgName: a.OrgName, Source: by,
	}
}

// Refreshed returns the pin as a newer answer about the same identity completes it. What the answer leaves out stays
// known: a pin never gets weaker.
func (p Pin) Refreshed(a Account) Pin {
	fresh := PinTo(a, p.Source)
	for _, field := range [...]struct{ now, was *string }{
		{&fresh.ServerName, &p.ServerName}, {&fresh.OrgID, &p.OrgID},
		{&fresh.OrgIDHash, &p.OrgIDHash}, {&fresh.OrgName, &p.OrgName},
	} {
		if *field.now == "" {
			*field.now = *field.was
		}
	}
	return fresh
}

// Match says how an account compares to a pin.
type Match string

// The matches, from same to foreign.
const (
	SameIdentity      Match = "same"
	Unpinned          Match = "unpinned"           // nothing to compare with: a person confirms
	OtherOrganization Match = "other_organization" // same service, another organization ID: a person confirms
	OtherService      Match = "other_service"      // refused
)

// Match compares the account of a new token with the pin. The service's UUID is its identity; an organization is
// compared by ID, or by the hash where an ID is missing on one side, never by its name, which people change.
func (p Pin) Match(a Account) Match {
	switch {
	case p.IsZero():
		return Unpinned
	case NormalUUID(p.ServerUUID) != NormalUUID(a.ServerUUID):
		return OtherService
	case differ(p.OrgID, a.OrgID), (p.OrgID == "" || a.OrgID == "") && differ(p.OrgIDHash, a.OrgIDHash):
		return OtherOrganization
	}
	return SameIdentity
}

// NormalUUID gives the one form under which two spellings of a service's UUID are equal: Apple writes 32 upper-case
// hex digits, people also write dashes and small letters.
func NormalUUID(uuid string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(uuid), "-", ""))
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }
