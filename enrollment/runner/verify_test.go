package runner_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

// An alarm about tampering must never be made of somebody's ordinary work.
func TestAuditIsVerifiedWhileOthersWrite(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	var others sync.WaitGroup
	others.Go(func() {
		for range 60 {
			_, _ = s.c.Quiet(ctx(t), tech, s.id, h.clock.Now().Add(time.Hour))
			_, _ = h.SetPolicy(ctx(t), tech, enrollment.PolicyChange{Reminders: []int{30, 7}})
		}
	})
	others.Go(func() {
		for range 60 {
			_, _ = h.ExportAudit(ctx(t), 0, 1)
		}
	})
	done := make(chan struct{})
	go func() { others.Wait(); close(done) }()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		report, err := h.VerifyAudit(ctx(t))
		require.NoError(t, err)
		require.Empty(t, report.Faults)
		if over {
			assert.Greater(t, report.Entries, int64(120))
		}
	}
}

// The same at each single call of the store that a verification makes: something is written and filed right before it.
func TestAuditIsVerifiedWhateverComesBetween(t *testing.T) {
	h := newHost(t)
	other, below := h.Runner, h.store
	h.customer("acme").addServer("Acme MDM")
	for at := 1; at <= 60; at++ { // what is written makes the next one longer, so there is no end
		n := 0
		h.restart(storagetest.Intercept(below, storagetest.Hooks{Before: func(storagetest.Call) error {
			if n++; n != at {
				return nil
			}
			require.NoError(t, other.NoteKeysRotated(ctx(t), tech))
			_, err := other.ExportAudit(ctx(t), 0, 1)
			return err
		}}))
		n = 0
		report, err := h.VerifyAudit(ctx(t))
		require.NoError(t, err)
		require.Empty(t, report.Faults, "before call %d", at)
		require.GreaterOrEqual(t, n, at, "something came between")
	}
}

// What was never filed in the log is missed too: a subject remembers that it has a history.
func TestAHistoryThatIsGoneAsAWholeIsNoticed(t *testing.T) {
	for _, gone := range []struct{ tenant, subject string }{
		{"acme", "srv_1"}, {"acme", "acme"}, {"", runner.InstallationSubject},
	} {
		h := newHost(t)
		_, err := h.Tenant("acme").AddServer(ctx(t), tech, runner.NewServer{ID: "srv_1", Name: "Acme MDM"})
		require.NoError(t, err)
		require.NoError(t, h.NoteKeysRotated(ctx(t), tech))
		entries, err := h.store.List(ctx(t), storage.Query{Kind: runner.KindAudit, Tenant: gone.tenant, Parent: gone.subject, Limit: 10})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.NoError(t, h.store.Commit(ctx(t), storage.Write{Delete: []storage.Ref{entries[0].Ref()}}))
		report, err := h.VerifyAudit(ctx(t))
		require.NoError(t, err)
		require.Len(t, report.Faults, 1)
		assert.Equal(t, gone.subject, report.Faults[0].Subject)
		assert.EqualValues(t, 1, report.Faults[0].Seq)
	}
}

// A store that cannot be read is trouble, and no sign that somebody changed the audit.
func TestAStoreThatFailsIsNoFaultOfTheAudit(t *testing.T) {
	w := newWorld(t, &ram{})
	require.NoError(t, w.follow([]step{addServer, start, certificate, export}))
	failed := 0
	for at, done := 1, false; !done; at++ {
		n := 0
		w.fate = func(c crossing) error {
			if n++; n == at {
				return errFault
			}
			return nil
		}
		report, err := w.VerifyAudit(ctx(t))
		if done = n < at; err != nil {
			failed++
			continue
		}
		require.Empty(t, report.Faults, "call %d failed", at)
		require.True(t, done, "call %d failed, and nobody heard of it", at)
	}
	assert.Greater(t, failed, 5)
}
