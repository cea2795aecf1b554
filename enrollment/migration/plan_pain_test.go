package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// batchLine plays events on a batch and keeps what it asked of Apple.
type batchLine struct {
	t     *testing.T
	b     migration.Batch
	now   time.Time
	calls []enrollment.AssignmentRequest
	news  []migration.News
}

func newLine(t *testing.T, q migration.BatchRequest) *batchLine {
	t.Helper()
	tr, err := migration.StartBatch(policy, noon, q)
	require.NoError(t, err)
	return &batchLine{t: t, b: tr.Batch, now: noon}
}

func (l *batchLine) do(names ...string) *batchLine {
	l.t.Helper()
	for _, name := range names {
		for _, ev := range batchEvents() {
			if ev.Name != name {
				continue
			}
			l.now = l.now.Add(time.Second)
			if ev.Late != nil {
				l.now = l.now.Add(ev.Late(l.b, l.now))
			}
			tr, err := l.b.Step(policy, l.now, ev.Of(l.b, l.now))
			require.NoError(l.t, err)
			require.True(l.t, tr.Moved, "%s is ignored in %s", name, l.b.State)
			l.b = tr.Batch
			l.news = append(l.news, tr.News...)
			if tr.Post != nil {
				l.calls = append(l.calls, l.b.Assignment(*tr.Post, enrollment.Service{Server: "srv_old"}, enrollment.Service{Server: "srv_new"}))
			}
		}
	}
	return l
}

// A wipe cancels what is queued for the device, and hurried commands cancel a wipe: so a plan queues nothing of its own but the
// one wipe, and asks for nothing of a device that is on its way but its services where it is.
func TestPain32_APlanQueuesNothingButTheWipe(t *testing.T) {
	for _, row := range planShapes(t) {
		for _, x := range row.S.Pending {
			assert.Contains(t, []enrollment.EffectKind{enrollment.CountMoves, enrollment.MakeBatches, enrollment.TellMoves, enrollment.SendNotice, enrollment.LookUp}, x.Kind, row.Name)
		}
	}
	for _, row := range batchShapes(t) {
		for _, x := range row.S.Pending {
			assert.NotEqual(t, enrollment.SendWipe, x.Kind, row.Name)
		}
	}
}

// Devices that the service has already are not assigned again: it would take their profile away. They get their profile.
func TestPain35_ABatchAsksOnlyForWhatIsNotThere(t *testing.T) {
	l := newLine(t, batchRequest(enrollment.AssignDevices)).do("looked: half are there", "profiles_assigned: all", "post_spent: granted")
	require.Len(t, l.calls, 1)
	assert.Equal(t, []string{"C03", "C04"}, l.calls[0].Serials)
	l = newLine(t, batchRequest(enrollment.AssignDevices)).do("looked: all are there", "profiles_assigned: all", "looked: all have the profile")
	assert.Empty(t, l.calls)
	assert.Equal(t, migration.BatchDone, l.b.State)
	_, err := migration.StartBatch(policy, noon, batchRequest(enrollment.AssignDevices, func(q *migration.BatchRequest) { q.Route.From = q.Route.To }))
	require.Error(t, err)
	// Where the profile was taken away all the same, it is assigned again, not at once without end.
	l = newLine(t, batchRequest(enrollment.AssignDevices)).do("looked: all are there", "profiles_assigned: all", "looked: the profile was taken away")
	assert.Equal(t, migration.BatchProfiling, l.b.State)
	assert.Empty(t, l.b.Due(l.now), "after a pause")
	l.do("profiles_assigned: all", "looked: all have the profile")
	assert.Equal(t, migration.BatchDone, l.b.State)
	assert.Empty(t, l.calls)
}

// Where an assignment over another one got lost, the devices are taken from their old service first, and then assigned; their
// profile is assigned, and read back, after the last assignment.
func TestPain37_WhatTheNewServiceDoesNotShowIsUnassignedFirst(t *testing.T) {
	l := newLine(t, batchRequest(enrollment.AssignDevices)).do(append(toSeen[:4:4],
		"looked: none is there", "looked: none is there, after some time", "post_spent: granted", "posted: running", "activity_asked: completed",
		"post_spent: granted", "posted: running", "activity_asked: completed", "looked: all are there", "profiles_assigned: all", "looked: all have the profile")...)
	require.Len(t, l.calls, 3)
	for i, want := range []struct {
		kind    enrollment.AssignmentKind
		service enrollment.ServerID
	}{{enrollment.AssignDevices, "srv_new"}, {enrollment.UnassignDevices, "srv_old"}, {enrollment.AssignDevices, "srv_new"}} {
		assert.Equal(t, want.kind, l.calls[i].Kind)
		assert.Equal(t, want.service, l.calls[i].Service.Server)
		assert.Len(t, l.calls[i].Serials, 4)
	}
	assert.Equal(t, migration.BatchDone, l.b.State)
	// Without an old service to take them from, and with a deadline that would be lost, they are only asked for once more.
	for _, q := range []migration.BatchRequest{
		batchRequest(enrollment.MigrateDevices),
		batchRequest(enrollment.AssignDevices, func(q *migration.BatchRequest) { q.Route.From = "" }),
	} {
		l := newLine(t, q).do(append(toSeen[:4:4], "looked: none is there, after some time", "post_spent: granted")...)
		require.Len(t, l.calls, 2)
		assert.Equal(t, q.Kind, l.calls[1].Kind)
	}
}

// An activity that completes over a serial number that Apple does not know leaves it missing: its move hears that nobody has it.
func TestPain39_ABatchBelievesWhatTheServiceShowsAndNotTheActivity(t *testing.T) {
	l := newLine(t, batchRequest(enrollment.AssignDevices)).do(append(toSeen[:4:4], "looked: half are there", "profiles_assigned: all")...)
	assert.Equal(t, 2, l.b.Count(migration.StageMissing), "completed, and not there")
	l.do("tick: when its time is over")
	assert.Equal(t, migration.BatchDone, l.b.State)
	fate := map[string]enrollment.Outcome{}
	for _, n := range l.news {
		if r, is := n.Event.(migration.AssignResult); is {
			fate[n.Serial] = r.Outcome
		}
	}
	assert.Equal(t, map[string]enrollment.Outcome{"C01": enrollment.OK, "C02": enrollment.OK, "C03": enrollment.Fatal, "C04": enrollment.Fatal}, fate)
}

// A call of which nothing is known may be carried out late, and take a profile away that was assigned meanwhile: the devices are
// left alone until that is over, even where they are seen.
func TestPain36_NothingGoesOnWhileAnAssignmentMayStillCome(t *testing.T) {
	l := newLine(t, batchRequest(enrollment.AssignDevices)).do("looked: none is there", "post_spent: granted", "posted: no answer", "looked: all are there")
	assert.Equal(t, migration.BatchReading, l.b.State)
	assert.Equal(t, 4, l.b.Count(migration.StageMissing))
	assert.GreaterOrEqual(t, l.b.Wake().Sub(l.now), 25*time.Minute)
	l.now = l.b.Wake()
	l.do("looked: all are there")
	assert.Equal(t, migration.BatchProfiling, l.b.State)
	// A call that was granted, and of which nobody came to tell, is never made again by somebody else.
	l = newLine(t, batchRequest(enrollment.AssignDevices)).do("looked: none is there", "post_spent: granted")
	assert.Empty(t, l.b.Due(l.now))
	assert.Equal(t, l.now.Add(migration.PostWithin), l.b.Wake())
	l.do("tick: when the call was to be made")
	assert.Equal(t, migration.BatchReading, l.b.State)
	assert.Len(t, l.calls, 1)
}

// What Apple says of single devices reaches exactly these, and the others go on.
func TestPain10_RefusalsNameTheirDevice(t *testing.T) {
	l := newLine(t, batchRequest(enrollment.AssignDevices)).do(append(toPolling[:3:3], "activity_asked: completed, one refused")...)
	assert.Equal(t, migration.News{Serial: "C01", Event: migration.AssignResult{Batch: "bat_1", Outcome: enrollment.Fatal, Reason: "NOT_FOUND"}}, l.news[len(l.news)-1])
	assert.Equal(t, 3, l.b.Count(migration.StageMissing))
	l.do("looked: all are there", "profiles_assigned: half, the others throttled")
	assert.Equal(t, []string{"C03", "C04"}, l.b.Serials(enrollment.Effect{Kind: enrollment.AssignProfiles}), "the throttled ones alone")
	assert.Equal(t, l.now.Add(7*time.Minute), l.b.Wake(), "when Apple said")
}

// A plan without an API account hands out its serial numbers, and goes on when the service shows them.
func TestAPlanByHandHandsOutSerialsAndWatches(t *testing.T) {
	l := newLine(t, batchRequest(enrollment.AssignDevices, func(q *migration.BatchRequest) { q.Manual = true })).do("looked: none is there")
	assert.Equal(t, migration.BatchByHand, l.b.State)
	assert.Equal(t, "serial\nC01\nC02\nC03\nC04\n", l.b.CSV())
	assert.Equal(t, migration.WaitsPortal, l.b.Waiting().Why)
	assert.Equal(t, []migration.EventName{migration.EventBatchRechecked}, l.b.Allowed(policy, l.now, tess))
	l.do("looked: half are there")
	assert.Equal(t, "serial\nC03\nC04\n", l.b.CSV(), "who has done half of it goes on with the rest")
	l.do("profiles_assigned: all", "looked: all are there", "profiles_assigned: all", "looked: all have the profile")
	assert.Equal(t, migration.BatchDone, l.b.State)
	assert.Empty(t, l.calls)
	assert.Equal(t, "serial\n", l.b.CSV())
}
