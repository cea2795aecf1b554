package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkFigures runs both sides of every figure by itself; the command beside this measures them in turn.
func BenchmarkFigures(b *testing.B) {
	all, err := figures(b.Context(), b.TempDir(), realSizes)
	require.NoError(b, err)
	for _, f := range all {
		for _, s := range []subject{f.ours, f.other} {
			if s.do == nil || f.count {
				continue
			}
			b.Run(f.id+"/"+strings.ReplaceAll(s.name, " ", "_"), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, s.do(b.Context()))
				}
				if s.each > 1 {
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*s.each), "ns/each")
				}
			})
		}
	}
}

// BenchmarkUpload is an upload through the runner, with the download at the fake portal before it.
func BenchmarkUpload(b *testing.B) {
	h, err := newHost(b.Context(), b.TempDir(), sinceStart())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, h.upload(b.Context()))
	}
}

// BenchmarkMigration lists a small plan from a stream and drives it to its end.
func BenchmarkMigration(b *testing.B) {
	for b.Loop() {
		stages, err := migrate(b.Context(), b.TempDir(), 1000, sinceStart())
		require.NoError(b, err)
		for _, s := range stages {
			b.ReportMetric(float64(s.ours.Nanoseconds())/float64(s.devices), "ns/"+s.name)
			b.ReportMetric(s.raw.Seconds()/s.ours.Seconds(), "raw/"+s.name)
		}
	}
}
