//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// Workers whose clocks are off by minutes, or by a day, take the time from the database: Apple takes what they sign, and no
// token is called dead.
func TestThreat16_WorkersWithWrongClocksDoTheSame(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{7 * time.Minute, -7 * time.Minute, 25 * time.Hour} {
		s := shared(t)
		acme := s.customer("acme")
		s.settleFor = -1
		s.plug("")
		s.off = off
		w := s.start()
		require.NoError(t, acme.renewThroughWorkers(t.Context(), true))
		v := acme.view()
		assert.EqualValues(t, 2, v.Token.Generation)
		assert.Equal(t, enrollment.Active, v.Health)
		m := w.metrics()
		assert.InDelta(t, off.Seconds(), m[`abmrenew_clock_difference_seconds{clock="local"}`], 30, "and it is shown")
		assert.InDelta(t, 0, m[`abmrenew_clock_difference_seconds{clock="apple"}`], 30)
		assert.Zero(t, w.end())
	}
}

// A worker is stopped for longer than its lease, in the middle of a question to Apple. Another one does what it was at; what
// the first one does when it wakes up changes nothing.
func TestAWorkerThatIsStoppedForLongerThanALease(t *testing.T) {
	t.Parallel()
	s := shared(t)
	acme := s.customer("acme")
	s.settleFor = -1
	s.plug("")
	log := &lines{}
	first := s.spawn(0, log)
	defer first.kill()
	s.eventually("the first worker works", func() bool { return clientID.MatchString(log.String()) })
	s.apple.Fail(appletest.Fault{Kind: appletest.Latency, Path: "/session", Delay: 6 * time.Second, Times: 1})
	done := make(chan error, 1)
	go func() { done <- acme.renewThroughWorkers(t.Context(), false) }()
	s.eventually("it asks Apple", func() bool {
		var leased int
		err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+s.schema+`.records WHERE kind = 'renewal' AND state = 'verifying'
			AND wake BETWEEN $1 AND $2`, s.clock.Now().Add(50*time.Second), s.clock.Now().Add(61*time.Second)).Scan(&leased)
		return err == nil && leased == 1
	})
	require.NoError(t, first.cmd.Process.Signal(syscall.SIGSTOP))
	second := s.spawn(0, log)
	defer second.kill()
	s.clock.Pass(2 * time.Minute)
	require.NoError(t, <-done, "%s", log)
	before := acme.view()
	require.NoError(t, first.cmd.Process.Signal(syscall.SIGCONT))
	s.eventually("Apple has answered the first one, too", func() bool { return s.apple.Count("GET", "/session") >= 3 })
	require.NoError(t, first.cmd.Process.Signal(syscall.SIGTERM))
	<-first.done
	after := acme.view()
	assert.EqualValues(t, 2, after.Token.Generation)
	assert.Equal(t, before.Token, after.Token)
	assert.Equal(t, enrollment.Active, after.Health)
	report, err := s.host.runner.VerifyAudit(t.Context())
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
	assert.Equal(t, 0, s.due(runner.KindRenewal))
}
