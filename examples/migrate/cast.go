package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// kind is a kind of device in the company.
type kind struct {
	name  string
	share int // of a thousand devices; at least one, but for the one that takes the rest
	spec  func(n int, start time.Time) fleet.Spec

	stranger bool // the old MDM lost it long ago
	there    bool // somebody has enrolled it at the new MDM already
	// wiped: it may be erased. Every other one must not be.
	wiped bool
	// reached: in the end it has to be managed by the new MDM.
	reached bool
}

// The kinds that the story has a word about.
const (
	older   = "older"
	modern  = "modern"
	refuser = "refuser"
	away    = "away"
	pinned  = "pinned"
	keyless = "keyless"
)

// kinds are all of them; the first takes what the others leave.
var kinds = []kind{
	{name: older, wiped: true, reached: true, spec: func(n int, _ time.Time) fleet.Spec {
		return []fleet.Spec{
			{Family: enrollment.FamilyMac, OS: "15.7"},
			{Family: enrollment.FamilyIPhone, OS: "18.6", NotNow: n % 3},
			{Family: enrollment.FamilyIPad, OS: "17.7"},
			{Family: enrollment.FamilyAppleTV, OS: "26.1"}, // which cannot migrate, whatever its system
			{Family: enrollment.FamilyMac, OS: "14.8", SetUp: 3 * time.Hour},
		}[n%5]
	}},
	{name: modern, share: 360, reached: true, spec: func(n int, _ time.Time) fleet.Spec {
		family := []enrollment.Family{enrollment.FamilyIPhone, enrollment.FamilyIPad, enrollment.FamilyMac}[n%3]
		return fleet.Spec{Family: family, OS: "26.1", Migrates: deadline - time.Duration(1+n%12)*4*time.Hour}
	}},
	{name: "at the deadline", share: 40, reached: true, spec: func(int, time.Time) fleet.Spec {
		return fleet.Spec{Family: enrollment.FamilyIPhone, OS: "26.0"}
	}},
	{name: "in a drawer", share: 10, spec: func(_ int, start time.Time) fleet.Spec {
		return fleet.Spec{Family: enrollment.FamilyIPad, OS: "26.1", Offline: from(start, 0)}
	}},
	{name: refuser, wiped: true, spec: func(int, time.Time) fleet.Spec { return fleet.Spec{OS: "15.7", Manner: fleet.Refuses} }},
	{name: away, share: 20, wiped: true, spec: func(_ int, start time.Time) fleet.Spec {
		return fleet.Spec{OS: "15.7", Offline: from(start, 30*day)}
	}},
	{name: pinned, share: 10, wiped: true, reached: true, spec: func(int, time.Time) fleet.Spec {
		return fleet.Spec{OS: "13.7", OldMac: true}
	}},
	{name: "locked", share: 20, wiped: true, reached: true, spec: func(int, time.Time) fleet.Spec {
		return fleet.Spec{Family: enrollment.FamilyIPhone, OS: "18.6", Locked: true}
	}},
	{name: keyless, share: 6, wiped: true, reached: true, spec: func(int, time.Time) fleet.Spec {
		return fleet.Spec{Family: enrollment.FamilyIPad, OS: "18.6", Locked: true, NoBypassCode: true}
	}},
	{name: "vanishes", share: 2, wiped: true, spec: func(int, time.Time) fleet.Spec {
		return fleet.Spec{Family: enrollment.FamilyIPhone, OS: "17.7", Manner: fleet.Vanishes}
	}},
	{name: "only says so", share: 2, wiped: true, spec: func(int, time.Time) fleet.Spec {
		return fleet.Spec{OS: "14.8", Manner: fleet.OnlySays}
	}},
	{name: "shared", share: 20, spec: func(int, time.Time) fleet.Spec {
		return fleet.Spec{Family: enrollment.FamilyIPad, OS: "18.6", SharedIPad: true}
	}},
	{name: "lost", share: 20, stranger: true, spec: func(int, time.Time) fleet.Spec { return fleet.Spec{OS: "14.8"} }},
	{name: "unsupervised", share: 10, spec: func(int, time.Time) fleet.Spec { return fleet.Spec{OS: "15.7", Unsupervised: true} }},
	{name: "there", share: 16, there: true, reached: true, spec: func(int, time.Time) fleet.Spec { return fleet.Spec{OS: "15.7"} }},
}

// from is a time without a network; zero: for ever.
func from(start time.Time, d time.Duration) []fleet.Window {
	w := fleet.Window{From: start.Add(12 * time.Hour)}
	if d > 0 {
		w.Until = w.From.Add(d)
	}
	return []fleet.Window{w}
}

// actor is a device with its part.
type actor struct {
	kind
	*fleet.Device
	outside bool // of the plan
}

// first are the kinds of the first devices by serial number, which come first in the waves: a canary that refuses, one that
// does not, and then two of five that do not come by; and one that migrates soon.
var first = []string{refuser, older, away, away, older, older, older, older, modern}

// outsiders are devices that nobody put into the plan.
const outsiders = 5

// casting gives each of n devices a kind.
func casting(n int, random *rand.Rand) []kind {
	byName := map[string]kind{}
	var rest []kind
	for _, k := range kinds {
		byName[k.name] = k
		if k.name == refuser || k.name == older {
			continue
		}
		for range max(n*k.share/1000, 1) {
			rest = append(rest, k)
		}
	}
	parts := make([]kind, 0, n)
	for _, name := range first {
		parts = append(parts, byName[name])
	}
	for len(parts)+len(rest) < n {
		rest = append(rest, byName[older])
	}
	random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	return append(parts, rest...)[:n]
}

// fill brings n devices into the world, and some more that stay out of the plan.
func (s *stage) fill(n int) error {
	random := rand.New(s.random) //nolint:gosec // the same seed makes the same devices, and nothing secret hangs on them
	parts := casting(n, random)
	for range outsiders {
		parts = append(parts, kinds[0])
	}
	for i, k := range parts {
		spec := k.spec(random.IntN(60), s.calendar.Now())
		spec.Serial = fmt.Sprintf("C%05d%04X", i, random.IntN(1<<16))
		a := &actor{kind: k, Device: s.world.AddDevice(s.org, spec), outside: i >= n}
		if err := s.admin.Assign(s.from, spec.Serial); err != nil {
			return err
		}
		if !k.stranger {
			a.EnrollAt(s.old)
		}
		if k.there {
			a.EnrollAt(s.new)
		}
		s.cast = append(s.cast, a)
	}
	return nil
}

// erased is how many times devices were erased.
func (s *stage) erased() (n int) {
	for _, a := range s.cast {
		n += a.Erases()
	}
	return n
}

// of returns the devices of a kind.
func (s *stage) of(name string) (all []*actor) {
	for _, a := range s.cast {
		if a.kind.name == name && !a.outside {
			all = append(all, a)
		}
	}
	return all
}
