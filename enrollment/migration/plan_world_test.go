package migration_test

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

var (
	bob = enrollment.Actor{ID: "bob", Name: "Bob", Kind: enrollment.Person}
	cem = enrollment.Actor{ID: "cem", Name: "Cem", Kind: enrollment.Person}
	bot = enrollment.Actor{ID: "bot", Name: "A script", Kind: enrollment.Key}
)

// wiping is a policy that has wipes on.
var wiping = func() enrollment.Policy {
	p := enrollment.DefaultPolicy()
	p.Wipes.On = true
	return p
}()

type (
	planEvent   = machinetest.Event[migration.Plan, migration.PlanEvent]
	planMachine = machinetest.Machine[migration.Plan, migration.PlanEvent]
	planRow     = machinetest.Row[migration.Plan]
)

// plans drives a plan as a host does.
func plans() planMachine { return plansUnder(wiping) }

func plansUnder(policy enrollment.Policy) planMachine {
	return planMachine{
		Step: func(p migration.Plan, now time.Time, ev migration.PlanEvent) (machinetest.Stepped[migration.Plan], error) {
			tr, err := p.Step(policy, now, ev)
			return machinetest.Stepped[migration.Plan]{Next: tr.Plan, Moved: tr.Moved, Notes: planNotes(p, tr)}, err
		},
		State:    func(p migration.Plan) string { return string(p.State) },
		Live:     migration.Plan.Live,
		Wake:     migration.Plan.Wake,
		Pending:  func(p migration.Plan) []enrollment.Effect { return p.Pending },
		Revision: func(p migration.Plan) int64 { return p.Revision },
	}
}

// planNotes tell the reader of a matrix what a step does beside states and effects.
func planNotes(p migration.Plan, tr migration.PlanTransition) []string {
	if !tr.Moved {
		return nil
	}
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if g := tr.Gate; g != nil {
		say("GATE %s", map[bool]string{true: "OPEN by " + g.Approval, false: "CLOSED"}[g.Open])
	}
	if tr.Approved > 0 {
		say("approves %d wipes", tr.Approved)
	}
	for _, w := range tr.Waves {
		say("wave of %d %s", w.Size, w.Track)
	}
	if was, is := wordOf(p), wordOf(tr.Plan); was != is && is != "" {
		say("tells %s", is)
	}
	if was, is := pauseOf(p), pauseOf(tr.Plan); was != is && is != "" {
		say("pause by %s", is)
	}
	if was, is := len(p.Approvals), len(tr.Plan.Approvals); was != is {
		say("%d approvals", is)
	}
	if was, is := codeOf(p.Problem), codeOf(tr.Plan.Problem); was != is {
		say("problem %s", is)
	}
	for _, fact := range tr.Audit {
		say("audits %s", fact.Act)
	}
	return said
}

func wordOf(p migration.Plan) string {
	for _, x := range p.Pending {
		if x.Kind == enrollment.TellMoves {
			return x.Word
		}
	}
	return ""
}

func pauseOf(p migration.Plan) string {
	if p.Pause == nil {
		return ""
	}
	return string(p.Pause.Why)
}

// ready is a new service to which devices can go.
var ready = migration.Target{Name: "New MDM", Health: enrollment.Active, Profile: ourProfile}

func planRequest(change ...func(*migration.PlanRequest)) migration.PlanRequest {
	q := migration.PlanRequest{ID: "pln_1", Tenant: "acme", Route: route, Target: ready, By: tess}
	for _, c := range change {
		c(&q)
	}
	return q
}

// small is a list that one person may approve, large one that takes two, and gentle one without wipes.
var (
	small  = migration.Listing{Devices: 24, Wipes: 20, Reassigned: 4}
	large  = migration.Listing{Devices: 1000, Wipes: 400, Migrations: 500, Reassigned: 100}
	gentle = migration.Listing{Devices: 10, Reassigned: 10}
)

// planStory plays named events on a plan, one after the other.
type planStory struct {
	t   testing.TB
	p   migration.Plan
	now time.Time
}

func newPlan(t testing.TB) *planStory {
	t.Helper()
	tr, err := migration.StartPlan(wiping, noon, planRequest())
	require.NoError(t, err)
	return &planStory{t: t, p: tr.Plan, now: noon}
}

func (s *planStory) do(names ...string) *planStory {
	s.t.Helper()
	for _, name := range names {
		ev := planEventOf(s.t, name)
		if ev.Late != nil {
			s.now = s.now.Add(ev.Late(s.p, s.now))
		} else {
			s.now = s.now.Add(time.Second)
		}
		tr, err := s.p.Step(wiping, s.now, ev.Of(s.p, s.now))
		require.NoError(s.t, err, name)
		require.True(s.t, tr.Moved, "%s is ignored in %s", name, s.p.State)
		s.p = tr.Plan
	}
	return s
}

func (s *planStory) row(shape string) planRow {
	name := string(s.p.State)
	if shape != "" {
		name += ": " + shape
	}
	return planRow{Name: name, At: s.now.Add(time.Second), S: s.p}
}

func planEventOf(t testing.TB, name string) planEvent {
	t.Helper()
	for _, ev := range allPlanEvents() {
		if ev.Name == name {
			return ev
		}
	}
	require.Fail(t, "there is no event "+name)
	return planEvent{}
}

// pendingOf returns the ID of the effect of a kind that is wanted, or one that never was.
func pendingOf(pending []enrollment.Effect, kind enrollment.EffectKind) enrollment.EffectID {
	for _, x := range pending {
		if x.Kind == kind {
			return x.ID
		}
	}
	return cmp.Or[enrollment.EffectID]("none/0/" + enrollment.EffectID(kind))
}
