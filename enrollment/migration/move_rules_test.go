package migration_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

func request() migration.MoveRequest {
	return migration.MoveRequest{
		ID: "mov_1", Tenant: "acme", Plan: "pln_1", Device: ourMac(), Route: route, Decision: toWipe(ourMac()),
	}
}

func TestAMoveStartsOnlyWithWhatItNeeds(t *testing.T) {
	type q = migration.MoveRequest
	for field, spoil := range map[string]func(q *q){
		"id":       func(q *q) { q.ID = "" },
		"serial":   func(q *q) { q.Device.Serial = "c02xl0gsjgh5" },
		"to":       func(q *q) { q.Route.To = q.Route.From },
		"profile":  func(q *q) { q.Route.Profile = "" },
		"mdm":      func(q *q) { q.Route.NewMDM = "" },
		"strategy": func(q *q) { q.Decision.Strategy = migration.Auto },
		"udid":     func(q *q) { q.Device.UDID = "" },
	} {
		r := request()
		spoil(&r)
		_, err := migration.StartMove(noon, r)
		var problem *enrollment.Problem
		require.ErrorAs(t, err, &problem, field)
		assert.Equal(t, enrollment.CodeInvalidInput, problem.Code, field)
		assert.Equal(t, field, problem.Args["field"])
	}
	for _, spoil := range []func(q *q){
		func(q *q) { q.Device.Serial = "" }, func(q *q) { q.Route.To = "" }, func(q *q) { q.Route.OldMDM = "" }, func(q *q) { q.Decision.Strategy = "" },
	} {
		r := request()
		spoil(&r)
		_, err := migration.StartMove(noon, r)
		require.Error(t, err)
	}
}

// A device without an enrollment ID can go every way but that of a wipe.
func TestADeviceWithoutUDIDCanMoveButNotBeWiped(t *testing.T) {
	r := request()
	r.Device.UDID, r.Decision.Strategy = "", migration.Hands
	tr, err := migration.StartMove(noon, r)
	require.NoError(t, err)
	assert.Equal(t, migration.MoveQueued, tr.Move.State)
	assert.True(t, tr.Moved)
	assert.EqualValues(t, 1, tr.Move.Revision)
}

func TestAReleasedDeviceIsSkippedAtOnce(t *testing.T) {
	r := request()
	r.Decision = migration.Decision{Strategy: migration.Nothing, Reasons: []migration.Reason{migration.NotOurs}}
	tr, err := migration.StartMove(noon, r)
	require.NoError(t, err)
	assert.Equal(t, migration.MoveSkipped, tr.Move.State)
	assert.Equal(t, enrollment.CodeDeviceReleased, tr.Move.Problem.Code)
	assert.False(t, tr.Move.Live())
	assert.True(t, tr.Move.Wake().IsZero())
}

// The wipe that leaves is the one that was approved, with safe options and a command of its own, and its PIN beside it by
// name only.
func TestWhatIsSent(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toReady[:6]...).do("device_confirmed: needs a PIN", "pin_made: done")
	tr := s.step(migration.WipeReleased{Approval: "apr_1", SendBy: s.now.Add(migration.SendWithin)})
	require.NotNil(t, tr.Send)
	assert.Equal(t, &enrollment.Wipe{
		Command: enrollment.WipeCommand("acme", "mov_1/wipe/1"), Tenant: "acme", MDM: "mdm_old", Device: ourMac(),
		Options: enrollment.WipeOptions{Obliteration: enrollment.DoNotObliterate}, NotAfter: s.m.Wipe.SendBy, PIN: "pin_1",
	}, tr.Send.Wipe)
	require.Len(t, tr.Audit, 1)
	assert.Equal(t, enrollment.ActWipeReleased, tr.Audit[0].Act)
	assert.Equal(t, map[string]string{
		"approval": "apr_1", "command": tr.Send.Wipe.Command, "wave": "1", "move": "mov_1", "serial": ourSerial, "udid": ourUDID,
	}, tr.Audit[0].Detail)
	s.do("wipe_sent: queued", "wipe_answered: acknowledged", "enrolled: at the new MDM")
	assert.Empty(t, s.m.PIN, "the PIN is dropped with the enrollment")
}

// A PIN is made once, and a device that needs one is not ready before.
func TestAPINIsMadeOnce(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toReady[:6]...).do("device_confirmed: needs a PIN")
	assert.False(t, s.m.Ready(policy, s.now))
	s.do("pin_made: done")
	assert.True(t, s.m.Ready(policy, s.now))
	s.do("turn_called: next wave", "device_confirmed: needs a PIN")
	assert.Empty(t, s.m.Pending)
	assert.True(t, s.m.Ready(policy, s.now))
}

// A phone that is to set itself up without hands has its lock cleared before, or is wiped without.
func TestADeviceThatSetsItselfUpIsUnlockedFirst(t *testing.T) {
	locked := func(names ...string) *moveStory {
		return newMove(t, migration.Wipe, route, handless).do(toReady[:6]...).do("device_confirmed: locked, with a code").do(names...)
	}
	assert.False(t, locked().m.Ready(policy, noon.Add(minute)))
	for name, handless := range map[string]bool{"lock_cleared: done": true, "lock_cleared: no code": false} {
		s := locked(name, "wipe_released: by its approval")
		assert.Equal(t, handless, s.m.Wipe.Options.ReturnToService, name)
		assert.True(t, s.m.Wipe.Options.PreserveDataPlan, name)
		s.do("wipe_sent: queued", "wipe_answered: acknowledged")
		want := map[bool]migration.MoveState{true: migration.MoveReturning, false: migration.MoveUnlocking}[handless]
		assert.Equal(t, want, s.m.State, name)
	}
	s := newMove(t, migration.Wipe, route, handless).do(toReady[:6]...)
	ev := confirmedNow(s.m, s.now)
	ev.Lock.Locked, ev.Can = enrollment.Yes, everyAbility
	s.step(ev)
	assert.True(t, s.m.Ready(policy, s.now))
	assert.False(t, s.m.Confirmed.Options.ReturnToService, "nobody holds a code")
	s = newMove(t, migration.Wipe, route, handless).do(toReady[:6]...).do("device_confirmed: all is well", "wipe_released: by its approval")
	assert.False(t, s.m.Wipe.Options.ReturnToService, "the dispatcher cannot")
	s = newMove(t, migration.Wipe, route, handless).do(toReady[:6]...).do("device_confirmed: through an MDM that can all", "wipe_released: by its approval")
	assert.True(t, s.m.Wipe.Options.ReturnToService)
}

// Whatever reason an MDM gives is shown, but not at any length.
func TestReasonsAreShortened(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toSeeking[:1]...)
	s.step(migration.AssignResult{Batch: "bat_1", Outcome: enrollment.Fatal, Reason: string(make([]rune, 10_000))})
	assert.Less(t, len([]rune(s.m.Problem.Title)), 500)
}

// A batch that gives the device back again and again fails it, in the end.
func TestADeviceThatNoBatchCanAssignFails(t *testing.T) {
	s := newMove(t, migration.Wipe, route)
	for range 19 {
		s.do("assign_started: in a batch", "assign_result: not done")
		require.Equal(t, migration.MoveQueued, s.m.State)
	}
	s.do("assign_started: in a batch", "assign_result: not done")
	assert.Equal(t, migration.MoveFailed, s.m.State)
	assert.Contains(t, s.m.Problem.Title, "CONFLICT")
}

// Five wipes within one plan are enough.
func TestADeviceIsNotWipedForEver(t *testing.T) {
	s := newMove(t, migration.Wipe, route)
	for n := range 5 {
		s.do(toProfiled...).do("turn_called: first wave", "device_confirmed: all is well")
		s.step(migration.WipeReleased{Approval: string(rune('a' + n)), SendBy: s.now.Add(migration.SendWithin)})
		s.do("wipe_sent: queued", "wipe_answered: acknowledged", "enrolled: at the old MDM")
		if n < 4 {
			s.do("retry: as before")
		}
	}
	assert.Len(t, s.m.Spent, 4)
	_, err := s.m.Step(policy, s.now, migration.RetryRequested{By: tess})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "5 times")
	s.do("retry: without an erase")
}

// A wipe that may have left by its first release may have been obeyed before its second: what happened since the first counts.
func TestWhatHappenedSinceTheFirstReleaseCounts(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toWiping...).do("wipe_sent: no answer")
	between := s.now.Add(minute)
	s.now = s.now.Add(hour)
	s.do("turn_called: next wave", "device_confirmed: all is well", "wipe_released: by its approval")
	s.step(migration.Observed{DeviceEvent: enrollment.DeviceEvent{
		Kind: enrollment.DeviceAuthenticated, Tenant: "acme", Serial: ourSerial, MDM: "mdm_new", At: between,
	}})
	assert.Equal(t, migration.MoveReturning, s.m.State)
	assert.Equal(t, migration.FateVoid, s.m.Wipe.Fate)

	// One that certainly did not leave begins to count with its second.
	s = newMove(t, migration.Wipe, route).do(toWiping...).do("wipe_sent: not sent")
	between = s.now.Add(minute)
	s.now = s.now.Add(hour)
	s.do("turn_called: next wave", "device_confirmed: all is well", "wipe_released: by its approval")
	tr, err := s.m.Step(policy, s.now, migration.Observed{DeviceEvent: enrollment.DeviceEvent{
		Kind: enrollment.DeviceEnrolled, Tenant: "acme", Serial: ourSerial, MDM: "mdm_old", At: between,
	}})
	require.NoError(t, err)
	assert.False(t, tr.Moved)
}

// Whether a device is locked may not be known: clearing a lock that is not there does no harm, waiting in front of one does.
func TestALockIsClearedUnlessThereIsNone(t *testing.T) {
	for locked, want := range map[enrollment.Known]migration.MoveState{
		enrollment.No: migration.MoveReturning, enrollment.Yes: migration.MoveUnlocking, enrollment.NotKnown: migration.MoveUnlocking,
	} {
		s := newMove(t, migration.Wipe, route).do(toReady[:6]...)
		ev := confirmedNow(s.m, s.now)
		ev.Lock.Locked = locked
		s.step(ev)
		s.do("wipe_released: by its approval", "wipe_sent: queued", "wipe_answered: acknowledged")
		assert.Equal(t, want, s.m.State, "locked: %q", locked)
	}
}

// What might be a Shared iPad is held, too, by whatever is known of its family; unless a person accepted that.
func TestWhatMightBeASharedIPadIsHeldRightBeforeItsWipe(t *testing.T) {
	for _, accepted := range []bool{false, true} {
		s := newMove(t, migration.Wipe, route, func(q *migration.MoveRequest) {
			q.Device.Family, q.Device.Product = "", ""
			q.Decision.SharedAccepted = accepted
		}).do(toReady[:6]...)
		ev := confirmedNow(s.m, s.now)
		ev.Facts.SharedIPad = enrollment.NotKnown
		s.step(ev)
		assert.Equal(t, accepted, s.m.Ready(policy, s.now))
		if !accepted {
			assert.Contains(t, s.m.Problem.Title, "might be a Shared iPad")
		}
	}
	s := newMove(t, migration.Wipe, route, phone).do(toReady[:6]...)
	ev := confirmedNow(s.m, s.now)
	ev.Facts.Family, ev.Facts.SharedIPad = "", enrollment.NotKnown
	s.step(ev)
	assert.True(t, s.m.Ready(policy, s.now), "Apple and the plan call it an iPhone")
}

// A device that was erased while its profile is gone would come back without management: that is said until it has one again.
func TestAnErasedDeviceWhoseProfileIsGoneIsToldOf(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toErased...).do("read_back: profile removed")
	assert.Equal(t, migration.MoveReturning, s.m.State)
	assert.Equal(t, enrollment.CodeProfileUnseen, s.m.Problem.Code)
	assert.Nil(t, s.do("read_back: with the profile").m.Problem)
}

// A recall that cannot be told from the outside any more ends by itself, and is never the recall of another wipe.
func TestARecallEnds(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toAbleSent...).do("enrolled: at the new MDM")
	require.True(t, s.m.Live())
	for n := 0; s.m.Live(); n++ {
		require.Less(t, n, 40)
		s.now = s.m.Wake()
		s.do("wipe_recalled: no answer")
	}
	assert.Equal(t, enrollment.CodeWipeMayStrike, s.m.Warnings[0].Code)
	assert.Less(t, s.now.Sub(noon), 3*day)
}
