package main

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// metrics are those of a worker now, by name and labels.
func (r *running) metrics() map[string]float64 {
	r.t.Helper()
	status, body := r.get("/metrics")
	require.Equal(r.t, http.StatusOK, status, body)
	found := map[string]float64{}
	for line := range strings.SplitSeq(body, "\n") {
		name, value, is := strings.Cut(line, " ")
		if !is || strings.HasPrefix(line, "#") || !strings.HasPrefix(line, "abmrenew_") {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		require.NoError(r.t, err, line)
		found[name] = n
	}
	return found
}

func TestMetricsShowHowThingsAre(t *testing.T) {
	t.Parallel()
	s := shared(t)
	s.customer("acme")
	s.adopt(3)
	_, err := s.pool.Exec(t.Context(), `UPDATE `+s.schema+`.records SET state = 'by <hand> "edited"' WHERE kind = 'server' AND tenant = 'adopted0'`)
	require.NoError(t, err)
	w := s.start("--queues", "devices=1")
	s.clock.Pass(30 * time.Hour)
	m := w.metrics()
	assert.InEpsilon(t, 1, m[`abmrenew_tokens{health="active"}`], 0.01, "%v", m)
	assert.InEpsilon(t, 2, m[`abmrenew_tokens{health="never_checked"}`], 0.01, "%v", m)
	assert.Contains(t, m, `abmrenew_push_certificates{health="expired"}`)
	shown := 0
	for name := range m {
		if strings.HasPrefix(name, "abmrenew_tokens{") {
			shown++
		}
	}
	assert.Equal(t, len(healths), shown, "what somebody has written into the database becomes no label")
	assert.Contains(t, m, `abmrenew_open_plans{state="running"}`)
	assert.InEpsilon(t, 4, m[`abmrenew_due_records{kind="server"}`], 0.01, "nobody works on credentials")
	assert.Greater(t, m[`abmrenew_due_oldest_seconds{kind="server"}`], 3600.0)
	assert.Zero(t, m[`abmrenew_due_records{kind="move"}`])
	assert.InEpsilon(t, 1, m["abmrenew_database_readable"], 0.01)
	assert.InEpsilon(t, 10, m[`abmrenew_pool_connections{state="allowed"}`], 0.01)

	worker := s.start()
	s.eventually("somebody works on credentials", func() bool { return s.due(runner.KindServer) == 0 })
	s.eventually("the work is counted", func() bool { return worker.metrics()[`abmrenew_claimed_total{kind="server"}`] >= 4 })
	m = worker.metrics()
	assert.Positive(t, m[`abmrenew_run_seconds_count{kind="server"}`])
	assert.Positive(t, m["abmrenew_sweeps_total"]+w.metrics()["abmrenew_sweeps_total"])
	assert.Contains(t, m, `abmrenew_clock_difference_seconds{clock="apple"}`)
}

var label = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)

// Threat 17: whatever a worker shows holds no secret, and the values of labels come from lists that do not grow with
// customers.
func TestThreat17_NoSecretInMetricsHealthOrLog(t *testing.T) {
	t.Parallel()
	s := newStage(t, pgserver.DSN(t)+" password=canary-of-the-database")
	_, nano := s.newWorld()
	acme := s.customer("canary-of-a-customer")
	s.adopt(5)
	w := s.start("--mdms", nano.file(t, s, "canary-of-a-customer"))
	acme.admin.ChangePassword()
	s.clock.Pass(30 * time.Hour)
	s.eventually("the worker has asked Apple about all", func() bool { return s.due(runner.KindServer) == 0 })
	shown := w.log.String()
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/", "/mdm/canary-of-a-customer/old", "/debug/pprof/"} {
		_, body := w.get(path)
		if path == "/metrics" {
			for _, m := range label.FindAllStringSubmatch(body, -1) {
				assert.NotContains(t, m[2], "canary", "the label %s", m[1])
				assert.Contains(t, []string{"kind", "health", "state", "clock", "le", "quantile", "version"}, m[1])
			}
			assert.NotContains(t, body, "canary-of-a-customer")
		}
		shown += body
	}
	assert.Zero(t, w.end())
	master, err := readKey(s.path("keyring"))
	require.NoError(t, err)
	key := regexp.MustCompile(`"key":\s*"([^"]+)"`).FindStringSubmatch(master.Reveal())
	require.NotNil(t, key)
	for _, secret := range []string{"canary-of-the-database", "CS_canary", "AT_canary", "AS_canary", mdmKey, "canary-webhook-key", key[1]} {
		assert.NotContains(t, shown, secret)
	}
}

// A transaction that somebody holds open is seen by its age, while the worker goes on.
func TestAnOldSnapshotSlowsAndIsShown(t *testing.T) {
	t.Parallel()
	s := shared(t)
	acme := s.customer("acme")
	tx, err := s.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	var seen int
	require.NoError(t, tx.QueryRow(t.Context(), `SELECT count(*) FROM `+s.schema+`.records`).Scan(&seen))
	began := time.Now()
	w := s.start()
	acme.admin.ChangePassword()
	s.clock.Pass(30 * time.Hour)
	s.eventually("the worker works on", func() bool { return acme.view().Problem != nil })
	held := time.Since(began)
	s.eventually("the age is shown", func() bool { return w.metrics()["abmrenew_oldest_transaction_seconds"] >= held.Seconds() })
	var still int
	require.NoError(t, tx.QueryRow(t.Context(), `SELECT count(*) FROM `+s.schema+`.records`).Scan(&still))
	assert.Equal(t, seen, still, "the old snapshot sees what it saw")
	require.NoError(t, tx.Rollback(t.Context()))
	s.eventually("it is over", func() bool { return w.metrics()["abmrenew_oldest_transaction_seconds"] < held.Seconds() })
}

// Where the database is away, the process says so, lives on, and shows what it knows.
func TestADatabaseThatIsAwayIsShown(t *testing.T) {
	t.Parallel()
	server := pgserver.New(t)
	s := newStage(t, server.DSN())
	w := s.start()
	server.Stop(os.Interrupt)
	status, body := w.get("/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status, body)
	status, _ = w.get("/healthz")
	assert.Equal(t, http.StatusOK, status)
	s.eventually("the metrics say so", func() bool {
		m := w.metrics()
		readable, shown := m["abmrenew_database_readable"]
		return shown && readable == 0
	})
	require.NoError(t, server.Start(pgserver.Quick...))
	s.eventually("it is ready again", func() bool { status, _ := w.get("/readyz"); return status == http.StatusOK })
}
