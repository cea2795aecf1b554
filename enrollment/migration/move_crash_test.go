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

// A host may crash before and after every write and every effect of a move, and whoever told it something tells it again:
// nothing is lost, and nothing is done twice. Of the sending of a wipe itself [TestThreat15_NoWipeIsDoubledByACrash] tells.
func TestCrashesOfAMove(t *testing.T) {
	confirmed := []string{"assign_started: in a batch", "assign_result: ok", "read_back: without a profile", "profile_result: ok", "read_back: with the profile", "turn_called: first wave"}
	sent := append(confirmed[:6:6], "wipe_released: by its approval", "wipe_sent: queued")
	for name, story := range map[string]struct {
		strategy migration.Strategy
		route    migration.Route
		acts     []string
		apart    time.Duration
		locked   enrollment.Known
		ends     migration.MoveState
	}{
		"the usual way":     {migration.Wipe, route, append(sent[:8:8], "wipe_answered: acknowledged", "authenticated: at the new MDM", "enrolled: at the new MDM"), minute, enrollment.No, migration.MoveEnrolled},
		"locked":            {migration.Wipe, route, append(sent[:8:8], "wipe_answered: acknowledged", "enrolled: at the new MDM"), 10 * minute, enrollment.Yes, migration.MoveEnrolled},
		"one MDM":           {migration.Wipe, within(), append(sent[:8:8], "wipe_answered: acknowledged", "profile_fetched: of the new service", "enrolled: at the new MDM"), minute, enrollment.No, migration.MoveEnrolled},
		"withdrawn":         {migration.Wipe, route, append(sent[:8:8], "gate_closed", "tick: at once"), 10 * minute, enrollment.No, migration.MoveHands},
		"cancelled":         {migration.Wipe, route, append(sent[:8:8], "cancel", "tick: at once"), 10 * minute, enrollment.No, migration.MoveCancelled},
		"came back by hand": {migration.Wipe, route, append(sent[:8:8], "enrolled: at the new MDM", "tick: at once"), 10 * minute, enrollment.No, migration.MoveEnrolled},
		"given up on":       {migration.Wipe, route, append(sent[:8:8], "tick: at once"), 10 * minute, enrollment.No, migration.MoveHands},
		"migrated":          {migration.Migrate, route, append(confirmed[:5:5], "enrolled: at the new MDM"), day, enrollment.No, migration.MoveEnrolled},
		"reassigned":        {migration.Reassign, within(), append(confirmed[:5:5], "tick: at once"), day, enrollment.No, migration.MoveReassigned},
	} {
		t.Run(name, func(t *testing.T) {
			var acts []machinetest.Act[migration.Move, migration.MoveEvent]
			for _, act := range story.acts {
				acts = append(acts, machinetest.Act[migration.Move, migration.MoveEvent]{Wait: story.apart, Event: moveEventOf(t, act)})
			}
			acts = append(acts, machinetest.Act[migration.Move, migration.MoveEvent]{Wait: 100 * day, Event: moveEventOf(t, "tick: at once")})
			var end migration.Move
			points, err := moves().CrashEverywhere(machinetest.Story[migration.Move, migration.MoveEvent]{
				Start: newMove(t, story.strategy, story.route).m, At: noon, Acts: acts, Tick: migration.MoveTicked{},
				Do: func(m migration.Move, x enrollment.Effect, now time.Time) migration.MoveEvent {
					a := says{outcome: enrollment.OK, wipe: enrollment.WipeQueued, can: everyAbility}
					if x.Attempt == 1 && x.Kind != enrollment.AskWipe {
						a.outcome = enrollment.Unknown
					}
					ev := a.to(m, x, now)
					if c, is := ev.(migration.DeviceConfirmed); is {
						c.Lock.Locked = story.locked
						ev = c
					}
					return ev
				},
				Bare: func(m migration.Move) migration.Move {
					end = m
					m.Revision = 0 // what is told again counts
					return m
				},
			})
			require.NoError(t, err)
			assert.Equal(t, story.ends, end.State)
			assert.LessOrEqual(t, end.Wipes, 1)
			assert.Greater(t, points, 8)
			t.Logf("%d points", points)
		})
	}
}
