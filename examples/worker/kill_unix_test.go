//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// killFor is how long processes are killed; ABMRENEW_KILL_FOR=2m for the whole length.
func killFor(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("ABMRENEW_KILL_FOR"); text != "" {
		d, err := time.ParseDuration(text)
		require.NoError(t, err)
		return d
	}
	if testing.Short() {
		return 4 * time.Second
	}
	return 8 * time.Second
}

// Four workers on one database are killed at random while Apple and the MDMs fail now and then, people renew tokens and
// devices move. Nothing that was begun is lost, no device is wiped twice or too early, and everything comes to its end.
func TestWorkersThatAreKilledLoseNothingAndDoNothingTwice(t *testing.T) {
	const rate, lease = 240, 4 * time.Minute
	long := killFor(t)
	s := shared(t)
	ctx := t.Context()
	world, nano := s.newWorld()
	var movers []*mover
	for i := range 2 {
		movers = append(movers, s.mover(enrollment.TenantID(fmt.Sprint("mover", i)), world))
	}
	nano.judge = func(tenant enrollment.TenantID, udid string) string { return tooEarly(movers, tenant, udid) }
	mdms := nano.file(t, s, "mover0", "mover1")
	s.plug(mdms)
	s.allowWipes()
	var people []*customer
	for i := range 3 {
		people = append(people, s.customer(enrollment.TenantID(fmt.Sprint("person", i))))
	}
	s.settleFor = -1
	s.plug(mdms)
	s.apple.Change(func(b *appletest.Behavior) { b.ActivityLag, b.AssignmentLag = time.Minute, 15*time.Second })

	c := s.newCrew(make([]time.Duration, 4), "--lease", lease.String(), "--mdms", mdms)
	var pace atomic.Int64
	pace.Store(rate)
	stop := s.drive(world, &pace, lease)
	defer stop()
	working, over := context.WithTimeout(ctx, long)
	defer over()
	nano.fail(true)
	var all sync.WaitGroup
	renewed := make([]int, len(people))
	for i, p := range people {
		all.Go(func() {
			for round := 0; working.Err() == nil; round++ {
				if err := p.renewThroughWorkers(ctx, round%8 == 7); err != nil {
					t.Errorf("a renewal: %v", err)
					return
				}
				renewed[i]++
			}
		})
	}
	for _, m := range movers {
		all.Go(func() {
			for working.Err() == nil {
				id, err := m.plan(ctx, m.add(6))
				if err != nil {
					t.Errorf("a plan: %v", err)
					return
				}
				for m.view(ctx, id).State.Live() && working.Err() == nil {
					wait(ctx, 100*time.Millisecond)
				}
			}
		})
	}
	all.Go(func() { s.misbehave(working) })
	kills, stops := 0, 0
	for working.Err() == nil {
		wait(working, time.Duration(100+rand.IntN(400))*time.Millisecond)
		i := rand.IntN(len(c.all))
		if rand.IntN(4) == 0 { // for longer than its leases last
			require.NoError(t, c.all[i].cmd.Process.Signal(syscall.SIGSTOP))
			wait(ctx, lease/rate+200*time.Millisecond)
			require.NoError(t, c.all[i].cmd.Process.Signal(syscall.SIGCONT))
			stops++
			continue
		}
		c.replace(i)
		kills++
	}
	nano.fail(false)
	all.Wait()
	quiet := time.Now()
	require.Eventually(t, func() bool {
		if time.Since(quiet) > 40*time.Second { // a busy machine is too slow for the half minute in which a wipe has to leave
			pace.Store(rate / 8)
		}
		return ended(ctx, movers)
	}, 4*time.Minute, 100*time.Millisecond, "plans do not end")

	total := 0
	for i, p := range people {
		total += renewed[i]
		v := p.view()
		assert.EqualValues(t, renewed[i]+1, v.Token.Generation, "every renewal put one token in use")
		assert.Equal(t, enrollment.Active, v.Health)
		assert.Nil(t, v.LiveRun)
	}
	assert.Empty(t, nano.wrong)
	wipes, doubles := 0, 0
	for udid, commands := range nano.wipes {
		wipes++
		if len(commands) > 1 {
			doubles++
			t.Errorf("%s was wiped by %v", udid, commands)
		}
	}
	plans, states := 0, map[migration.MoveState]int{}
	for _, m := range movers {
		for _, id := range m.plans {
			v := m.view(ctx, id)
			assert.Equal(t, migration.PlanCompleted, v.State)
			plans++
		}
		for state, n := range m.moves(ctx) {
			states[state] += n
		}
	}
	for _, d := range world.Devices() {
		assert.LessOrEqual(t, d.Erases(), 1, d.Serial())
	}
	report, err := s.host.runner.VerifyAudit(ctx)
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
	t.Logf("%v: %d killed, %d stopped for longer than a lease; %d renewals completed; %d plans ended, devices %v; %d devices wiped by %d requests, doubles=%d; log %v",
		long, kills, stops, total, plans, states, wipes, nano.asked, doubles, c.log.problems())
}

// misbehave lets requests to Apple fail in many ways until the context ends.
func (s *stage) misbehave(ctx context.Context) {
	faults := []appletest.Fault{
		{Kind: appletest.CutBefore}, {Kind: appletest.CutAfter}, {Kind: appletest.CutDuring}, {Kind: appletest.Garbage},
		{Kind: appletest.Status, Status: 500}, {Kind: appletest.Status, Status: 502}, appletest.Unavailable(0),
	}
	for ctx.Err() == nil {
		f := faults[rand.IntN(len(faults))]
		f.Times = 1 + rand.IntN(2)
		end := s.apple.Fail(f)
		wait(ctx, time.Duration(50+rand.IntN(300))*time.Millisecond)
		end()
	}
}

// tooEarly says that a device is wiped before its new service has it, with its profile.
func tooEarly(movers []*mover, tenant enrollment.TenantID, udid string) string {
	for _, m := range movers {
		if m.from.tenant != tenant {
			continue
		}
		for _, d := range m.world.Devices() {
			if d.Enrollment().UDID != udid {
				continue
			}
			standing, _ := m.from.org.Standing(d.Serial())
			if standing.Service != m.to.service || standing.URL() != m.new.URL() {
				return d.Serial() + " was wiped before its new service was ready for it"
			}
		}
	}
	return ""
}

func ended(ctx context.Context, movers []*mover) bool {
	for _, m := range movers {
		if !m.ended(ctx) {
			return false
		}
	}
	return true
}

// moves counts the devices of all plans by how they stand.
func (m *mover) moves(ctx context.Context) map[migration.MoveState]int {
	states := map[migration.MoveState]int{}
	for _, id := range m.plans {
		page, err := m.s.tenant(m.from.tenant).Moves(ctx, tess, id, "", runner.Page{Limit: 1000})
		require.NoError(m.s.t, err)
		for _, v := range page.Moves {
			states[v.State]++
			if v.Problem != nil {
				m.s.t.Logf("%s is %s: %v", v.Device.Serial, v.State, v.Problem)
			}
		}
	}
	return states
}
