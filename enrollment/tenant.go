package enrollment

import "time"

// TenantID names a customer of the host, in the host's own words. No call falls back to some only tenant: what
// happens to one never depends on whether there is a second.
type TenantID string

// SiteID names a location of a tenant, where the host divides customers so. Empty: none.
type SiteID string

// TenantState is where a tenant is on its way out.
type TenantState string

// The states of a tenant.
const (
	TenantOpen   TenantState = "open"
	TenantClosed TenantState = "closed" // nothing starts any more; what exists can be read
	TenantErased TenantState = "erased" // its data key is destroyed; only the audit remains
)

// Tenant is what is kept about a customer as a whole.
type Tenant struct {
	ID        TenantID     `json:"id"`
	State     TenantState  `json:"state"`
	CreatedAt time.Time    `json:"created_at"`
	ClosedAt  time.Time    `json:"closed_at,omitzero"`
	Policy    PolicyChange `json:"policy"`                // overrides of the installation's policy
	Push      PushID       `json:"push,omitempty"`        // its push certificate; empty: none of its own
	API       *APIAccount  `json:"api_account,omitempty"` // nil: its devices move by hand
	Audit     AuditHead    `json:"audit"`
}
