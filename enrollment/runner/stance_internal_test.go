package runner

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// Whatever else a move holds, what is counted by is read as the whole move would be.
func TestAStanceIsThatOfTheMove(t *testing.T) {
	strategies := []migration.Strategy{migration.Reassign, migration.Migrate, migration.Wipe, migration.Hands, ""}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`"state":"enrolled"`, `\`, `\"`, `{"decision":{"strategy":"wipe"}}`, "}", "]"}))
		problem := enrollment.NewProblem(enrollment.CodeRefused, "state", text.Draw(t, "args"))
		m := moveRecord{Other: map[string]string{"state": text.Draw(t, "column"), text.Draw(t, "name"): "x"}}
		m.State = rapid.SampledFrom(migration.MoveStates()).Draw(t, "state")
		m.Decision.Strategy = rapid.SampledFrom(strategies).Draw(t, "strategy")
		m.Decision.Reasons = []migration.Reason{migration.Reason(text.Draw(t, "reason"))}
		m.Device.Model, m.Problem, m.Warnings = text.Draw(t, "model"), problem, []enrollment.Problem{*problem}
		m.History = []migration.MoveMoment{{State: migration.MoveFailed}, {State: migration.MoveWiping}}
		data, err := json.Marshal(m)
		require.NoError(t, err)
		var s stance
		require.NoError(t, s.read(data), "%s", data)
		assert.Equal(t, m.State, s.State, "%s", data)
		assert.Equal(t, m.Decision.Strategy, s.Decision.Strategy, "%s", data)
	})
}

// What was cut off says so, and nothing stored makes it panic.
func TestAStanceOfHalfAMoveIsAnError(t *testing.T) {
	m := moveRecord{}
	m.State, m.Decision.Strategy = migration.MoveTurn, migration.Wipe
	data, err := json.Marshal(m)
	require.NoError(t, err)
	for n := range data {
		require.Error(t, new(stance).read(data[:n]), "%s", data[:n])
	}
}
