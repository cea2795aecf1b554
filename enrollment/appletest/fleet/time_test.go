package fleet_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// One MDM behind both services: what tells the two enrollments apart is the service that the device came by.
func TestOneMDMBehindBothServices(t *testing.T) {
	world := newCompany()
	world.old.Serves(world.to, "srv_new")
	world.define(world.to, world.old.URL()+"/to")
	d := world.device(fleet.Spec{Serial: "C02"})
	world.assign(world.to, time.Time{}, d)
	require.NoError(t, world.wipe(world.order(d)))
	world.Advance(time.Hour)

	var servers []enrollment.ServerID
	for _, e := range world.Events() {
		if e.Kind == enrollment.DeviceEnrolled {
			servers = append(servers, e.Server)
			assert.Equal(t, enrollment.MDMID("old"), e.MDM)
		}
	}
	assert.Equal(t, []enrollment.ServerID{"srv_old", "srv_new"}, servers)
}

// A device answers nothing while it is off, however its times are listed, and acts at the first moment after.
func TestOfflineTimes(t *testing.T) {
	world := newCompany()
	d := world.device(fleet.Spec{Serial: "C02", Offline: []fleet.Window{
		{From: start.Add(5 * time.Hour), Until: start.Add(6 * time.Hour)}, {From: start.Add(time.Second), Until: start.Add(5 * time.Hour)},
	}})
	world.clock.Pass(time.Minute)
	require.NoError(t, world.wipe(world.order(d)))
	assert.Equal(t, start.Add(6*time.Hour), world.Wake())
	world.Advance(6 * time.Hour)
	events := world.Events()
	assert.Equal(t, start.Add(6*time.Hour), events[2].At)
	assert.Equal(t, enrollment.DeviceWipeAnswered, events[2].Kind)
}

// A large world over a long time has few moments in which something happens.
func TestALargeWorldForAMonth(t *testing.T) {
	world := newCompany()
	var all []*fleet.Device
	n := 500
	if testing.Short() {
		n = 100
	}
	for i := range n {
		spec := fleet.Spec{Serial: fmt.Sprintf("C%04d", i), OS: "26.0", NotCapable: i%2 == 0}
		all = append(all, world.device(spec))
	}
	world.assign(world.to, start.AddDate(0, 0, 10), all...)
	for i, d := range all {
		if i%2 == 0 {
			require.NoError(t, world.wipe(world.order(d)))
		}
	}
	world.Advance(30 * 24 * time.Hour)
	assert.Equal(t, n, world.new.Devices())
	erases := 0
	for _, d := range all {
		erases += d.Erases()
	}
	assert.Equal(t, n/2, erases)
}

// The same calls give the same history, to the microsecond.
func TestHistoryRepeatsItself(t *testing.T) {
	run := func() []enrollment.DeviceEvent {
		world := newCompany()
		for i := range 20 {
			d := world.device(fleet.Spec{Serial: fmt.Sprintf("C%02d", i), NotNow: i % 3, SetUp: time.Duration(1+i%4) * time.Minute, Polls: time.Hour})
			world.assign(world.to, time.Time{}, d)
			require.NoError(t, world.wipe(world.order(d)))
		}
		world.Advance(12 * time.Hour)
		return world.Events()
	}
	first := run()
	assert.Equal(t, first, run())
	assert.Greater(t, len(first), 100)
	for i := 1; i < len(first); i++ {
		assert.False(t, first[i].At.Before(first[i-1].At), "time does not run back")
	}
}

// A subscriber is told everything once, in its order, and may act on the world while it is told.
func TestSubscribersMayCallBack(t *testing.T) {
	world := newCompany()
	var seen []enrollment.DeviceEvent
	world.old.Subscribe(func(e enrollment.DeviceEvent) {
		seen = append(seen, e)
		if e.Kind == enrollment.DeviceEnrolled && len(seen) == 2 {
			world.Device(e.Serial).EnrollAt(world.old)
		}
	})
	world.device(fleet.Spec{Serial: "C02"})
	assert.Equal(t, world.Events(), seen)
	assert.Len(t, seen, 4)
	for _, e := range seen {
		assert.Equal(t, enrollment.TenantID("acme"), e.Tenant)
		assert.Equal(t, start, e.At)
		assert.Equal(t, "C02", e.Serial)
	}
}

// Everything is safe for concurrent use, and nobody misses an event.
func TestConcurrentUse(t *testing.T) {
	world := newCompany()
	var mu sync.Mutex
	told := 0
	count := func(enrollment.DeviceEvent) { mu.Lock(); told++; mu.Unlock() }
	world.old.Subscribe(count)
	world.new.Subscribe(count)
	var wg sync.WaitGroup
	for i := range 8 {
		d := world.AddDevice(world.org, fleet.Spec{Serial: fmt.Sprintf("C%02d", i)})
		world.assign(world.to, time.Time{}, d)
		wg.Go(func() {
			d.EnrollAt(world.old)
			must(world.wipe(world.order(d)))
			world.Step()
			_ = d.State()
			d.WalkThrough()
		})
	}
	wg.Wait()
	world.Step()
	assert.Len(t, world.Devices(), world.new.Devices())
	assert.Len(t, world.Events(), told)
	assert.Equal(t, 8*5, told)
}

// In a synctest bubble the world needs no clock of its own.
func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := fleet.New(fleet.Options{})
		mdm := world.AddMDM("acme", "old")
		apple := appletest.New(appletest.Options{})
		d := world.AddDevice(apple.AddOrganization("Acme Inc."), fleet.Spec{Serial: "C02"})
		assert.True(t, world.Wake().IsZero(), "an unmanaged device does nothing by itself")
		d.EnrollAt(mdm)
		began := time.Now()
		assert.Equal(t, began.Add(4*time.Hour).UTC(), world.Wake())
		world.Advance(9 * time.Hour)
		assert.Equal(t, 9*time.Hour, time.Since(began))
		facts, err := world.Ports().DeviceFacts(t.Context(), "acme", "old", d.Enrollment())
		require.NoError(t, err)
		assert.Equal(t, began.Add(8*time.Hour).UTC(), facts.LastSeen)
		assert.Panics(t, func() { world.AddDevice(apple.AddOrganization("Other"), fleet.Spec{Serial: "C02"}) })
	})
}
