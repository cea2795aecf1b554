//go:build unix

package main

import (
	"regexp"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// leader returns the ID of River's leader; empty: there is none.
func (s *stage) leader() (id string) {
	s.t.Helper()
	err := s.pool.QueryRow(s.t.Context(), `SELECT coalesce(max(leader_id), '') FROM `+s.schema+`.river_leader WHERE expires_at > now()`).Scan(&id)
	require.NoError(s.t, err)
	return id
}

var clientID = regexp.MustCompile(`"client":"([^"]+)"`)

// The process that leads is killed. Once its time is over another one leads, and sweeps go on.
func TestAnotherWorkerLeadsWhenTheLeaderIsKilled(t *testing.T) {
	t.Parallel()
	s := shared(t)
	acme := s.customer("acme")
	workers := map[string]*worker{}
	for range 2 {
		log := &lines{}
		w := s.spawn(0, log)
		defer w.kill()
		s.eventually("a worker works", func() bool { return clientID.MatchString(log.String()) })
		workers[clientID.FindStringSubmatch(log.String())[1]] = w
	}
	var first string
	s.eventually("somebody leads", func() bool { first = s.leader(); return first != "" })
	require.Contains(t, workers, first)
	workers[first].kill()
	// River lets a leader be silent for 15 seconds; they are over.
	_, err := s.pool.Exec(t.Context(), `UPDATE `+s.schema+`.river_leader SET expires_at = now() WHERE leader_id = $1`, first)
	require.NoError(t, err)
	var second string
	s.eventually("somebody else leads", func() bool { second = s.leader(); return second != "" && second != first })
	assert.Contains(t, workers, second)

	acme.admin.ChangePassword()
	s.clock.Pass(30 * time.Hour)
	s.eventually("the new leader's sweeps find a dead token", func() bool { return acme.view().Health == enrollment.Rejected })
}

// Sweeps that nobody works do not pile up, however many processes and hosts insert them.
func TestSweepsDoNotPileUp(t *testing.T) {
	t.Parallel()
	s := shared(t)
	client, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{Schema: s.schema, Logger: s.host.quiet()})
	require.NoError(t, err)
	for range 50 {
		_, err := client.Insert(t.Context(), sweepArgs{}, sweepOnce(time.Hour))
		require.NoError(t, err)
		for shard := range 2 {
			_, err := client.Insert(t.Context(), dueArgs{Records: "move", Shard: shard, Of: 2}, dueOnce("move", time.Hour))
			require.NoError(t, err)
		}
	}
	jobs := map[string]int{}
	rows, err := s.pool.Query(t.Context(), `SELECT kind, count(*)::int FROM `+s.schema+`.river_job GROUP BY kind`)
	require.NoError(t, err)
	for rows.Next() {
		var kind string
		var n int
		require.NoError(t, rows.Scan(&kind, &n))
		jobs[kind] = n
	}
	require.NoError(t, rows.Err())
	assert.LessOrEqual(t, jobs["abmrenew_sweep"], 2, "one for each period; a test may see two of them")
	assert.LessOrEqual(t, jobs["abmrenew_due"], 4, "one for each shard and period")
	assert.GreaterOrEqual(t, jobs["abmrenew_due"], 2)
}
