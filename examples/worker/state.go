package main

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// What the database shows, the same on every process.
var (
	descDue      = describe("abmrenew_due_records", "Records that are due, counted to 100,000.", "kind")
	descOldest   = describe("abmrenew_due_oldest_seconds", "How long the record that is due longest has been due.", "kind")
	descTokens   = describe("abmrenew_tokens", "Server tokens by health.", "health")
	descPushes   = describe("abmrenew_push_certificates", "Push certificates by health.", "health")
	descPlans    = describe("abmrenew_open_plans", "Plans that have not ended, by state.", "state")
	descOldestTx = describe("abmrenew_oldest_transaction_seconds", "Age of the oldest transaction that keeps the database from cleaning up, whoever's it is.")
	descHidden   = describe("abmrenew_hidden_sessions", "Sessions whose transactions this role may not see; GRANT pg_read_all_stats shows them.")
	descClock    = describe("abmrenew_clock_difference_seconds", "How far a clock is ahead of the database's: this machine's (local), Apple's (apple).", "clock")
	descConns    = describe("abmrenew_pool_connections", "Connections of this process to the database.", "state")
	descWaits    = describe("abmrenew_pool_waits_total", "How often a connection of the pool had to be waited for.")
	descRead     = describe("abmrenew_database_readable", "1 if the figures above could be read from the database.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var healths = []enrollment.Health{
	enrollment.Missing, enrollment.Expired, enrollment.Rejected, enrollment.TermsPending, enrollment.Expiring,
	enrollment.Unreachable, enrollment.NeverChecked, enrollment.Active,
}

var openStates = []migration.PlanState{
	migration.PlanDrafting, migration.PlanAwaiting, migration.PlanCooling, migration.PlanRunning, migration.PlanPaused, migration.PlanCancelling,
}

// state collects what the database and the pool show. Scrapes that come together share what one of them read.
type state struct {
	h *host

	mu   sync.Mutex
	at   time.Time
	last []prometheus.Metric
}

// fresh is for how long what was read is shown again.
const fresh = 2 * time.Second

// Describe implements [prometheus.Collector].
func (s *state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descDue, descOldest, descTokens, descPushes, descPlans, descOldestTx, descHidden, descClock, descConns, descWaits, descRead} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *state) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.IsZero() || time.Since(s.at) > fresh {
		s.last, s.at = s.read(), time.Now()
	}
	for _, m := range s.last {
		ch <- m
	}
}

func (s *state) read() (out []prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out = append(out, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...))
	}
	readable := 1.0
	for _, read := range []func(context.Context, func(*prometheus.Desc, float64, ...string)) error{s.due, s.healths, s.plans, s.oldestTransaction} {
		if err := read(ctx, gauge); err != nil {
			readable = 0
			s.h.log.WarnContext(ctx, "a metric could not be read", "error", err)
		}
	}
	gauge(descRead, readable)
	gauge(descClock, s.h.clock.ahead().Seconds(), "local")
	if apple, known := s.h.apple.time(); known {
		gauge(descClock, apple.Sub(s.h.clock.Now()).Seconds(), "apple")
	}
	stat := s.h.pool.Stat()
	gauge(descConns, float64(stat.AcquiredConns()), "busy")
	gauge(descConns, float64(stat.IdleConns()), "idle")
	gauge(descConns, float64(stat.MaxConns()), "allowed")
	return append(out, prometheus.MustNewConstMetric(descWaits, prometheus.CounterValue, float64(stat.EmptyAcquireCount())))
}

// due reads the index of due records, which holds no more than what is due. Columns are what the store documents.
func (s *state) due(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	now := s.h.clock.Now()
	records := pgx.Identifier{s.h.Schema, "records"}.Sanitize()
	for _, kind := range runner.Kinds() {
		var n int
		var oldest *time.Time
		err := s.h.pool.QueryRow(ctx, `SELECT count(*), min(d.wake) FROM (
			SELECT r.wake FROM `+records+` AS r WHERE r.kind = $1 AND r.wake <= $2 ORDER BY r.wake LIMIT 100000) AS d`, kind, now).Scan(&n, &oldest)
		if err != nil {
			return err
		}
		gauge(descDue, float64(n), kind)
		age := 0.0
		if oldest != nil {
			age = now.Sub(*oldest).Seconds()
		}
		gauge(descOldest, age, kind)
	}
	return nil
}

// healths shows each health, also where there is none of it. A state that the library does not know, as after an edit by
// SQL, becomes no label.
func (s *state) healths(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	tokens, err := s.h.runner.Stats(ctx)
	if err != nil {
		return err
	}
	pushes, err := s.h.runner.PushStats(ctx)
	if err != nil {
		return err
	}
	for _, health := range healths {
		gauge(descTokens, float64(tokens[health]), string(health))
		gauge(descPushes, float64(pushes[health]), string(health))
	}
	return nil
}

func (s *state) plans(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	counts, err := s.h.store.Count(ctx, storage.Query{Kind: runner.KindPlan, AllTenants: true})
	if err != nil {
		return err
	}
	for _, state := range openStates {
		gauge(descPlans, float64(counts[string(state)]), string(state))
	}
	return nil
}

// oldestTransaction is what keeps every version of a row that was written since, so that claims become slower.
func (s *state) oldestTransaction(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	age, err := s.h.store.Age(ctx)
	if err != nil {
		return err
	}
	gauge(descOldestTx, age.Oldest.Seconds())
	gauge(descHidden, float64(age.Hidden))
	return nil
}
