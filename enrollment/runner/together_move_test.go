package runner_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/installation"
)

// listed makes a plan of n devices, with everybody outside answering at once, and says what its list asked the store for.
func (h *host) listed(n int) (enrollment.PlanID, *calls) {
	h.t.Helper()
	h.config = installation.Apple{}.Plug(h.config)
	h.config.Verifier = &questions{}
	h.restartWith(h.config)
	ids := map[string]enrollment.ServerID{}
	for _, key := range []string{"CK_old", "CK_new"} {
		token := fmt.Sprintf(`{"consumer_key":%q,"consumer_secret":"CS","access_token":"AT","access_secret":"AS","access_token_expiry":"2027-11-01T00:00:00Z"}`, key)
		ids[key] = h.adopt(runner.Adoption{Tenant: "acme", Reference: key, Name: key, ServerUUID: key, Token: abmtoken.NewSecret(token)})[0].Server
	}
	h.pass(28 * time.Hour)
	view, err := h.Tenant("acme").NewPlan(ctx(h.t), tech, runner.NewPlan{
		Route: migration.Route{From: ids["CK_old"], To: ids["CK_new"], Profile: "P", OldMDM: "mdm", NewMDM: "mdm"}, Wish: migration.Reassign,
	})
	require.NoError(h.t, err)
	c := &calls{}
	counted := h.with(func(config *runner.Config) { config.Store = c.around(h.store) })
	list, err := counted.Tenant("acme").ListDevices(ctx(h.t), tech, view.ID, func(yield func(runner.PlanRow, error) bool) {
		for i := range n {
			if !yield(runner.PlanRow{Serial: fmt.Sprintf("C%06d", i)}, nil) {
				return
			}
		}
	})
	require.NoError(h.t, err)
	require.Empty(h.t, list.Problems)
	require.Equal(h.t, n, list.Plan.Listing.Devices)
	return view.ID, c
}

// The devices of a plan are stored thousands at a time.
func TestAListOfThousandsCostsAFewCallsOfTheStore(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	_, c := h.listed(4000)
	assert.LessOrEqual(t, c.methods["Commit"], 6, "%v", c.methods)
	assert.LessOrEqual(t, c.all(), 100, "%v; one for each device would be thousands", c.methods)
}

// A thousand moves that come due in one state are claimed, stepped and written in a few calls of the store; and so is what
// thousand devices learn of their batch.
func TestAThousandMovesCostAFewCallsOfTheStore(t *testing.T) {
	t.Parallel()
	const n = 1000
	h := newHost(t)
	plan, _ := h.listed(n)
	acme := h.Tenant("acme")
	_, err := acme.SubmitPlan(ctx(t), tech, plan)
	require.NoError(t, err)

	c := &calls{}
	r := h.with(func(config *runner.Config) { config.Store = c.around(h.store) })
	for range 6 { // until the devices are in a batch, of which Apple says for ever that it is being read back
		ran, err := r.RunDue(ctx(t), runner.Due{Limit: n})
		require.NoError(t, err)
		require.Zero(t, ran.Failed, "%s", h.log)
		h.clock.Pass(time.Minute)
	}
	assert.LessOrEqual(t, c.all(), 300, "%v", c.methods)
	view, err := acme.Plan(ctx(t), tech, plan)
	require.NoError(t, err)
	require.Equal(t, n, view.Counts[migration.MoveSeeking], "%v", view.Counts)

	h.clock.Pass(365 * 24 * time.Hour) // nobody waits that long
	c.methods = nil
	ran, err := r.RunDue(ctx(t), runner.Due{Limit: n, Kinds: []string{runner.KindMove}})
	require.NoError(t, err)
	require.Equal(t, n, ran.Claimed)
	require.Zero(t, ran.Failed, "%s", h.log)
	assert.LessOrEqual(t, c.all(), 20, "%v", c.methods)
	view, err = acme.Plan(ctx(t), tech, plan)
	require.NoError(t, err)
	assert.Equal(t, n, view.Counts[migration.MoveFailed], "%v", view.Counts)
}
