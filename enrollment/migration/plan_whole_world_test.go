package migration_test

import (
	"fmt"
	"math/rand"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// gadget is a device in the world, and what Apple and both MDMs know of it.
type gadget struct {
	service  enrollment.ServerID
	profile  enrollment.ProfileStatus
	deadline time.Time
	capable  bool
	offline  bool      // it never answers
	wiped    string    // the UUID of the command by which it was wiped
	comes    time.Time // when it enrolls at the new MDM; zero: not on its way
	enrolled bool
}

// activity is one that Apple works on.
type activity struct {
	kind    enrollment.AssignmentKind
	serials []string
	until   time.Time
	done    time.Time
}

// whole is the smallest host of everything together: a plan with its waves, batches and moves, and the world around them. An
// effect may fail, its answer may be lost, and the host may forget that it was done.
type whole struct {
	t       require.TestingT
	rng     *rand.Rand
	policy  enrollment.Policy
	now     time.Time
	plan    migration.Plan
	gate    migration.Gate
	waves   map[string]migration.Wave
	batches map[string]migration.Batch
	moves   map[string]migration.Move
	devices map[string]*gadget
	acts    map[string]*activity
	tenant  migration.Ledger
	all     migration.Ledger
	posts   migration.Budget
	thrown  migration.Switch
	trouble float64 // how often something goes wrong

	released spending
	posted   spending
	stopped  time.Time
}

// trips reports whether something goes wrong now.
func (h *whole) trips() bool { return h.rng.Float64() < h.trouble }

// result is how an effect went: usually well.
func (h *whole) result(x enrollment.Effect) enrollment.Result {
	r := enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
	if h.trips() {
		r.Outcome = []enrollment.Outcome{enrollment.Retry, enrollment.Unknown}[h.rng.Intn(2)]
	}
	return r
}

func (h *whole) tellPlan(ev migration.PlanEvent) {
	tr, err := h.plan.Step(h.policy, h.now, ev)
	require.NoError(h.t, err, "%s in %s", ev.Name(), h.plan.State)
	h.plan = tr.Plan
	if tr.Gate != nil {
		h.gate = *tr.Gate
	}
	require.Equal(h.t, h.plan.Gate(), h.gate, "every change of the gate is told")
	if tr.Approved > 0 {
		h.tenant.Approved = h.tenant.Approved.Add(h.now, tr.Approved)
	}
	for _, w := range tr.Waves {
		h.waves[w.ID] = w
	}
}

func (h *whole) tellMove(serial string, ev migration.MoveEvent) {
	m, known := h.moves[serial]
	require.True(h.t, known, serial)
	tr, err := m.Step(h.policy, h.now, ev)
	if _, asked := ev.(migration.CancelRequested); !asked {
		require.NoError(h.t, err, "%s in %s", ev.Name(), m.State)
	}
	require.Nil(h.t, tr.Send)
	h.moves[serial] = tr.Move
}

func (h *whole) tellWave(id string, ev migration.WaveEvent) {
	tr, err := h.waves[id].Step(h.policy, h.now, ev)
	require.NoError(h.t, err)
	for _, n := range tr.News {
		h.tellMove(n.Serial, n.Event)
	}
	h.waves[id] = tr.Wave
	if tr.Moved && !tr.Wave.State.Live() {
		h.tellPlan(tr.Wave.Ended())
	}
}

// tellBatch returns the call that the step grants.
func (h *whole) tellBatch(id string, ev migration.BatchEvent) *enrollment.Effect {
	tr, err := h.batches[id].Step(h.policy, h.now, ev)
	require.NoError(h.t, err)
	for _, n := range tr.News {
		h.tellMove(n.Serial, n.Event)
	}
	if h.trips() {
		return nil // crashed after the moves were told: it is done again
	}
	h.batches[id] = tr.Batch
	return tr.Post
}

func (h *whole) serials() []string {
	var serials []string
	for s := range h.moves {
		serials = append(serials, s)
	}
	slices.Sort(serials)
	return serials
}

// takeAlong puts moves into batches, as a host does for the plan or a wave.
func (h *whole) takeAlong(kind enrollment.AssignmentKind, serials []string) {
	for chunk := range slices.Chunk(serials, 7) {
		q := migration.BatchRequest{
			ID: fmt.Sprintf("bat_%d", len(h.batches)+1), Tenant: "acme", Plan: h.plan.ID, Kind: kind, Route: h.plan.Route, Serials: chunk,
			Deadline: h.now.Add(h.plan.Deadline),
		}
		tr, err := migration.StartBatch(h.policy, h.now, q)
		require.NoError(h.t, err)
		h.batches[q.ID] = tr.Batch
		if kind == enrollment.CancelMigration {
			continue
		}
		for _, s := range chunk {
			h.tellMove(s, migration.AssignStarted{Batch: q.ID, Deadline: q.Deadline})
		}
	}
}

func (h *whole) doPlan(x enrollment.Effect) {
	r := h.result(x)
	if h.trips() {
		return // crashed before: it is due again
	}
	switch x.Kind {
	case enrollment.CountMoves:
		var tally migration.Tally
		for _, m := range h.moves {
			tally.Add(m)
		}
		h.tellPlan(migration.Counted{Result: r, Tally: tally})
	case enrollment.MakeBatches:
		h.makeBatches()
		h.tellPlan(migration.BatchesMade{Result: r})
	case enrollment.LookUp:
		away := 0
		for _, s := range h.serials() {
			if slices.Contains(migration.AwayStates(), h.moves[s].State) {
				away++
				h.tellMove(s, migration.ReadBack{Seen: h.see(s)})
			}
		}
		h.tellPlan(migration.Looking{Result: r, Away: away})
	case enrollment.TellMoves:
		h.tellAll(migration.Word(x.Word))
		h.tellPlan(migration.MovesTold{Result: r})
	default:
		h.tellPlan(migration.PlanNotified{Result: r})
	}
}

func (h *whole) makeBatches() {
	kind, want := enrollment.AssignDevices, func(m migration.Move) bool {
		return m.State == migration.MoveQueued && m.Decision.Strategy != migration.Migrate
	}
	if h.plan.State == migration.PlanCancelling {
		busy := map[string]bool{}
		for _, b := range h.batches {
			for _, d := range b.Devices {
				busy[d.Serial] = busy[d.Serial] || b.Live() && b.Kind == enrollment.CancelMigration
			}
		}
		kind, want = enrollment.CancelMigration, func(m migration.Move) bool {
			return m.State == migration.MoveCancelling && m.Decision.Strategy == migration.Migrate && !busy[m.Device.Serial]
		}
	}
	var serials []string
	for _, s := range h.serials() {
		if want(h.moves[s]) {
			serials = append(serials, s)
		}
	}
	h.takeAlong(kind, serials)
}

func (h *whole) tellAll(w migration.Word) {
	for _, s := range h.serials() {
		if ev := w.Move(migration.CancelRequested{By: bob}); ev != nil {
			h.tellMove(s, ev)
		}
	}
	for id := range h.batches {
		h.tellBatch(id, w.Batch())
	}
	for id, wave := range h.waves {
		h.tellWave(id, w.Wave(wave.Track))
	}
}

func (h *whole) doWave(w migration.Wave, x enrollment.Effect) {
	r := h.result(x)
	switch x.Kind {
	case enrollment.CallTurns:
		var called []string
		left := 0
		for _, s := range h.serials() {
			m := h.moves[s]
			switch {
			case w.Takes(m) && len(called) < w.Missing():
				called = append(called, s)
			case w.MayTake(m):
				left++
			}
		}
		if w.Track == migration.TrackMigrations {
			h.takeAlong(enrollment.MigrateDevices, called)
		} else {
			for _, s := range called {
				h.tellMove(s, migration.TurnCalled{Wave: w.Number})
			}
		}
		if w.Track == migration.TrackWipes && h.trips() {
			return // crashed before the wave was stored
		}
		r.Outcome = enrollment.OK
		h.tellWave(w.ID, migration.TurnsCalled{Result: r, Called: called, Left: left})
	case enrollment.CountMoves:
		var moves []migration.Move
		for _, s := range w.Serials() {
			moves = append(moves, h.moves[s])
		}
		h.tellWave(w.ID, migration.WaveCounted{Result: r, Moves: moves})
	case enrollment.ReleaseWipes:
		h.tellWave(w.ID, migration.WipesTried{Result: r, Keeps: h.release(w)})
	}
}

// releasing is everything that a release depends on, as it stands now.
func (h *whole) releasing() migration.Release {
	return migration.Release{
		Now: h.now, Policy: h.policy, Installation: h.policy, Gate: h.gate, TenantLedger: h.tenant, InstallationLedger: h.all, InstallationSwitch: h.thrown,
	}
}

// release releases what is ready, each in a write of its own.
func (h *whole) release(w migration.Wave) migration.Waiting {
	var moves []migration.Move
	for _, s := range w.Serials() {
		moves = append(moves, h.moves[s])
	}
	for _, s := range h.releasing().Again(moves) {
		h.tellMove(s, migration.TurnCalled{Wave: w.Number})
	}
	for _, s := range w.Serials() {
		rel := h.releasing()
		out, why, ok := rel.Of(h.moves[s])
		switch {
		case !ok && why.Why == migration.WaitsDevice:
			continue
		case !ok:
			return why
		}
		d := h.devices[s]
		require.Equal(h.t, route.To, d.service, "wiped before it was assigned")
		require.NotEqual(h.t, enrollment.ProfileEmpty, d.profile, "wiped before its profile was assigned")
		require.False(h.t, d.enrolled, "wiped after it enrolled")
		require.True(h.t, h.stopped.IsZero(), "wiped after the switch was thrown")
		h.moves[s], h.tenant, h.all = out.Move.Move, out.TenantLedger, out.InstallationLedger
		h.released = append(h.released, h.now)
		if h.trips() {
			continue // crashed after the release: nobody sends it
		}
		command := out.Move.Send.Wipe.Command
		require.True(h.t, d.wiped == "" || d.wiped == command, "wiped twice by one approval")
		if d.wiped == "" && !d.offline { // a repeat is refused by the MDM

			d.comes = h.now.Add(time.Duration(1+h.rng.Intn(600)) * time.Minute)
		}
		d.wiped = command
		if !h.trips() {
			h.tellMove(s, migration.WipeSent{
				Result: enrollment.Result{Effect: out.Move.Send.ID, Outcome: enrollment.OK}, Status: enrollment.WipeStatus{State: enrollment.WipeQueued, At: h.now},
			})
		}
	}
	return migration.Waiting{}
}
