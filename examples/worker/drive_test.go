package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// drive lets time pass, so many times as fast as it does, and devices act. Where nothing is due for longer than a lease, so
// that nobody has anything in hand, the clock jumps. What is due is told to the workers, as a host does after a click.
func (s *stage) drive(world *fleet.World, times *atomic.Int64, lease time.Duration) (stop func()) {
	s.t.Helper()
	client, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{Schema: s.schema, Logger: s.host.quiet()})
	require.NoError(s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { s.clock.flow(ctx, times) })
	all.Go(func() {
		for ctx.Err() == nil {
			world.Step()
			wait(ctx, 5*time.Millisecond)
		}
	})
	all.Go(func() {
		for ctx.Err() == nil {
			claimed, err := s.store.Claim(ctx, storage.Claim{Kinds: runner.Kinds()})
			if err == nil && claimed.More {
				_, _ = client.Insert(ctx, sweepArgs{}, sweepOnce(time.Second)) // the leader's is the other way
			}
			if err == nil && !claimed.More {
				next := claimed.Next
				if wake := world.Wake(); next.IsZero() || !wake.IsZero() && wake.Before(next) {
					next = wake
				}
				if ahead := next.Sub(s.clock.Now()); !next.IsZero() && ahead > 2*lease {
					s.clock.Pass(ahead - lease)
				}
			}
			wait(ctx, 50*time.Millisecond)
		}
	})
	return func() {
		cancel()
		all.Wait()
	}
}

// wait waits, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
