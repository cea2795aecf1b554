package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// BenchmarkDailyWatch is the daily question to Apple about each of some tokens, in one worker process over TLS to a fake Apple
// on the same machine: how many a second, and how much memory the process had at most.
func BenchmarkDailyWatch(b *testing.B) {
	const servers = 400
	for b.Loop() {
		b.StopTimer()
		s := shared(b)
		s.adopt(servers)
		s.clock.Pass(30 * time.Hour)
		b.StartTimer()
		w := s.spawn(0, &lines{}, "--queues", "credentials=4", "--every", "1s", "--linger", "5s")
		s.eventually("all are asked about", func() bool { return s.due(runner.KindServer) == 0 && s.leased() == 0 })
		b.StopTimer()
		b.ReportMetric(memory(b, w.cmd.Process.Pid), "MB")
		w.kill()
		b.StartTimer()
	}
	b.ReportMetric(servers*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// leased counts the servers that a worker has in hand.
func (s *stage) leased() (n int) {
	s.t.Helper()
	now := s.clock.Now()
	err := s.pool.QueryRow(s.t.Context(), `SELECT count(*) FROM `+s.schema+`.records WHERE kind = 'server' AND wake > $1 AND wake <= $2`,
		now, now.Add(time.Minute)).Scan(&n)
	require.NoError(s.t, err)
	return n
}

// memory is the most that a process had in memory so far, in megabytes; where the system does not tell, nothing.
func memory(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]), "kB")))
	require.NoError(b, err)
	return float64(kilobytes) / 1024
}
