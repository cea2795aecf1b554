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

// stubbornOutcomes is what a stubborn world says to everything.
var stubbornOutcomes = []enrollment.Result{
	{Outcome: enrollment.OK}, {Outcome: enrollment.Retry}, {Outcome: enrollment.Retry, RetryAfter: 200 * year}, {Outcome: enrollment.Fatal},
	{Outcome: enrollment.Unknown}, {Outcome: "maybe"},
}

// Whatever the world answers, and however often it says the same, every plan ends.
func TestEveryPlanEnds(t *testing.T) {
	longest := 0
	tallies := map[string]func(migration.Plan) migration.Tally{
		"nothing": func(migration.Plan) migration.Tally { return migration.Tally{} },
	}
	for _, state := range []migration.MoveState{migration.MoveQueued, migration.MoveTurn, migration.MoveReturning, migration.MoveEnrolled, migration.MoveFailed} {
		tallies[string(state)] = func(p migration.Plan) migration.Tally {
			return tally(map[migration.MoveState]int{state: p.Listing.Devices})
		}
	}
	for i, row := range planShapes(t) {
		if testing.Short() && i%4 > 0 {
			continue
		}
		row.S.Listing.Devices *= 300_000 // counted seldom, and begun long ago: fewer steps, the same way
		if !row.S.StartedAt.IsZero() || row.S.State == migration.PlanCooling && row.Name == "cooling: stopped" {
			row.S.StartedAt = row.At.Add(-395 * day)
		}
		if row.S.State == migration.PlanRunning {
			row.S.LapseAt = row.At.Add(5 * day)
		}
		for _, r := range stubbornOutcomes {
			for name, of := range tallies {
				if (r.Outcome != enrollment.OK || !row.S.State.Live()) && name != "nothing" {
					continue
				}
				ended, err := plans().Run(row.S, row.At, machinetest.World[migration.Plan, migration.PlanEvent]{
					Answer: func(p migration.Plan, x enrollment.Effect, _ time.Time) migration.PlanEvent {
						return answerPlan(p, x, r, of(p))
					},
					Tick: migration.PlanTicked{}, Steps: 400_000, For: 3 * year,
				})
				require.NoError(t, err, "%s, %s, %s", row.Name, r.Outcome, name)
				require.True(t, ended.Rests, "%s, %s, %s: it is still %s", row.Name, r.Outcome, name, ended.S.State)
				assert.Less(t, ended.At.Sub(row.At), 2*year, "%s, %s, %s", row.Name, r.Outcome, name)
				longest = max(longest, ended.Steps)
			}
		}
	}
	t.Logf("the longest took %d steps", longest)
}

func answerPlan(_ migration.Plan, x enrollment.Effect, r enrollment.Result, tally migration.Tally) migration.PlanEvent {
	r.Effect = x.ID
	switch x.Kind {
	case enrollment.CountMoves:
		return migration.Counted{Result: r, Tally: tally}
	case enrollment.MakeBatches:
		return migration.BatchesMade{Result: r}
	case enrollment.TellMoves:
		return migration.MovesTold{Result: r}
	case enrollment.LookUp:
		return migration.Looking{Result: r, Away: tally.Away, Next: "always the same"}
	}
	return migration.PlanNotified{Result: r}
}

// Whatever its devices do, every wave ends within its time.
func TestEveryWaveEnds(t *testing.T) {
	longest, hasty := 0, wiping
	hasty.WipeAnswerWithin, hasty.EnrollWithin, hasty.AssignWithin, hasty.MigrationGrace = hour, hour, hour, hour
	for _, row := range waveShapes(t) {
		for _, r := range stubbornOutcomes {
			for _, state := range []migration.MoveState{migration.MoveTurn, migration.MoveAnswer, migration.MoveEnrolled, migration.MoveFailed, migration.MoveSkipped} {
				for _, left := range []int{0, 3} {
					for _, inWave := range []bool{true, false} {
						if r.Outcome != enrollment.OK && (state != migration.MoveTurn || left > 0 || !inWave) {
							continue
						}
						say := func(w migration.Wave, x enrollment.Effect, _ time.Time) migration.WaveEvent {
							r := r
							r.Effect = x.ID
							switch x.Kind {
							case enrollment.CallTurns:
								return migration.TurnsCalled{Result: r, Called: called(left), Left: left}
							case enrollment.ReleaseWipes:
								return migration.WipesTried{Result: r}
							}
							moves := standing(w, state)
							for i := range moves {
								if !inWave {
									moves[i].Wave = 0
								}
							}
							return migration.WaveCounted{Result: r, Moves: moves}
						}
						row := row
						row.S.BegunAt = row.S.BegunAt.Add(-198 * day) // near its longest: fewer steps, the same way
						row.S.DueAt = earlier(row.S.DueAt, row.At.Add(day))
						ended, err := wavesUnder(hasty).Run(row.S, row.At, machinetest.World[migration.Wave, migration.WaveEvent]{
							Answer: say, Tick: migration.WaveTicked{}, Steps: 150_000, For: year,
						})
						require.NoError(t, err, "%s, %s, %s", row.Name, r.Outcome, state)
						require.True(t, ended.Rests, "%s, %s, %s: it is still %s", row.Name, r.Outcome, state, ended.S.State)
						longest = max(longest, ended.Steps)
					}
				}
			}
		}
	}
	t.Logf("the longest took %d steps", longest)
}

// Whatever Apple answers, every batch ends within its time.
func TestEveryBatchEnds(t *testing.T) {
	longest, hasty := 0, policy
	hasty.AssignWithin = 2 * day
	sights := map[string]sight{"absent": absent, "assigned": assigned, "profiled": profiled, "unprofiled": unprofiled, "half": profiled.first(2)}
	for _, row := range batchShapes(t) {
		for _, r := range stubbornOutcomes {
			for name, of := range sights {
				if r.Outcome != enrollment.OK && name != "absent" {
					continue
				}
				for _, state := range []enrollment.ActivityState{enrollment.ActivityRunning, enrollment.ActivityCompleted, enrollment.ActivityByHand} {
					row := row
					if row.S.Live() {
						row.S.LapseAt = row.At.Add(hasty.AssignWithin)
					}
					answer := func(b migration.Batch, x enrollment.Effect, now time.Time) migration.BatchEvent {
						return answerBatch(b, x, now, r, of, state)
					}
					ended, err := batchesAnswered(hasty, answer).Run(row.S, row.At, machinetest.World[migration.Batch, migration.BatchEvent]{
						Answer: answer, Tick: migration.BatchTicked{}, Steps: 20_000, For: year,
					})
					require.NoError(t, err, "%s, %s, %s, %s", row.Name, r.Outcome, name, state)
					require.True(t, ended.Rests, "%s, %s, %s: it is still %s", row.Name, r.Outcome, name, ended.S.State)
					assert.Less(t, ended.At.Sub(row.At), 60*day, "%s, %s, %s", row.Name, r.Outcome, name)
					longest = max(longest, ended.Steps)
				}
			}
		}
	}
	t.Logf("the longest took %d steps", longest)
}

func answerBatch(b migration.Batch, x enrollment.Effect, now time.Time, r enrollment.Result, of sight, state enrollment.ActivityState) migration.BatchEvent {
	r.Effect = x.ID
	switch x.Kind {
	case enrollment.LookUp:
		return migration.Looked{Result: r, Seen: seenAs(b, now, of)}
	case enrollment.SpendPost:
		return migration.PostSpent{Result: r}
	case enrollment.PostAssignment:
		return migration.Posted{Result: r, Activity: enrollment.Activity{ID: "act_1", State: state}}
	case enrollment.AskActivity:
		return migration.ActivityAsked{Result: r, Activity: enrollment.Activity{ID: "act_1", State: state}}
	case enrollment.AssignProfiles:
		ev := migration.ProfilesAssigned{Result: r}
		for _, serial := range b.Serials(x) {
			ev.Devices = append(ev.Devices, enrollment.DeviceResult{Serial: serial, Outcome: r.Outcome, RetryAfter: r.RetryAfter})
		}
		return ev
	}
	return migration.BatchNotified{Result: r}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
