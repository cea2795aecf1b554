package abmtoken

import "time"

// Health is what a token's expiry alone says about it. What Apple says comes from a [Verifier].
type Health string

// The healths of a token.
const (
	HealthActive   Health = "active"   // its expiry is further away than asked
	HealthExpiring Health = "expiring" // its expiry comes within the time asked
	HealthExpired  Health = "expired"  // its expiry has passed
)

// Expired reports whether the token's expiry has come.
func (t Token) Expired(now time.Time) bool { return !now.Before(t.expires) }

// DaysLeft is the number of whole days until the expiry, rounded down: 0 on the last day, negative once it has
// passed.
func (t Token) DaysLeft(now time.Time) int {
	const day = 24 * time.Hour
	left := t.expires.Sub(now)
	days := int(left / day)
	if left%day < 0 || left == 0 { // division rounds towards zero; the moment of expiry itself is past
		days--
	}
	return days
}

// Health judges the token's expiry at now. It is expiring from expiringWithin before its expiry on.
func (t Token) Health(now time.Time, expiringWithin time.Duration) Health {
	switch {
	case t.Expired(now):
		return HealthExpired
	case t.expires.Sub(now) <= expiringWithin:
		return HealthExpiring
	default:
		return HealthActive
	}
}
