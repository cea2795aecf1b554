package runner_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// latch holds up who comes to it until it is opened, and tells when somebody has come.
type latch struct{ came, open chan struct{} }

func newLatch() *latch { return &latch{came: make(chan struct{}, 100), open: make(chan struct{})} }

func (g *latch) pass(ctx context.Context) {
	g.came <- struct{}{}
	select {
	case <-g.open:
	case <-ctx.Done():
	}
}

type latchedNotifier struct {
	*inbox
	*latch
}

func (n latchedNotifier) Notify(ctx context.Context, notice enrollment.Notice) error {
	n.pass(ctx)
	return n.inbox.Notify(ctx, notice)
}

type latchedVerifier struct {
	abmtoken.Verifier
	*latch
}

func (v latchedVerifier) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	v.pass(ctx)
	return v.Verifier.Account(ctx, token)
}

// with returns a runner of another configuration over the same store.
func (h *host) with(change func(*runner.Config)) *runner.Runner {
	h.t.Helper()
	config := h.config
	change(&config)
	r, err := runner.New(config)
	require.NoError(h.t, err)
	return r
}

// What a person writes into a record that a worker has in hand does not hand it to a second worker.
func TestAPersonsWriteEndsNoLease(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.pass(340 * 24 * time.Hour)
	g := newLatch()
	slow := h.with(func(c *runner.Config) { c.Notifier = latchedNotifier{h.inbox, g} })
	h.clock.Pass(12 * 24 * time.Hour) // to the next reminder
	before := len(h.inbox.all())

	ended := make(chan error)
	go func() { _, err := slow.RunDue(ctx(t), runner.Due{}); ended <- err }()
	<-g.came
	_, err := s.c.Quiet(ctx(t), tech, s.id, h.clock.Now().Add(time.Hour))
	require.NoError(t, err)
	ran, err := h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Zero(t, ran.Claimed, "the record is in hand")
	close(g.open)
	require.NoError(t, <-ended)
	ids := map[string]int{}
	for _, n := range h.inbox.all()[before:] {
		ids[n.ID]++
	}
	for id, times := range ids {
		assert.Equal(t, 1, times, "notice %s", id)
	}
	assert.NotEmpty(t, ids)
	assert.Equal(t, enrollment.Expiring, s.view().Health)
}

// The same for a renewal whose candidate Apple is being asked about: a second file, and the answer is still asked for once.
func TestASecondFileAsksAppleNoSecondTime(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(24 * time.Hour)
	g := newLatch()
	verifier := latchedVerifier{h.config.Verifier, g}
	slow := h.with(func(c *runner.Config) { c.Verifier = verifier })
	impatient := h.with(func(c *runner.Config) { c.Verifier, c.SettleFor = verifier, time.Millisecond })
	file := s.file()

	ended := make(chan error)
	go func() {
		_, err := slow.Tenant("acme").UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: reader(file)})
		ended <- err
	}()
	<-g.came
	_, err := impatient.Tenant("acme").UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: reader([]byte("<html>"))})
	requireProblem(t, enrollment.CodeNotServerToken, err)
	ran, err := impatient.RunDue(ctx(t), runner.Due{Kinds: []string{runner.KindRenewal}})
	require.NoError(t, err)
	assert.Zero(t, ran.Claimed, "the renewal is in hand")
	close(g.open)
	require.NoError(t, <-ended)
	assert.Empty(t, g.came, "Apple was asked once")
	assert.EqualValues(t, 2, s.view().Token.Generation)
}

// A worker that comes to its end after its lease was over gives nothing back that another one has claimed meanwhile.
func TestAnOverdueWorkerEndsNobodysLease(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	g, next := newLatch(), newLatch()
	slow := h.with(func(c *runner.Config) { c.Verifier = latchedVerifier{h.config.Verifier, g} })
	other := h.with(func(c *runner.Config) { c.Verifier = latchedVerifier{h.config.Verifier, next} })
	h.clock.Pass(48 * time.Hour) // a probe is due

	tired, tire := context.WithCancel(ctx(t))
	first, second := make(chan error), make(chan error)
	go func() { _, err := slow.RunDue(tired, runner.Due{}); first <- err }()
	<-g.came
	h.clock.Pass(2 * time.Minute)
	go func() { _, err := other.RunDue(ctx(t), runner.Due{}); second <- err }()
	<-next.came
	tire()
	require.ErrorIs(t, <-first, context.Canceled)
	ran, err := h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Zero(t, ran.Claimed, "the second worker has it in hand")
	close(next.open)
	require.NoError(t, <-second)
	assert.Equal(t, enrollment.Accepted, s.view().Answer)
}

// A lease that was taken while the clock was a day ahead holds up nobody who comes after it was set right.
func TestThreat16_ALeaseOfAClockThatWasAheadIsNone(t *testing.T) {
	w := newWorld(t, &ram{})
	require.NoError(t, w.follow([]step{addServer, start, certificate, createService, download, confirmedUpload, anHour, download}))
	w.hasty = true // no time passes while it comes up again
	w.clock.Pass(24 * time.Hour)
	w.fate = func(c crossing) error {
		if c.call == "verify" {
			return errKilled
		}
		return nil
	}
	_, lived := w.life.run(func() error {
		_, err := w.acme().UploadToken(ctx(t), tech, runner.Upload{Server: theServer, File: reader(w.file)})
		return err
	})
	require.False(t, lived)
	w.fate = nil
	w.clock.Pass(-24 * time.Hour)
	w.reboot()
	view, err := w.acme().Server(ctx(t), theServer)
	require.NoError(t, err)
	require.NotNil(t, view.LiveRun)
	_, err = w.acme().Recheck(ctx(t), tech, view.LiveRun.ID)
	requireProblem(t, enrollment.CodeStillWorking, err)
	ran, err := w.RunDue(ctx(t), runner.Due{Kinds: []string{runner.KindRenewal}})
	require.NoError(t, err)
	assert.Equal(t, 1, ran.Claimed, "nobody has it in hand")
	view, err = w.acme().Server(ctx(t), theServer)
	require.NoError(t, err)
	assert.EqualValues(t, 2, view.Token.Generation)
}
