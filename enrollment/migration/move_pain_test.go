package migration_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// step lets one event happen to a move, and demands that it is taken.
func (s *moveStory) step(ev migration.MoveEvent) migration.MoveTransition {
	s.t.Helper()
	s.now = s.now.Add(1e9)
	tr, err := s.m.Step(policy, s.now, ev)
	require.NoError(s.t, err)
	require.True(s.t, tr.Moved, "%s is ignored in %s", ev.Name(), s.m.State)
	s.m = tr.Move
	return tr
}

// wipesOf are the rows in which a wipe may still reach the device.
func wipesOf(t *testing.T) []moveRow {
	t.Helper()
	rows := slices.DeleteFunc(moveShapes(t), func(r moveRow) bool { return !r.S.Wipe.MayStrike() })
	require.Greater(t, len(rows), 12)
	return rows
}

// A queued wipe must not run after the device has enrolled again: from then on it is void, and withdrawn where that can be.
func TestPain12_AWipeIsVoidOnceTheDeviceEnrolls(t *testing.T) {
	for _, row := range wipesOf(t) {
		for _, name := range []string{"authenticated: at the old MDM", "authenticated: at the new MDM", "profile_fetched: of the new service"} {
			s := &moveStory{t: t, m: row.S, now: row.At}
			s.do(name)
			assert.Equal(t, migration.FateVoid, s.m.Wipe.Fate, "%s, %s", row.Name, name)
			assert.Equal(t, migration.MoveReturning, s.m.State, "%s, %s", row.Name, name)
			_, recalled := s.m.Pending.Of(enrollment.RecallWipe)
			assert.Equal(t, s.m.Wipe.Can.Recall, recalled, "%s, %s: it is withdrawn", row.Name, name)
			assert.Equal(t, !recalled, slices.ContainsFunc(s.m.Warnings, func(w enrollment.Problem) bool { return w.Code == enrollment.CodeWipeMayStrike }),
				"%s, %s: or a person reads that it cannot be", row.Name, name)
			tr, err := s.m.Step(policy, s.now, migration.WipeReleased{Approval: "apr_9", SendBy: s.now.Add(migration.SendWithin)})
			require.NoError(t, err)
			assert.False(t, tr.Moved, "%s, %s: it is not wiped again", row.Name, name)
		}
	}
}

// An answer Error of a Mac that was to obliterate nothing is definite; of any other device it is not.
func TestPain28_AnErrorIsNoProofOfFailureWhereADeviceMayObliterate(t *testing.T) {
	mac := newMove(t, migration.Wipe, route).do(toSent...).do("wipe_answered: error")
	assert.Equal(t, migration.MoveHands, mac.m.State)
	assert.Equal(t, enrollment.CodeWipeRefused, mac.m.Problem.Code)
	assert.Contains(t, mac.m.Problem.Title, "no bootstrap token")

	iphone := newMove(t, migration.Wipe, route, phone).do(toSent...).do("wipe_answered: error")
	assert.Equal(t, migration.MoveReturning, iphone.m.State, "it may come back")
	assert.Equal(t, enrollment.CodeWipeDoubtful, iphone.m.Warnings[0].Code)
	assert.Equal(t, migration.MoveEnrolled, iphone.do("enrolled: at the new MDM").m.State)
}

// A Mac that does not heed what it is told of obliteration is no exception.
func TestPain28_AnErrorOfAnOldMacIsNoProofEither(t *testing.T) {
	old := func(q *migration.MoveRequest) { q.Device.OS = "11.7" }
	s := newMove(t, migration.Wipe, route, old).do(toSent...).do("wipe_answered: error")
	assert.Equal(t, migration.MoveReturning, s.m.State)
	s = newMove(t, migration.Wipe, route).do(toReady[:6]...).do("device_confirmed: needs a PIN", "pin_made: done", "wipe_released: by its approval")
	s.do("wipe_sent: queued", "wipe_answered: error")
	assert.Equal(t, migration.FatePerhaps, s.m.Wipe.Fate)
	s.do("tick: due")
	assert.Equal(t, migration.MoveHands, s.m.State)
	assert.Equal(t, enrollment.CodeEraseByHand, s.m.Problem.Code)
	assert.Contains(t, s.m.Problem.Title, "with an error")
}

// "Wiped" is no state in which a device stays: it ends with its enrollment, at whichever MDM.
func TestPain29_TheStateEndsWithTheNextEnrollment(t *testing.T) {
	for end, want := range map[string]migration.MoveState{
		"enrolled: at the new MDM": migration.MoveEnrolled, "enrolled: at the old MDM": migration.MoveReturned,
	} {
		s := newMove(t, migration.Wipe, route).do(toErased...).do(end)
		assert.Equal(t, want, s.m.State)
		assert.False(t, s.m.Live())
	}
}

// Everything that is known of a wipe stands with the move; no record of the device at an MDM is needed for it.
func TestPain30_AnOutstandingWipeStandsWithTheMove(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toSent...).do("tick: due")
	stored, err := json.Marshal(s.m)
	require.NoError(t, err)
	var again migration.Move
	require.NoError(t, json.Unmarshal(stored, &again))
	assert.Equal(t, migration.MoveOutstanding, again.State)
	assert.Equal(t, ourMac(), again.Device)
	assert.NotEmpty(t, again.Wipe.Command)
	assert.Equal(t, enrollment.CodeWipeOutstanding, again.Problem.Code)
	s.m = again
	assert.Equal(t, migration.MoveReturning, s.do("wipe_answered: acknowledged").m.State)
}

// Whoever looks sees when the wipe was acknowledged: it changes the state, and the history says so.
func TestPain31_AnAcknowledgedWipeShows(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toErased...)
	assert.Equal(t, s.now, s.m.Wipe.AnsweredAt)
	assert.Contains(t, s.m.History, migration.MoveMoment{At: s.now, Event: "wipe_answered", State: migration.MoveReturning})
}

// However often its turn is called and its release tried while a wipe is under way: there is one wipe, with one command.
func TestPain33_OneWipeAtATime(t *testing.T) {
	for _, row := range wipesOf(t) {
		s := &moveStory{t: t, m: row.S, now: row.At}
		for range 20 {
			for _, ev := range []migration.MoveEvent{
				migration.TurnCalled{Wave: 7}, confirmedNow(s.m, s.now),
				migration.WipeReleased{Approval: "apr_1", SendBy: s.now.Add(migration.SendWithin)},
			} {
				tr, err := s.m.Step(policy, s.now, ev)
				require.NoError(t, err)
				s.m = tr.Move
			}
		}
		assert.Equal(t, row.S.Wipe.Command, s.m.Wipe.Command, row.Name)
		assert.Equal(t, row.S.Wipes, s.m.Wipes, row.Name)
	}
}

// A device that is offline, or answers NotNow, does not hold its plan up for ever.
func TestPain34_AWipeWaitsForItsDeviceButNotForEver(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toSent...)
	tr, err := s.m.Step(policy, s.now, moveEventOf(t, "wipe_answered: not now").Of(s.m, s.now))
	require.NoError(t, err)
	assert.False(t, tr.Moved, "it will be asked again")
	assert.LessOrEqual(t, s.m.Wake().Sub(s.now), policy.WipeAnswerWithin+migration.SendWithin)
	assert.Equal(t, migration.MoveOutstanding, s.do("tick: due").m.State)
}

// Assigning a device again to the service that has it takes its profile away.
func TestPain35_ADeviceThatIsThereIsNotAssignedAgain(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do("read_back: with the profile")
	assert.Equal(t, migration.MoveTurn, s.m.State)
	tr, err := s.m.Step(policy, s.now, moveEventOf(t, "assign_started: in a batch").Of(s.m, s.now))
	require.NoError(t, err)
	assert.False(t, tr.Moved, "no batch takes it along any more")
	assert.Equal(t, migration.MoveProfiling, newMove(t, migration.Wipe, route).do("read_back: profile removed").m.State, "its profile is assigned again")
}

// Nothing is wiped before the new service itself shows the profile; and not any more once it does not.
func TestPain36_NoWipeBeforeTheProfileIsReadBack(t *testing.T) {
	for _, name := range []string{"read_back: without a profile", "read_back: with another profile", "read_back: profile removed"} {
		s := newMove(t, migration.Wipe, route).do(toSeeking...).do(name)
		assert.Equal(t, migration.MoveProfiling, s.m.State, name)
		s.do("profile_result: ok")
		tr, err := s.m.Step(policy, s.now, migration.TurnCalled{Wave: 1})
		require.NoError(t, err)
		assert.False(t, tr.Moved, "%s: Apple's success is no profile yet", name)
		assert.Equal(t, migration.MoveProfiling, newMove(t, migration.Wipe, route).do(toReady...).do(name).m.State, "%s, just before the wipe", name)
	}
	s := newMove(t, migration.Wipe, route).do(toReady[:6]...).do("device_confirmed: profile gone")
	assert.Equal(t, migration.MoveProfiling, s.m.State)
}

// An activity that Apple completed is believed only once the new service shows the device.
func TestPain39_CompletedIsBelievedOnlyOnceReadBack(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toSeeking...)
	assert.Equal(t, migration.MoveSeeking, s.m.State)
	for _, name := range []string{"read_back: not there", "read_back: not there yet", "read_back: nothing said", "read_back: of another device", "read_back: not there, long ago"} {
		tr, err := s.m.Step(policy, s.now, moveEventOf(t, name).Of(s.m, s.now))
		require.NoError(t, err)
		assert.False(t, tr.Moved, name)
	}
	s.do("tick: due")
	assert.Equal(t, migration.MoveFailed, s.m.State)
	assert.Equal(t, enrollment.CodeAssignmentUnseen, s.m.Problem.Code)
}
