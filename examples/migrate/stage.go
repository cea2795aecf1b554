package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

const (
	tenant = enrollment.TenantID("acme")
	day    = 24 * time.Hour
)

// stage is the world outside of the host: Apple, the customer there, two MDMs and the devices.
type stage struct {
	calendar *appletest.Calendar // it stands still until it is told to move, so that a story can be told twice
	random   *rand.ChaCha8
	apple    *appletest.Apple
	org      *appletest.Organization
	admin    *appletest.Admin // the customer's administrator, who clicks at Apple's portal

	world    *fleet.World
	old, new *fleet.MDM
	from, to *appletest.Service // that stand for them at Apple
	cast     []*actor
	deaf     error // the first thing that the host did not want to hear
}

// newStage builds the world, without services at Apple yet. The same seed makes the same one.
func newStage(seed uint64) *stage {
	s := &stage{calendar: appletest.NewCalendar(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))}
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	s.random = rand.NewChaCha8(key)
	s.apple = appletest.New(appletest.Options{
		Now: s.calendar.Now, Random: s.random,
		Behavior: appletest.Behavior{API: appletest.API{ActivityLag: 3 * time.Minute, AssignmentLag: time.Minute, APIPosts: 10}},
	})
	s.org = s.apple.AddOrganization("Acme Inc.")
	s.admin = s.org.AddAdmin("it@acme.example")
	s.world = fleet.New(fleet.Options{Now: s.calendar.Now, Wait: s.calendar.Pass})
	s.old, s.new = s.world.AddMDM(tenant, "old"), s.world.AddMDM(tenant, "new")
	return s
}

// call has both MDMs tell a host what they see.
func (s *stage) call(ctx context.Context, hears func(context.Context, enrollment.DeviceEvent) error) {
	for _, mdm := range []*fleet.MDM{s.old, s.new} {
		mdm.Subscribe(func(e enrollment.DeviceEvent) {
			if err := hears(ctx, e); err != nil && s.deaf == nil {
				s.deaf = err
			}
		})
	}
}
