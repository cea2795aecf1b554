package main

import (
	"bytes"
	"context"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
	"github.com/abmrenew/abmrenew/internal/pgserver"
)

func TestMain(m *testing.M) {
	status := m.Run()
	pgserver.Finish()
	os.Exit(status)
}

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// test is a stage, with what a test asks of it.
type test struct {
	*stage
	t    testing.TB
	log  *logged
	rows []rmm.Token // of the RMM's table
}

func newTest(t testing.TB) *test {
	t.Helper()
	log := &logged{}
	s, err := newStage(context.Background(), pgserver.DSN(t), log)
	require.NoError(t, err)
	t.Cleanup(func() { s.end(context.Background()) })
	out := &test{stage: s, t: t, log: log}
	s.kept = func(row rmm.Token) { out.rows = append(out.rows, row) }
	return out
}

// adopted adopts what is in the RMM's tables.
func (s *test) adopted() runner.Adopted {
	s.t.Helper()
	total, err := adopt(s.t.Context(), s.first.app, s.first.runner, func(r runner.RowResult) { require.Nil(s.t, r.Problem, "%v", r.Problem) })
	require.NoError(s.t, err)
	return total
}

// hired is a technician.
func (s *test) hired(id string, role rmm.Role, customers ...string) *person {
	s.t.Helper()
	p, err := s.hire(s.t.Context(), id, role, customers...)
	require.NoError(s.t, err)
	return p
}

// page is what a technician sees of a customer's servers.
type page struct {
	Servers []struct {
		ID       enrollment.ServerID
		Name     string
		Health   enrollment.Health
		DaysLeft int `json:"days_left"`
		Allowed  []string
	}
}

func (p *person) servers(t testing.TB, customer string) page {
	t.Helper()
	var out page
	require.NoError(t, p.ask(t.Context(), "GET", "/customers/"+customer+"/apple", nil, &out))
	return out
}

func pgxStrings(rows pgx.Rows) ([]string, error) { return pgx.CollectRows(rows, pgx.RowTo[string]) }
