package nanomdm

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Sighting is what is known of one device of an MDM, from what it told that MDM. It holds no secret, and is plain JSON. Its
// ObservedAt is not used: LastSeen says when the device was heard of.
type Sighting struct {
	enrollment.DeviceFacts
	Authenticated time.Time `json:"authenticated,omitzero"` // when it last began to enroll
	FirstUpdate   time.Time `json:"first_update,omitzero"`  // the last TokenUpdate that was the first of its enrollment
	// Unpaired: the Authenticate before FirstUpdate has not come yet.
	Unpaired bool `json:"unpaired,omitempty"`
}

// askew is how far events of one moment are stamped in the wrong order. NanoMDM stamps an event when it gets to send it, side
// by side with others.
const askew = 2 * time.Second

// inOrder puts the stamps of an Authenticate and the TokenUpdate that follows it in order, whichever came first.
func (s Sighting) inOrder(seen Sighting) Sighting {
	switch {
	case !seen.FirstUpdate.IsZero() && s.Authenticated.After(seen.FirstUpdate) && s.Authenticated.After(s.FirstUpdate) &&
		s.Authenticated.Sub(seen.FirstUpdate) < askew:
		seen.LastSeen = s.Authenticated.Add(time.Microsecond)
		seen.FirstUpdate = seen.LastSeen
	case !seen.Authenticated.IsZero() && s.Unpaired && !seen.Authenticated.Before(s.FirstUpdate) &&
		seen.Authenticated.Sub(s.FirstUpdate) < askew:
		seen.LastSeen = s.FirstUpdate.Add(-time.Microsecond)
		seen.Authenticated = seen.LastSeen
	}
	return seen
}

// With returns the sighting with what one more message told, which may be older than those before. What a message leaves out
// stays known, except that a device which begins to enroll again is a new one in every respect but its name.
func (s Sighting) With(seen Sighting) Sighting {
	seen = s.inOrder(seen)
	out := s.joined(seen)
	out.FirstUpdate, out.Unpaired = s.FirstUpdate, s.Unpaired
	switch {
	case seen.FirstUpdate.After(s.FirstUpdate):
		out.FirstUpdate, out.Unpaired = seen.FirstUpdate, !s.Authenticated.After(s.FirstUpdate)
	case !seen.Authenticated.IsZero():
		out.Unpaired = false
	}
	return out
}

// joined is With, but for how enrollments begin.
func (s Sighting) joined(seen Sighting) Sighting {
	older, newer := s, seen
	if seen.LastSeen.Before(s.LastSeen) {
		older, newer = seen, s
		if seen.Authenticated.After(s.Authenticated) {
			newer = s.sinceEnrolling() // which of it was told before that is not known any more
		}
	}
	out := newer
	out.Device = older.Refreshed(newer.Device)
	if newer.Serial != "" {
		out.Serial = newer.Serial
	}
	if older.LastSeen.Before(newer.Authenticated) {
		return out
	}
	for _, fact := range [...]struct {
		newer *enrollment.Known
		older enrollment.Known
	}{
		{&out.Managed, older.Managed}, {&out.Supervised, older.Supervised}, {&out.SharedIPad, older.SharedIPad},
		{&out.ADEEnrolled, older.ADEEnrolled}, {&out.AppleSilicon, older.AppleSilicon}, {&out.SecurityChip, older.SecurityChip},
		{&out.ActivationLocked, older.ActivationLocked},
	} {
		if *fact.newer == enrollment.NotKnown {
			*fact.newer = fact.older
		}
	}
	if out.EnrolledAt.IsZero() {
		out.EnrolledAt = older.EnrolledAt
	}
	if out.Authenticated.IsZero() || older.Authenticated.After(out.Authenticated) {
		out.Authenticated = older.Authenticated
	}
	if out.EnrolledAt.Before(out.Authenticated) {
		out.EnrolledAt = time.Time{}
	}
	return out
}

// sinceEnrolling leaves out what may have been told before the device began to enroll.
func (s Sighting) sinceEnrolling() Sighting {
	return Sighting{DeviceFacts: enrollment.DeviceFacts{
		Device: s.Device, MDM: s.MDM, Managed: s.Managed, EnrolledAt: s.EnrolledAt, LastSeen: s.LastSeen,
	}}
}

// sightingOf is what one message tells.
func sightingOf(e event, t *told, m message, mdm enrollment.MDMID) Sighting {
	at := e.CreatedAt.UTC().Truncate(time.Microsecond)
	s := Sighting{DeviceFacts: enrollment.DeviceFacts{MDM: mdm, LastSeen: at}}
	s.UDID = t.UDID
	if t.IDs.Type == typeSharedIPad {
		s.SharedIPad = enrollment.Yes // somebody is signed in on it
		return s
	}
	switch e.Topic {
	case topicAuthenticate:
		s.Device, s.Authenticated = m.device(), at
	case topicTokenUpdate:
		s.Managed = enrollment.Yes
		if t.first() {
			s.FirstUpdate = at
		}
		if m.known("AwaitingConfiguration") == enrollment.Yes {
			s.ADEEnrolled = enrollment.Yes // only such enrollments wait in Setup Assistant
		}
	case topicCheckOut:
		s.Managed = enrollment.No
	case topicConnect:
		s.Managed = enrollment.Yes
		if answers, is := m["QueryResponses"].(map[string]any); is {
			s.learn(answers)
		}
	}
	return s
}

// learn takes what a device answered to somebody's DeviceInformation (Apple, device-management repository,
// mdm/commands/information.device.yaml, release of 2026).
func (s *Sighting) learn(answers message) {
	d := answers.device()
	d.UDID = s.UDID
	s.Device = d
	s.Supervised, s.SharedIPad, s.AppleSilicon = answers.known("IsSupervised"), answers.known("IsMultiUser"), answers.known("IsAppleSilicon")
	// Newer systems say No whether there is a lock or not: the key is deprecated.
	if answers.known("IsActivationLockEnabled") == enrollment.Yes {
		s.ActivationLocked = enrollment.Yes
	}
}

// Sightings keep what devices told. [NewMemorySightings] makes one that lasts as long as the process; a host that has a
// table of devices keeps them there. Implementations are safe for concurrent use.
type Sightings interface {
	// Saw joins a sighting with what is known of that device, as [Sighting.With] does, by tenant, MDM and UDID. It returns
	// what was known before and what is known now. Of two calls about one device, one comes after the other.
	Saw(ctx context.Context, tenant enrollment.TenantID, s Sighting) (before, now Sighting, err error)
	// Sighting returns what is known of a device, by its UDID, or by its serial number where that is empty, or
	// [enrollment.ErrNoDevice].
	Sighting(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (Sighting, error)
}
