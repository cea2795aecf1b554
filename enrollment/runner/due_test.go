package runner_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// several adopts n servers whose tokens are due for their first probe at once.
func (h *host) several(n int) {
	h.t.Helper()
	for i := range n {
		token := fmt.Sprintf(`{"consumer_key":"CK_%d","consumer_secret":"CS","access_token":"AT","access_secret":"AS","access_token_expiry":"2027-11-01T00:00:00Z"}`, i)
		h.adopt(runner.Adoption{Tenant: "acme", Reference: fmt.Sprint(i), Name: "MDM", Token: abmtoken.NewSecret(token)})
	}
	h.clock.Pass(25 * time.Hour)
}

// questions is a verifier that counts, and answers what it is told to.
type questions struct {
	mu     sync.Mutex
	tokens map[string]int
	answer func(context.Context, string) error
}

func (a *questions) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	a.mu.Lock()
	if a.tokens == nil {
		a.tokens = map[string]int{}
	}
	a.tokens[token.ConsumerKey()]++
	a.mu.Unlock()
	if a.answer != nil {
		if err := a.answer(ctx, token.ConsumerKey()); err != nil {
			return abmtoken.Account{}, err
		}
	}
	return abmtoken.Account{ServerUUID: token.ConsumerKey(), OrgName: "Acme"}, nil
}

// A run takes no more than it was told to, of the kinds that it was told, and says whether there is more.
func TestRunDueTakesALimit(t *testing.T) {
	h := newHost(t)
	h.several(7)
	v := &questions{}
	h.config.Verifier = v
	h.restartWith(h.config)
	ran, err := h.RunDue(ctx(t), runner.Due{Limit: 7, Kinds: []string{runner.KindRenewal}})
	require.NoError(t, err)
	assert.Equal(t, 0, ran.Claimed)
	assert.True(t, ran.Next.IsZero(), "of this kind nothing will ever be due")
	for left := 7; left > 0; left -= 3 {
		ran, err = h.RunDue(ctx(t), runner.Due{Limit: 3})
		require.NoError(t, err)
		assert.Equal(t, min(3, left), ran.Claimed)
		assert.Zero(t, ran.Failed)
		assert.Equal(t, left > 3, ran.More)
	}
	assert.Len(t, v.tokens, 7)
	ran, err = h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Zero(t, ran.Claimed)
	assert.True(t, ran.Next.After(h.clock.Now()))
}

// Four machines at once ask about each token once.
func TestRunDueOnFourMachines(t *testing.T) {
	h := newHost(t)
	h.several(12)
	v := &questions{}
	h.config.Verifier = v
	var wait sync.WaitGroup
	for range 4 {
		machine, err := runner.New(h.config)
		require.NoError(t, err)
		wait.Go(func() {
			for {
				ran, err := machine.RunDue(ctx(t), runner.Due{Limit: 2})
				if !assert.NoError(t, err) || !assert.Zero(t, ran.Failed) || !ran.More { //nolint:testifylint // not the test's own goroutine
					return
				}
			}
		})
	}
	wait.Wait()
	assert.Len(t, v.tokens, 12)
	for key, n := range v.tokens {
		assert.Equal(t, 1, n, key)
	}
}

// A verifier that panics costs one record one round, not the process.
func TestPanickingPort(t *testing.T) {
	h := newHost(t)
	h.several(3)
	v := &questions{answer: func(_ context.Context, key string) error {
		if key == "CK_1" {
			panic("a bug of the host's")
		}
		return nil
	}}
	h.config.Verifier = v
	h.restartWith(h.config)
	ran, err := h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, 3, ran.Claimed)
	assert.Equal(t, 1, ran.Failed)
	assert.Contains(t, h.log.String(), "a bug of the host's")
	v.answer = nil
	h.clock.Pass(2 * time.Minute) // behind the lease
	ran, err = h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, 1, ran.Claimed)
	assert.Zero(t, ran.Failed)
}

// On shutdown leases are given back: the next run, a moment later, does what this one did not.
func TestShutdownGivesLeasesBack(t *testing.T) {
	h := newHost(t)
	h.several(6)
	stopping, stop := context.WithCancel(ctx(t))
	v := &questions{answer: func(ctx context.Context, _ string) error {
		stop() // the first question is the last thing that this process does
		<-ctx.Done()
		return ctx.Err()
	}}
	h.config.Verifier, h.config.Workers = v, 1
	h.restartWith(h.config)
	ran, err := h.RunDue(stopping, runner.Due{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 6, ran.Claimed)
	v.answer = nil
	h.clock.Pass(time.Second)
	ran, err = h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, 6, ran.Claimed, "nobody waits for the end of a lease")
	assert.Zero(t, ran.Failed)
}

// sleepy is a store whose claims fail while it is down.
type sleepy struct {
	*troubled
	down atomic.Bool
}

func (s *sleepy) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	if s.down.Load() && c.Limit > 0 {
		return storage.Claimed{}, storage.ErrLocked
	}
	return s.troubled.Claim(ctx, c)
}

// Run does what falls due, sleeps in between, goes on over a store that does not answer, and ends with its context.
func TestRunGoesOn(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	disk := &troubled{Store: h.store}
	h.config.Store = &sleepy{troubled: disk}
	h.config.Verifier = &questions{}
	h.restartWith(h.config)
	synctest.Test(t, func(t *testing.T) {
		running, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(running, time.Minute) }()
		wait := func(d time.Duration) {
			<-time.After(d) // in the bubble's own time
			h.clock.Pass(d)
			<-time.After(2 * time.Minute)
			synctest.Wait()
		}
		h.clock.Pass(28 * time.Hour)
		wait(time.Minute)
		probed := s.view().AnsweredAt
		assert.False(t, probed.Before(h.clock.Now().Add(-time.Hour)), "%v at %v", probed, h.clock.Now())
		h.config.Store.(*sleepy).down.Store(true)
		wait(28 * time.Hour)
		assert.Contains(t, h.log.String(), "nothing could be claimed")
		h.config.Store.(*sleepy).down.Store(false)
		wait(time.Minute)
		assert.True(t, s.view().AnsweredAt.After(probed))
		end()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
}
