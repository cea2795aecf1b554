package migration_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

type (
	batchEvent   = machinetest.Event[migration.Batch, migration.BatchEvent]
	batchMachine = machinetest.Machine[migration.Batch, migration.BatchEvent]
	batchRow     = machinetest.Row[migration.Batch]
)

// batches drives a batch as a host does.
func batches() batchMachine { return batchesUnder(policy) }

func batchesUnder(policy enrollment.Policy) batchMachine {
	return batchMachine{
		Step: func(b migration.Batch, now time.Time, ev migration.BatchEvent) (machinetest.Stepped[migration.Batch], error) {
			tr, err := b.Step(policy, now, ev)
			return machinetest.Stepped[migration.Batch]{Next: tr.Batch, Moved: tr.Moved, Notes: batchNotes(b, tr)}, err
		},
		State: func(b migration.Batch) string { return string(b.State) },
		Live:  migration.Batch.Live,
		Wake:  migration.Batch.Wake,
		Pending: func(b migration.Batch) []enrollment.Effect { // a call is made by whoever was granted it, and is nobody else's to do
			return b.Pending.WithoutKind(enrollment.PostAssignment)
		},
		Revision: func(b migration.Batch) int64 { return b.Revision },
	}
}

// batchesAnswered drives a batch of which each call about assignments is made at once, and answered.
func batchesAnswered(policy enrollment.Policy, answer func(migration.Batch, enrollment.Effect, time.Time) migration.BatchEvent) batchMachine {
	m := batchesUnder(policy)
	m.Step = func(b migration.Batch, now time.Time, ev migration.BatchEvent) (machinetest.Stepped[migration.Batch], error) {
		tr, err := b.Step(policy, now, ev)
		if err == nil && tr.Post != nil {
			tr, err = tr.Batch.Step(policy, now, answer(tr.Batch, *tr.Post, now))
			tr.Moved = true
		}
		return machinetest.Stepped[migration.Batch]{Next: tr.Batch, Moved: tr.Moved}, err
	}
	return m
}

func batchNotes(b migration.Batch, tr migration.BatchTransition) []string {
	if !tr.Moved {
		return nil
	}
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	for _, stage := range []migration.BatchStage{migration.StageMissing, migration.StageSeen, migration.StageGiven, migration.StageDone, migration.StageRefused} {
		if was, is := b.Count(stage), tr.Batch.Count(stage); was != is {
			say("%d %s", is, stage)
		}
	}
	news := map[string]int{}
	var order []string
	for _, n := range tr.News {
		name := string(n.Event.Name())
		switch ev := n.Event.(type) {
		case migration.AssignResult:
			name += " " + string(ev.Outcome)
		case migration.ProfileResult:
			name += " " + string(ev.Outcome)
		case migration.DeadlineCancelled:
			name += " " + string(ev.Outcome)
		}
		if news[name] == 0 {
			order = append(order, name)
		}
		news[name]++
	}
	for _, name := range order {
		say("tells %d %s", news[name], name)
	}
	if tr.Post != nil {
		say("POSTS %d devices", len(tr.Batch.Serials(*tr.Post)))
	}
	if b.Undoing != tr.Batch.Undoing {
		say("%s", map[bool]string{true: "takes them away first", false: "has taken them away"}[tr.Batch.Undoing])
	}
	if b.Posts != tr.Batch.Posts {
		say("post %d", tr.Batch.Posts)
	}
	for _, fact := range tr.Audit {
		say("audits %s", fact.Act)
	}
	return said
}

func batchRequest(kind enrollment.AssignmentKind, change ...func(*migration.BatchRequest)) migration.BatchRequest {
	q := migration.BatchRequest{
		ID: "bat_1", Tenant: "acme", Plan: "pln_1", Kind: kind, Route: route, Serials: called(4), Deadline: noon.Add(30 * day),
	}
	for _, c := range change {
		c(&q)
	}
	return q
}

func batchFact(name string, of func(b migration.Batch, now time.Time) migration.BatchEvent) batchEvent {
	return batchEvent{Name: name, Of: of}
}

// sight is how the new service shows the devices of a batch.
type sight func(b migration.Batch, i int, d *enrollment.AssignedDevice)

func seenAs(b migration.Batch, now time.Time, of sight) []enrollment.AssignedDevice {
	var seen []enrollment.AssignedDevice
	for i, dev := range b.Devices {
		d := enrollment.AssignedDevice{Device: enrollment.Device{Serial: dev.Serial}, Assigned: enrollment.No, ObservedAt: now}
		of(b, i, &d)
		seen = append(seen, d)
	}
	return seen
}

func (of sight) first(n int) sight {
	return func(b migration.Batch, i int, d *enrollment.AssignedDevice) {
		if i < n {
			of(b, i, d)
		}
	}
}

var (
	absent   sight = func(migration.Batch, int, *enrollment.AssignedDevice) {}
	assigned sight = func(b migration.Batch, _ int, d *enrollment.AssignedDevice) {
		d.Assigned, d.ProfileStatus = enrollment.Yes, enrollment.ProfileEmpty
		if b.Kind == enrollment.MigrateDevices {
			d.MigrationDeadline = b.Deadline
		}
	}
	profiled sight = func(b migration.Batch, i int, d *enrollment.AssignedDevice) {
		assigned(b, i, d)
		d.Profile, d.ProfileStatus = ourProfile, enrollment.ProfileAssigned
	}
	unprofiled sight = func(b migration.Batch, i int, d *enrollment.AssignedDevice) {
		assigned(b, i, d)
		d.ProfileStatus = enrollment.ProfileRemoved
	}
)

// batchEvents are all ways in which something can happen to a batch.
func batchEvents() []batchEvent {
	return slices.Concat(batchLooks(), batchPosts(), batchProfiles(), batchOthers())
}

func batchResult(b migration.Batch, kind enrollment.EffectKind, o enrollment.Outcome) enrollment.Result {
	return enrollment.Result{Effect: pendingOf(b.Pending, kind), Outcome: o}
}

func batchLooks() []batchEvent {
	look := func(name string, o enrollment.Outcome, of sight) batchEvent {
		return batchFact("looked: "+name, func(b migration.Batch, now time.Time) migration.BatchEvent {
			return migration.Looked{Result: batchResult(b, enrollment.LookUp, o), Seen: seenAs(b, now, of)}
		})
	}
	later := look("none is there, after some time", enrollment.OK, absent)
	later.Late = func(migration.Batch, time.Time) time.Duration { return 45 * time.Minute }
	return []batchEvent{
		look("none is there", enrollment.OK, absent), later, look("half are there", enrollment.OK, assigned.first(2)), look("all are there", enrollment.OK, assigned),
		look("half have the profile", enrollment.OK, func(b migration.Batch, i int, d *enrollment.AssignedDevice) {
			assigned(b, i, d)
			profiled.first(2)(b, i, d)
		}),
		look("half are there, with the profile", enrollment.OK, profiled.first(2)), look("all have the profile", enrollment.OK, profiled), look("the profile was taken away", enrollment.OK, unprofiled),
		look("one was released", enrollment.OK, func(b migration.Batch, i int, d *enrollment.AssignedDevice) {
			profiled(b, i, d)
			if i == 0 {
				d.Assigned, d.Released = enrollment.No, enrollment.Yes
			}
		}),
		look("not now", enrollment.Retry, absent),
	}
}

func batchPosts() []batchEvent {
	spend := func(name string, o enrollment.Outcome, after time.Duration) batchEvent {
		return batchFact("post_spent: "+name, func(b migration.Batch, _ time.Time) migration.BatchEvent {
			r := batchResult(b, enrollment.SpendPost, o)
			r.RetryAfter = after
			return migration.PostSpent{Result: r}
		})
	}
	post := func(name string, o enrollment.Outcome, state enrollment.ActivityState) batchEvent {
		return batchFact("posted: "+name, func(b migration.Batch, _ time.Time) migration.BatchEvent {
			return migration.Posted{Result: batchResult(b, enrollment.PostAssignment, o), Activity: enrollment.Activity{ID: "act_1", State: state}, Reason: "CONFLICT"}
		})
	}
	asked := func(name string, o enrollment.Outcome, state enrollment.ActivityState, refused ...string) batchEvent {
		return batchFact("activity_asked: "+name, func(b migration.Batch, _ time.Time) migration.BatchEvent {
			a := enrollment.Activity{ID: "act_1", State: state}
			for _, serial := range refused {
				a.Refused = append(a.Refused, enrollment.DeviceResult{Serial: serial, Outcome: enrollment.Fatal, Reason: "NOT_FOUND"})
			}
			return migration.ActivityAsked{Result: batchResult(b, enrollment.AskActivity, o), Activity: a}
		})
	}
	ok := enrollment.OK
	return []batchEvent{
		spend("granted", ok, 0), spend("spent", enrollment.Retry, 20*time.Minute),
		post("running", ok, enrollment.ActivityRunning), post("done at once", ok, enrollment.ActivityCompleted), post("by hand", ok, enrollment.ActivityByHand),
		post("not done", enrollment.Retry, ""), post("refused", enrollment.Fatal, ""), post("no answer", enrollment.Unknown, ""),
		asked("running", ok, enrollment.ActivityRunning), asked("completed", ok, enrollment.ActivityCompleted), asked("stopped", ok, enrollment.ActivityStopped),
		asked("completed, one refused", ok, enrollment.ActivityCompleted, "C01", "X99"), asked("not now", enrollment.Retry, ""), asked("forgotten", enrollment.Fatal, ""),
	}
}

func batchProfiles() []batchEvent {
	profile := func(name string, o enrollment.Outcome, each ...enrollment.Outcome) batchEvent {
		return batchFact("profiles_assigned: "+name, func(b migration.Batch, _ time.Time) migration.BatchEvent {
			ev := migration.ProfilesAssigned{Result: batchResult(b, enrollment.AssignProfiles, o), Reason: "NOT_FOUND"}
			for i, d := range b.Devices {
				if len(each) > 0 {
					ev.Devices = append(ev.Devices, enrollment.DeviceResult{
						Serial: d.Serial, Outcome: each[min(i, len(each)-1)], RetryAfter: 7 * time.Minute, Reason: "NOT_ACCESSIBLE",
					})
				}
			}
			return ev
		})
	}
	ok, throttled, no := enrollment.OK, enrollment.Retry, enrollment.Fatal
	return []batchEvent{
		profile("all", ok, ok), profile("half, the others throttled", ok, ok, ok, throttled), profile("one refused", ok, no, ok), profile("nobody is named", ok),
		profile("not now", throttled), profile("no answer", enrollment.Unknown), profile("refused", no),
	}
}

func batchOthers() []batchEvent {
	say := func(name string, ev migration.BatchEvent) batchEvent {
		return batchFact(name, func(migration.Batch, time.Time) migration.BatchEvent { return ev })
	}
	tick := func(name string, late func(b migration.Batch, now time.Time) time.Duration) batchEvent {
		ev := say("tick: "+name, migration.BatchTicked{})
		ev.Late = late
		return ev
	}
	until := func(of func(b migration.Batch) time.Time) func(b migration.Batch, now time.Time) time.Duration {
		return func(b migration.Batch, now time.Time) time.Duration { return max(of(b).Sub(now), 0) }
	}
	recheck := say("recheck", migration.BatchRechecked{By: tess})
	recheck.Asked = true
	return []batchEvent{
		say("batch_held", migration.BatchHeld{}), say("batch_resumed", migration.BatchResumed{}), say("batch_closed", migration.BatchClosed{}), recheck,
		batchFact("notified", func(b migration.Batch, _ time.Time) migration.BatchEvent {
			return migration.BatchNotified{Result: batchResult(b, enrollment.SendNotice, enrollment.OK)}
		}),
		tick("at once", nil), tick("when the call was to be made", until(func(b migration.Batch) time.Time { return b.DueAt })),
		tick("at the reminder", until(func(b migration.Batch) time.Time { return b.RemindAt })),
		tick("when its time is over", until(func(b migration.Batch) time.Time { return b.LapseAt })),
	}
}

// newBatch plays named events on a new batch, and gives the row of where it leads.
func newBatch(t testing.TB, shape string, q migration.BatchRequest, names ...string) batchRow {
	t.Helper()
	tr, err := migration.StartBatch(policy, noon, q)
	require.NoError(t, err)
	b, now := tr.Batch, noon
	all := batchEvents()
	for _, name := range names {
		i := slices.IndexFunc(all, func(ev batchEvent) bool { return ev.Name == name })
		require.GreaterOrEqual(t, i, 0, "there is no event %s", name)
		now = now.Add(time.Second)
		if all[i].Late != nil {
			now = now.Add(all[i].Late(b, now))
		}
		tr, err := b.Step(policy, now, all[i].Of(b, now))
		require.NoError(t, err, name)
		require.True(t, tr.Moved, "%s is ignored in %s", name, b.State)
		b = tr.Batch
	}
	name := string(b.State)
	if shape != "" {
		name += ": " + shape
	}
	return batchRow{Name: name, At: now.Add(time.Second), S: b}
}

// The ways to the states, as names of events.
var (
	toPosting   = []string{"looked: none is there", "post_spent: granted"}
	toPolling   = append(toPosting[:2:2], "posted: running")
	toSeen      = append(toPolling[:3:3], "activity_asked: completed")
	toProfiling = append(toSeen[:4:4], "looked: all are there")
	toChecking  = append(toProfiling[:5:5], "profiles_assigned: all")
)

// batchShapes are batches in every state, in the shapes that matter.
func batchShapes(t testing.TB) []batchRow {
	assign, migrates, undo := batchRequest(enrollment.AssignDevices), batchRequest(enrollment.MigrateDevices), batchRequest(enrollment.CancelMigration)
	manual := batchRequest(enrollment.AssignDevices, func(q *migration.BatchRequest) { q.Manual = true })
	row := func(shape string, names ...string) batchRow { return newBatch(t, shape, assign, names...) }
	return []batchRow{
		row(""), row("", toPosting[:1]...), row("half are there already", "looked: half are there", "profiles_assigned: all"),
		row("held", "batch_held", "looked: none is there"), row("", toPosting...), row("", toPolling...), row("", toSeen...),
		newBatch(t, "to take them away first", assign, append(toSeen[:4:4], "looked: none is there, after some time")...),
		newBatch(t, "to take them away", assign, append(toSeen[:4:4], "looked: none is there, after some time", "post_spent: granted")...),
		newBatch(t, "taking them away", assign, append(toSeen[:4:4], "looked: none is there, after some time", "post_spent: granted", "posted: running")...),
		newBatch(t, "they were taken away", assign, append(toSeen[:4:4], "looked: none is there, after some time", "post_spent: granted", "posted: done at once")...),
		newBatch(t, "for the second time", assign, append(toSeen[:4:4], "looked: none is there, after some time", "post_spent: granted", "posted: done at once", "post_spent: granted", "posted: done at once")...),
		row("", toProfiling...), row("some were throttled", append(toProfiling[:5:5], "profiles_assigned: half, the others throttled")...),
		row("", toChecking...), row("half are missing", append(toSeen[:4:4], "looked: half are there", "profiles_assigned: all")...),
		row("", append(toChecking[:6:6], "looked: all have the profile")...), row("one was refused", append(toPolling[:3:3], "activity_asked: completed, one refused", "looked: all have the profile")...),
		row("", "batch_closed"), newBatch(t, "", manual, "looked: none is there"), newBatch(t, "half were done", manual, "looked: none is there", "looked: half are there", "profiles_assigned: all"),
		row("says the port", append(toPosting[:2:2], "posted: by hand")...),
		newBatch(t, "to migrate", migrates, toSeen...), newBatch(t, "to migrate", migrates, toProfiling...),
		newBatch(t, "to cancel", undo), newBatch(t, "to cancel", undo, "post_spent: granted", "posted: running"),
		newBatch(t, "to cancel", undo, "post_spent: granted", "posted: running", "activity_asked: completed"),
		newBatch(t, "cancelled", undo, "post_spent: granted", "posted: running", "activity_asked: completed", "looked: none is there"),
	}
}

func batchCells(t *testing.T) []machinetest.Cell {
	t.Helper()
	cells, err := batches().Matrix(batchShapes(t), batchEvents())
	require.NoError(t, err)
	return cells
}

// Every state, in every shape, times every way in which something can happen.
func TestMatrixOfBatch(t *testing.T) {
	cells := batchCells(t)
	machinetest.Golden(t, "testdata/matrix/batch.txt", machinetest.Text(cells))
	for _, state := range migration.BatchStates() {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.State() == string(state) }), "no row of %s", state)
	}
	for _, name := range append(machinetest.EventNames(t, "batch_event.go"), "notified", "tick") {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.EventName() == name }), "no column of %s", name)
	}
}
