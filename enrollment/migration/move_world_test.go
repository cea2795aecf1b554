package migration_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
	year   = 365 * day
)

const (
	ourSerial  = "C02XL0GSJGH5"
	ourUDID    = "4C4A1B1E-0000-4000-8000-0000000000AA"
	ourProfile = "34D3B4F0AAAA4BBB8CCC0123456789AB"
)

var (
	noon   = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	tess   = enrollment.Actor{ID: "tess", Name: "Tess", Kind: enrollment.Person, Source: "192.0.2.7"}
	policy = enrollment.DefaultPolicy()
)

type (
	moveEvent   = machinetest.Event[migration.Move, migration.MoveEvent]
	moveMachine = machinetest.Machine[migration.Move, migration.MoveEvent]
	moveRow     = machinetest.Row[migration.Move]
)

// moves drives a move as a host does.
func moves() moveMachine {
	return moveMachine{
		Step: func(m migration.Move, now time.Time, ev migration.MoveEvent) (machinetest.Stepped[migration.Move], error) {
			tr, err := m.Step(policy, now, ev)
			return machinetest.Stepped[migration.Move]{Next: tr.Move, Moved: tr.Moved, Notes: moveNotes(m, tr)}, err
		},
		State: func(m migration.Move) string { return string(m.State) },
		Live:  migration.Move.Live,
		Wake:  migration.Move.Wake,
		Pending: func(m migration.Move) []enrollment.Effect { // a wipe is sent by who released it, and is nobody else's to do
			return m.Pending.Without(func(x enrollment.Effect) bool { return x.Kind == enrollment.SendWipe })
		},
		Revision: func(m migration.Move) int64 { return m.Revision },
	}
}

// moveNotes tell the reader of a matrix what a step does beside states and effects.
func moveNotes(m migration.Move, tr migration.MoveTransition) []string {
	if !tr.Moved {
		return nil
	}
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if tr.Send != nil {
		say("RELEASED wipe %d", tr.Move.Wipes)
	}
	if was, is := fateOf(m), fateOf(tr.Move); was != is {
		say("wipe %s", is)
	}
	if was, is := m.Confirmed != nil, tr.Move.Confirmed != nil; was != is {
		say("%s", map[bool]string{true: "confirmed", false: "not confirmed any more"}[is])
	}
	if m.Wave != tr.Move.Wave {
		say("wave %d", tr.Move.Wave)
	}
	if was, is := codeOf(m.Problem), codeOf(tr.Move.Problem); was != is {
		say("problem %s", is)
	}
	for _, w := range tr.Move.Warnings[min(len(m.Warnings), len(tr.Move.Warnings)):] {
		say("warning %s", w.Code)
	}
	if len(tr.Drop) > 0 {
		say("drops %s", strings.Join(tr.Drop, " "))
	}
	for _, fact := range tr.Audit {
		say("audits %s", fact.Act)
	}
	return said
}

func fateOf(m migration.Move) string {
	if m.Wipe == nil {
		return "none"
	}
	return string(m.Wipe.Fate)
}

func codeOf(p *enrollment.Problem) string {
	if p == nil {
		return "none"
	}
	return string(p.Code)
}

// route goes from one MDM to another.
var route = migration.Route{From: "srv_old", To: "srv_new", Profile: ourProfile, OldMDM: "mdm_old", NewMDM: "mdm_new"}

// within is a route on which one MDM stands behind both services.
func within() migration.Route {
	r := route
	r.NewMDM = r.OldMDM
	return r
}

func ourMac() enrollment.Device {
	return enrollment.Device{Serial: ourSerial, UDID: ourUDID, Product: "Mac14,2", Family: enrollment.FamilyMac, OS: "15.7"}
}

// toWipe is the decision to wipe a device.
func toWipe(d enrollment.Device) migration.Decision {
	return migration.Decision{Strategy: migration.Wipe, Reasons: []migration.Reason{migration.NotCapable, migration.Reaches}, Options: enrollment.SafeWipe(d, false)}
}

// moveStory plays named events on a move, one after the other.
type moveStory struct {
	t   testing.TB
	m   migration.Move
	now time.Time
}

func newMove(t testing.TB, s migration.Strategy, r migration.Route, change ...func(*migration.MoveRequest)) *moveStory {
	t.Helper()
	return &moveStory{t: t, m: begun(t, s, r, change...), now: noon}
}

func begun(t require.TestingT, s migration.Strategy, r migration.Route, change ...func(*migration.MoveRequest)) migration.Move {
	q := migration.MoveRequest{
		ID: "mov_1", Tenant: "acme", Plan: "pln_1", Device: ourMac(), Route: r, Decision: migration.Decision{Strategy: s, Reasons: []migration.Reason{migration.NotManaged}},
	}
	if s == migration.Wipe {
		q.Decision = toWipe(q.Device)
	}
	for _, c := range change {
		c(&q)
	}
	tr, err := migration.StartMove(noon, q)
	require.NoError(t, err)
	return tr.Move
}

func (s *moveStory) do(names ...string) *moveStory {
	s.t.Helper()
	for _, name := range names {
		ev := moveEventOf(s.t, name)
		if ev.Late != nil {
			s.now = s.now.Add(ev.Late(s.m, s.now))
		} else {
			s.now = s.now.Add(time.Second)
		}
		tr, err := s.m.Step(policy, s.now, ev.Of(s.m, s.now))
		require.NoError(s.t, err, name)
		require.True(s.t, tr.Moved, "%s is ignored in %s", name, s.m.State)
		s.m = tr.Move
	}
	return s
}

func (s *moveStory) row(shape string) moveRow {
	name := string(s.m.State)
	if shape != "" {
		name += ": " + shape
	}
	return moveRow{Name: name, At: s.now.Add(time.Second), S: s.m}
}

func moveEventOf(t testing.TB, name string) moveEvent {
	t.Helper()
	for _, ev := range moveEvents() {
		if ev.Name == name {
			return ev
		}
	}
	require.Fail(t, "there is no event "+name)
	return moveEvent{}
}
