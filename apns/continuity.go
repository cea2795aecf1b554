package apns

import (
	"fmt"
	"time"
)

// Continuity is how a certificate goes on where another ends. Devices listen to a topic for as long as they are enrolled: a
// certificate with another topic reaches none of them, and each would have to enrol again. Renew at Apple's portal keeps the
// topic, Create makes another one (vendors' documents, 2026).
type Continuity string

// How two certificates compare.
const (
	Identical  Continuity = "identical"   // it is the same one
	Renewed    Continuity = "renewed"     // same topic, later expiry: what Renew at the portal gives
	Older      Continuity = "older"       // same topic, but it does not end later
	OtherTopic Continuity = "other_topic" // what Create at the portal gives
)

// Succession is the outcome of comparing a certificate with the one that it is to replace.
type Succession struct {
	Continuity Continuity
	OldTopic   string
	NewTopic   string
	OldEnd     time.Time
	NewEnd     time.Time
	Devices    int // how many listen to the old topic; 0: unknown
}

// Continue compares a certificate with the one that it is to replace.
func Continue(before, after Certificate, devices int) Succession {
	s := Succession{
		OldTopic: before.Topic(), NewTopic: after.Topic(), OldEnd: before.NotAfter(), NewEnd: after.NotAfter(), Devices: devices,
	}
	switch {
	case before.Fingerprint() == after.Fingerprint():
		s.Continuity = Identical
	case s.OldTopic == "" || s.OldTopic != s.NewTopic:
		s.Continuity = OtherTopic
	case !s.NewEnd.After(s.OldEnd):
		s.Continuity = Older
	default:
		s.Continuity = Renewed
	}
	return s
}

// Refused reports whether the certificate may not take the other's place.
func (s Succession) Refused() bool { return s.Continuity == OtherTopic || s.Continuity == Older }

func (s Succession) finding() Finding {
	switch s.Continuity {
	case OtherTopic:
		deaf := "every enrolled device"
		if s.Devices > 0 {
			deaf = fmt.Sprintf("%d enrolled devices", s.Devices)
		}
		return fail(CheckContinuity, fmt.Sprintf("its topic is %s, and %s would be deaf to it: they listen to %s",
			quoted(s.NewTopic), deaf, quoted(s.OldTopic)),
			"At "+portal+", sign in with the Apple Account that made the first one and choose Renew on its row, not Create")
	case Older:
		return fail(CheckContinuity, fmt.Sprintf("it ends on %s, no later than the one in use (%s)",
			s.NewEnd.Format(time.DateOnly), s.OldEnd.Format(time.DateOnly)),
			"Upload the newest file of "+portal)
	case Identical:
		return pass(CheckContinuity, "it is the one in use")
	}
	return pass(CheckContinuity, "same topic, and it ends later than the one in use")
}
