package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// A token dies at Apple. The worker asks, once the time for it has come, and everybody sees it.
func TestWorkerDoesWhatIsDue(t *testing.T) {
	t.Parallel()
	s := shared(t)
	acme := s.customer("acme")
	w := s.start()
	status, body := w.get("/readyz")
	assert.Equal(t, http.StatusOK, status, body)

	acme.admin.ChangePassword()
	s.clock.Pass(30 * time.Hour)
	s.eventually("the dead token is found", func() bool { return acme.view().Health == enrollment.Rejected })
	assert.Zero(t, w.end(), "%s", w.log)
}

// Behind a pooler that hands out a connection for one transaction at a time, a worker asks for jobs and does the same.
func TestWorkerBehindAPooler(t *testing.T) {
	t.Parallel()
	s := shared(t)
	acme := s.customer("acme")
	s.dsn = pgserver.Pooler(t, s.dsn)
	w := s.start("--poll-only")
	acme.admin.ChangePassword()
	s.clock.Pass(30 * time.Hour)
	s.eventually("the dead token is found", func() bool { return acme.view().Health == enrollment.Rejected })
	assert.Zero(t, w.end(), "%s", w.log)
}
