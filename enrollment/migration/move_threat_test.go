package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// A device is wiped only if, just before, its new service and the MDM that manages it both named the very device that was
// approved. Whatever differs, or is not said, or is not fresh, holds it.
func TestThreat11_NoOtherDeviceThanTheApprovedOneIsWiped(t *testing.T) {
	for name, want := range map[string]migration.MoveState{
		"another enrollment ID": migration.MoveHands, "another product": migration.MoveHands, "another MDM": migration.MoveHands,
		"another family at Apple": migration.MoveHands, "not there": migration.MoveHands, "released": migration.MoveHands,
		"not managed": migration.MoveHands, "a Shared iPad": migration.MoveHands, "unknown to the MDM": migration.MoveHands,
		"needs a PIN that cannot be sent": migration.MoveHands,
		"no device named":                 migration.MoveTurn, "service says nothing": migration.MoveTurn, "not there yet": migration.MoveTurn, "no word of profiles": migration.MoveTurn, "perhaps managed": migration.MoveTurn,
		"answers of yesterday": migration.MoveTurn, "answers of no time": migration.MoveTurn, "no answer": migration.MoveTurn,
		"profile gone": migration.MoveProfiling,
	} {
		s := newMove(t, migration.Wipe, route).do(toReady[:6]...).do("device_confirmed: " + name)
		assert.Equal(t, want, s.m.State, name)
		assert.False(t, s.m.Ready(policy, s.now), name)
		tr, err := s.m.Step(policy, s.now, migration.WipeReleased{Approval: "apr_1", SendBy: s.now.Add(migration.SendWithin)})
		require.NoError(t, err)
		assert.Nil(t, tr.Send, name)
	}
	// A serial number that moves to another device is another device.
	s := newMove(t, migration.Wipe, route).do(toReady[:6]...)
	ev := confirmedNow(s.m, s.now)
	ev.Facts.Serial = "C02XL0GSJGH6"
	s.step(ev)
	assert.Equal(t, enrollment.CodeDeviceMismatch, s.m.Problem.Code)
	_, err := s.m.Step(policy, s.now, migration.RetryRequested{By: tess})
	require.Error(t, err, "a new plan approves it for itself")
	// An event that names another device, or another tenant's, is not this one's.
	for _, name := range []string{"enrolled: of another device", "enrolled: of another tenant"} {
		s := newMove(t, migration.Wipe, route).do(toErased...)
		tr, err := s.m.Step(policy, s.now, moveEventOf(t, name).Of(s.m, s.now))
		require.NoError(t, err)
		assert.False(t, tr.Moved, name)
	}
}

// Confirmed is confirmed for minutes, whichever way the clock goes.
func TestThreat11_AConfirmationGrowsOld(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toReady...)
	for d, want := range map[time.Duration]bool{
		0: true, policy.WipeFreshFor: true, policy.WipeFreshFor + minute: false, -policy.WipeFreshFor - minute: false,
	} {
		now := s.m.Confirmed.At.Add(d)
		assert.Equal(t, want, s.m.Ready(policy, now), "%v later", d)
		tr, err := s.m.Step(policy, now, migration.WipeReleased{Approval: "apr_1", SendBy: now.Add(migration.SendWithin)})
		require.NoError(t, err)
		assert.Equal(t, want, tr.Send != nil, "%v later", d)
	}
}

// After the gate was closed no wipe leaves, and what may have left is withdrawn, wherever the move stands.
func TestThreat14_NothingLeavesOnceTheGateIsClosed(t *testing.T) {
	for _, row := range moveShapes(t) {
		tr, err := row.S.Step(policy, row.At, migration.GateClosed{})
		require.NoError(t, err, "a fact is never refused")
		m := tr.Move
		assert.False(t, m.Ready(policy, row.At), row.Name)
		_, sending := m.Pending.Of(enrollment.SendWipe)
		assert.False(t, sending, "%s: nothing is to be sent any more", row.Name)
		again, err := m.Step(policy, row.At, migration.WipeReleased{Approval: "apr_1", SendBy: row.At.Add(migration.SendWithin)})
		require.NoError(t, err)
		assert.Nil(t, again.Send, row.Name)
		if m.Wipe.MayStrike() && m.Wipe.Can.Recall && m.State != migration.MoveOutstanding {
			_, recalling := m.Pending.Of(enrollment.RecallWipe)
			assert.True(t, recalling, "%s: it is withdrawn", row.Name)
		}
	}
}

// mdm is an MDM that may refuse the second command with one UUID.
type mdm struct {
	refuses bool
	got     []string
	strikes map[string]int
}

func (d *mdm) send(w *enrollment.Wipe) {
	d.got = append(d.got, w.Command)
	if d.strikes[w.Command] == 0 || !d.refuses {
		d.strikes[w.Command]++
	}
}

// The host dies at every point of the way of a wipe: before the release is stored, before it is sent, before and after its
// result is stored. Whoever goes on from the store never erases the device twice, and never sends blindly to an MDM that
// would.
func TestThreat15_NoWipeIsDoubledByACrash(t *testing.T) {
	for _, can := range []enrollment.WipeAbilities{onlyRefuses, {}, {Status: true}, everyAbility} {
		for crash := range 5 {
			d := &mdm{refuses: can.RefusesRepeats, strikes: map[string]int{}}
			s := newMove(t, migration.Wipe, route).do(toReady[:6]...)
			for turn, at := 0, 0; turn < 40 && s.m.State != migration.MoveAnswer || turn < 2; turn++ {
				dies := func() bool { at++; return at-1 == crash } // once
				s.turn(can)
				tr, err := s.m.Step(policy, s.now, migration.WipeReleased{Approval: "apr_1", SendBy: s.now.Add(migration.SendWithin)})
				require.NoError(t, err)
				if tr.Send == nil || dies() {
					s.later(d)
					continue
				}
				s.m = tr.Move // stored
				if dies() {
					s.later(d)
					continue
				}
				d.send(tr.Send.Wipe)
				if dies() {
					s.later(d)
					continue
				}
				s.step(migration.WipeSent{Result: enrollment.Result{Effect: tr.Send.ID, Outcome: enrollment.OK}})
			}
			assert.LessOrEqual(t, len(d.strikes), 1, "crash %d: one command", crash)
			for command, n := range d.strikes {
				assert.Equal(t, 1, n, "crash %d, %+v: %s reached the device twice", crash, can, command)
			}
			if !can.RefusesRepeats {
				assert.LessOrEqual(t, len(d.got), 1, "crash %d, %+v: it was sent blindly", crash, can)
			}
			if can.RefusesRepeats || can.Status {
				assert.Len(t, d.strikes, 1, "crash %d, %+v: it was lost", crash, can)
			}
		}
	}
}

// turn calls the device's turn and confirms it.
func (s *moveStory) turn(can enrollment.WipeAbilities) {
	if s.m.State != migration.MoveTurn {
		return
	}
	for _, ev := range []migration.MoveEvent{migration.TurnCalled{Wave: 1}, confirmedNow(s.m, s.now)} {
		if c, is := ev.(migration.DeviceConfirmed); is {
			c.Effect, c.Can = pendingIn(s.m, enrollment.ConfirmDevice), can
			ev = c
		}
		tr, err := s.m.Step(policy, s.now, ev)
		require.NoError(s.t, err)
		s.m = tr.Move
	}
}

// later is another machine that goes on from the store when the move wakes, and asks the MDM where it says to.
func (s *moveStory) later(d *mdm) {
	if wake := s.m.Wake(); s.m.State == migration.MoveWiping || s.m.State == migration.MoveAnswer {
		s.now = wake
	}
	tr, err := s.m.Step(policy, s.now, migration.MoveTicked{})
	require.NoError(s.t, err)
	s.m = tr.Move
	for _, x := range s.m.Due(s.m.Wake()) {
		if x.Kind != enrollment.AskWipe {
			continue
		}
		s.now = s.m.Wake()
		state := enrollment.WipeUnheard
		if d.strikes[x.Wipe.Command] > 0 {
			state = enrollment.WipeQueued
		}
		s.step(migration.WipeAsked{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}, Status: enrollment.WipeStatus{State: state}})
	}
}

// An MDM that refused repeats when a wipe may have left, and does not any more, does not get it again.
func TestThreat15_ARepeatIsSentOnlyWhereItIsStillRefused(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toWiping...).do("wipe_sent: no answer", "turn_called: next wave")
	s.do("device_confirmed: through an MDM that can nothing")
	assert.False(t, s.m.Ready(policy, s.now))
	tr, err := s.m.Step(policy, s.now, migration.WipeReleased{Approval: "apr_1", SendBy: s.now.Add(migration.SendWithin)})
	require.NoError(t, err)
	assert.Nil(t, tr.Send)
}

// A host dies between the sending of a wipe and the word of it. That the next attempt came too late, however often, says nothing
// of the first one: the wipe is never taken for one that did not leave, and what the device does afterwards counts.
func TestThreat15_TooLateSaysNothingOfAnEarlierAttempt(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toWiping...)
	command := s.m.Wipe.Command
	s.later(&mdm{}) // nobody comes to say what became of it
	for range 30 {
		if s.m.State != migration.MoveTurn {
			break
		}
		require.Equal(t, migration.FateDoubt, s.m.Wipe.Fate)
		s.turn(onlyRefuses)
		tr, err := s.m.Step(policy, s.now, migration.WipeReleased{Approval: "apr_1", SendBy: s.now.Add(migration.SendWithin)})
		require.NoError(t, err)
		require.NotNil(t, tr.Send)
		s.m = tr.Move
		outcome, _ := enrollment.Sent(enrollment.ErrTooLate)
		s.step(migration.WipeSent{Result: enrollment.Result{Effect: tr.Send.ID, Outcome: outcome}})
	}
	assert.Equal(t, migration.MoveAnswer, s.m.State, "it waits for a fact")
	assert.True(t, s.m.Wipe.MayStrike())
	assert.Equal(t, command, s.m.Wipe.Command)
	assert.Equal(t, 1, s.m.Wipes)
	s.do("wipe_answered: acknowledged", "enrolled: at the new MDM")
	assert.Equal(t, migration.MoveEnrolled, s.m.State)
}
