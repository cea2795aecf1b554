package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// adopt takes servers whose tokens are in use, each of a tenant of its own.
func (s *stage) adopt(n int) {
	s.t.Helper()
	rows := func(yield func(runner.Adoption, error) bool) {
		for i := range n {
			token := fmt.Sprintf(`{"consumer_key":"CK_%d","consumer_secret":"CS_canary","access_token":"AT_canary","access_secret":"AS_canary","access_token_expiry":"2027-11-01T00:00:00Z"}`, i)
			if !yield(runner.Adoption{
				Tenant: enrollment.TenantID(fmt.Sprint("adopted", i)), Reference: "1", Name: "MDM", Token: abmtoken.NewSecret(token),
			}, nil) {
				return
			}
		}
	}
	_, err := s.host.runner.Adopt(s.t.Context(), tess, rows, func(r runner.RowResult) { assert.Nil(s.t, r.Problem) })
	require.NoError(s.t, err)
}

// due counts the records of a kind that are due now.
func (s *stage) due(kind string) (n int) {
	s.t.Helper()
	err := s.pool.QueryRow(s.t.Context(), `SELECT count(*) FROM `+s.schema+`.records WHERE kind = $1 AND wake <= $2`, kind, s.clock.Now()).Scan(&n)
	require.NoError(s.t, err)
	return n
}

// A worker that is told to stop while Apple answers nothing ends in time, and what it had claimed is due at once for others,
// not after the lease.
func TestAStoppedWorkerGivesItsLeasesBack(t *testing.T) {
	t.Parallel()
	s := shared(t)
	const servers = 24
	s.adopt(servers)
	s.clock.Pass(30 * time.Hour)
	require.Equal(t, servers, s.due(runner.KindServer))
	s.apple.Fail(appletest.Fault{Kind: appletest.Latency, Delay: 8 * time.Second})
	w := s.start("--parallel", "2", "--shards", "1", "--grace", "1s", "--lease", "10m")
	s.eventually("all are claimed", func() bool { return s.due(runner.KindServer) == 0 })
	began := time.Now()
	assert.Zero(t, w.end(), "%s", w.log)
	assert.Less(t, time.Since(began), 15*time.Second)
	assert.Equal(t, servers, s.due(runner.KindServer), "%s", w.log)
}

// A worker that has nothing in hand stops at once.
func TestAnIdleWorkerStopsAtOnce(t *testing.T) {
	t.Parallel()
	s := shared(t)
	w := s.start("--grace", "1m")
	began := time.Now()
	assert.Zero(t, w.end(), "%s", w.log)
	assert.Less(t, time.Since(began), 10*time.Second)
	assert.Contains(t, w.log.String(), "stopping")
}
