package main

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// meter has the metrics. Their labels take values from closed lists only: no tenant, no serial number, nothing that a
// customer chose.
type meter struct {
	registry *prometheus.Registry
	claimed  *prometheus.CounterVec
	failed   *prometheus.CounterVec
	runs     *prometheus.HistogramVec
	sweeps   prometheus.Counter
}

func newMeter(h *host) *meter {
	m := &meter{
		registry: prometheus.NewRegistry(),
		claimed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "abmrenew_claimed_total", Help: "Records that this process worked on.",
		}, []string{"kind"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "abmrenew_failed_total", Help: "Of these, records that could not be worked on; the log says why.",
		}, []string{"kind"}),
		runs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "abmrenew_run_seconds", Help: "How long one batch of claimed records took.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 10, 30, 60},
		}, []string{"kind"}),
		sweeps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "abmrenew_sweeps_total", Help: "Sweeps done by this process; all processes together do one per --every.",
		}),
	}
	for _, kind := range runner.Kinds() { // zero is a value, too: alerts need the first increase
		m.claimed.WithLabelValues(kind)
		m.failed.WithLabelValues(kind)
	}
	m.registry.MustRegister(
		m.claimed, m.failed, m.runs, m.sweeps, &state{h: h},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// ran counts one call of the runner. Calls that found nothing are no batches.
func (m *meter) ran(kind string, ran runner.Ran, took time.Duration) {
	if ran.Claimed == 0 {
		return
	}
	m.claimed.WithLabelValues(kind).Add(float64(ran.Claimed))
	m.failed.WithLabelValues(kind).Add(float64(ran.Failed))
	m.runs.WithLabelValues(kind).Observe(took.Seconds())
}

// handler shows the metrics. What cannot be read is left out, and the rest shown: an alert on what is missing finds it.
func (m *meter) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}
