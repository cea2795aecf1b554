package enrollment

import "time"

// RouteEventKind says what happened to an MDM or a service between which devices move.
type RouteEventKind string

// The kinds of route events.
const (
	// RoutePushLost: the push certificate of an MDM is dead for certain: it has expired, was revoked, or Apple refuses it. No
	// command of the MDM reaches a device. That Apple did not answer is no such event.
	RoutePushLost RouteEventKind = "push_lost"
	// RoutePushRestored: it works again, because it was renewed.
	RoutePushRestored RouteEventKind = "push_restored"
	// RouteServiceGone: a service was deleted at Apple.
	RouteServiceGone RouteEventKind = "service_gone"
)

// RouteEvent is something that happened to an MDM or a service, as the host knows it. It may come late, twice or in another order
// than it happened; who takes it judges by At.
type RouteEvent struct {
	Kind   RouteEventKind `json:"kind"`
	Tenant TenantID       `json:"tenant"`
	MDM    MDMID          `json:"mdm,omitempty"`    // of RoutePushLost and RoutePushRestored
	Server ServerID       `json:"server,omitempty"` // that stands for the service, of RouteServiceGone
	At     time.Time      `json:"at"`               // when it happened; zero: just now
}
