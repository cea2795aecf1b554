package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// says is what a stubborn world says to everything that a move wants done.
type says struct {
	name    string
	outcome enrollment.Outcome
	after   time.Duration
	wipe    enrollment.WipeState
	can     enrollment.WipeAbilities
}

func stubborn() []says {
	return []says{
		{"ok", enrollment.OK, 0, enrollment.WipeQueued, everyAbility},
		{"ok, never heard of", enrollment.OK, 0, enrollment.WipeUnheard, everyAbility},
		{"ok, acknowledged", enrollment.OK, 0, enrollment.WipeAcknowledged, onlyRefuses},
		{"retry", enrollment.Retry, 0, "", everyAbility},
		{"retry, much later", enrollment.Retry, 200 * year, "", everyAbility},
		{"fatal", enrollment.Fatal, 0, "", onlyRefuses},
		{"unknown", enrollment.Unknown, 0, "", onlyRefuses},
		{"unknown, and can nothing", enrollment.Unknown, 0, "", enrollment.WipeAbilities{}},
		{"nonsense", "maybe", 0, "maybe", everyAbility},
	}
}

func (a says) to(m migration.Move, x enrollment.Effect, now time.Time) migration.MoveEvent {
	result := enrollment.Result{Effect: x.ID, Outcome: a.outcome, RetryAfter: a.after}
	status := enrollment.WipeStatus{State: a.wipe, At: now}
	switch x.Kind {
	case enrollment.ConfirmDevice:
		ev := confirmedNow(m, now)
		ev.Result, ev.Can = result, a.can
		return ev
	case enrollment.MakePIN:
		return migration.PINMade{Result: result, Secret: "pin_1"}
	case enrollment.SendWipe:
		return migration.WipeSent{Result: result, Status: status}
	case enrollment.AskWipe:
		return migration.WipeAsked{Result: result, Status: status}
	case enrollment.RecallWipe:
		return migration.WipeRecalled{Result: result}
	}
	return migration.LockCleared{Result: result}
}

// Whatever the world answers, and however often it says the same, every move ends.
func TestEveryMoveEnds(t *testing.T) {
	longest := 0
	for _, row := range moveShapes(t) {
		for _, a := range stubborn() {
			ended, err := moves().Run(row.S, row.At, machinetest.World[migration.Move, migration.MoveEvent]{
				Answer: a.to, Tick: migration.MoveTicked{}, Steps: 10000, For: 2 * year,
			})
			require.NoError(t, err, "%s, %s", row.Name, a.name)
			require.True(t, ended.Rests, "%s, %s: it is still %s", row.Name, a.name, ended.S.State)
			assert.Less(t, ended.At.Sub(row.At), year, "%s, %s", row.Name, a.name)
			assert.False(t, ended.S.State.Live(), "%s, %s", row.Name, a.name)
			longest = max(longest, ended.Steps)
		}
	}
	t.Logf("the longest took %d steps", longest)
}

// A wave that calls and releases whenever it can brings every device to an end, and never sends one command a second time to
// an MDM that does not refuse repeats.
func TestEveryMoveEndsThoughItsTurnComesAgainAndAgain(t *testing.T) {
	all := 0
	for _, a := range stubborn() {
		s := newMove(t, migration.Wipe, route).do(toProfiled...)
		sent, releases := map[string]int{}, 0
		for turns := 0; s.m.Live() && turns < 20000; turns++ {
			step := func(ev migration.MoveEvent) migration.MoveTransition {
				tr, err := s.m.Step(policy, s.now, ev)
				require.NoError(t, err)
				s.m = tr.Move
				return tr
			}
			step(migration.TurnCalled{Wave: 1})
			if x := step(migration.WipeReleased{Approval: "apr_1", SendBy: s.now.Add(migration.SendWithin)}).Send; x != nil {
				releases++
				sent[x.Wipe.Command]++
				step(a.to(s.m, *x, s.now))
			}
			for _, x := range s.m.Due(s.now) {
				answer := a
				if x.Kind == enrollment.ConfirmDevice {
					answer.outcome = enrollment.OK
				}
				step(answer.to(s.m, x, s.now))
			}
			step(migration.MoveTicked{})
			s.now = s.now.Add(time.Minute)
			if wake := s.m.Wake(); len(s.m.Due(s.now)) == 0 && wake.After(s.now) && (s.m.State != migration.MoveTurn || s.m.Confirmed == nil && s.m.Wave > 0) {
				s.now = wake
			}
		}
		assert.False(t, s.m.Live(), "%s: it is still %s", a.name, s.m.State)
		assert.LessOrEqual(t, len(sent), 1, "%s: one approval, one wipe", a.name)
		for command, n := range sent {
			if !a.can.RefusesRepeats {
				assert.Equal(t, 1, n, "%s: %s was sent again", a.name, command)
			}
		}
		assert.LessOrEqual(t, releases, 12, a.name)
		all += releases
	}
	assert.Greater(t, all, 20, "too few wipes were released: does the test still look?")
}
