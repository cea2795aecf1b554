package runner_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// Workers that have a shard of the tenants each do everything together, and nothing twice.
func TestRunDueTakesAShardOfTheTenants(t *testing.T) {
	h := newHost(t)
	for i := range 12 {
		token := fmt.Sprintf(`{"consumer_key":"CK_%d","consumer_secret":"CS","access_token":"AT","access_secret":"AS","access_token_expiry":"2027-11-01T00:00:00Z"}`, i)
		h.adopt(runner.Adoption{Tenant: enrollment.TenantID(fmt.Sprint("t", i)), Reference: "1", Name: "MDM", Token: abmtoken.NewSecret(token)})
	}
	h.clock.Pass(25 * time.Hour)
	v := &questions{}
	h.config.Verifier = v
	h.restartWith(h.config)
	most := 0
	for i := range 2 {
		ran, err := h.RunDue(ctx(t), runner.Due{Limit: 100, Kinds: []string{runner.KindServer}, Shard: storage.Shard{Index: i, Of: 2}})
		require.NoError(t, err)
		require.Zero(t, ran.Failed, "%s", h.log)
		most = max(most, ran.Claimed)
	}
	assert.Len(t, v.tokens, 12, "everybody's token was asked about")
	assert.Less(t, most, 12, "by more than one shard")

	_, err := h.RunDue(ctx(t), runner.Due{Shard: storage.Shard{Index: 2, Of: 2}})
	require.ErrorContains(t, err, "shard")
}
