package runner_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// The profile of a server is the one that its plans get; a target without one is refused.
func TestProfileOfMovedDevices(t *testing.T) {
	m := newMover(t)
	m.mute = true // Apple is not asked which profiles there are
	from, to := m.from.id, m.to.id
	plan := runner.NewPlan{Route: migration.Route{From: from, To: to, OldMDM: "old", NewMDM: "new"}}
	_, err := m.tenant().NewPlan(ctx(t), tech, plan)
	requireProblem(t, enrollment.CodeTargetNoProfile, err)

	profile := enrollment.ADEProfile{UUID: "9A3F", Name: "Acme", URL: "https://new.example.com/enroll"}
	view, err := m.tenant().SetProfile(ctx(t), tech, to, profile)
	require.NoError(t, err)
	assert.Equal(t, tech, view.Profile.SetBy)
	assert.Equal(t, m.clock.Now(), view.Profile.SetAt)
	made, err := m.tenant().NewPlan(ctx(t), tech, plan)
	require.NoError(t, err)
	assert.Equal(t, "9A3F", made.Route.Profile)

	_, err = m.tenant().SetProfile(ctx(t), robot, to, profile)
	require.NoError(t, err)
	profile.UUID = "77AA"
	_, err = m.tenant().SetProfile(ctx(t), tech, to, profile)
	require.NoError(t, err)
	still, err := m.tenant().Plan(ctx(t), tech, made.ID)
	require.NoError(t, err)
	assert.Equal(t, "9A3F", still.Route.Profile, "what was planned with one stays with it")

	entries, err := m.tenant().Audit(ctx(t), string(to), 0, 100)
	require.NoError(t, err)
	var set [][2]string
	for _, e := range entries {
		if e.Act == enrollment.ActProfileSet {
			set = append(set, [2]string{e.From, e.To})
			assert.Equal(t, profile.URL, e.Detail["url"])
			assert.Equal(t, tech, e.By)
		}
	}
	assert.Equal(t, [][2]string{{"", "9A3F"}, {"9A3F", "77AA"}}, set, "setting the same changes nothing")

	for field, bad := range map[string]enrollment.ADEProfile{
		"profile": {}, "name": {UUID: "1", Name: "a\nb"}, "url": {UUID: "1", URL: "https://user:secret@mdm.example.com"},
	} {
		_, err := m.tenant().SetProfile(ctx(t), tech, to, bad)
		requireProblem(t, enrollment.CodeInvalidInput, err)
		assert.Equal(t, field, enrollment.ProblemOf(err).Args["field"])
	}
	_, err = m.tenant().SetProfile(ctx(t), enrollment.Actor{}, to, profile)
	requireProblem(t, enrollment.CodeInvalidInput, err)
	_, err = m.Tenant("beta").SetProfile(ctx(t), tech, to, profile)
	requireProblem(t, enrollment.CodeNotFound, err)
	_, err = m.tenant().RetireServer(ctx(t), tech, to)
	require.NoError(t, err)
	_, err = m.tenant().SetProfile(ctx(t), tech, to, enrollment.ADEProfile{UUID: "88"})
	requireProblem(t, enrollment.CodeRetired, err)
}
