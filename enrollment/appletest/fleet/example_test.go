package fleet_test

import (
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// Five devices of a lost server are moved by hand, each in the way that its kind allows.
func Example() {
	world := newCompany() // an organization with an old and a new service, and the MDM behind each
	capable := world.device(fleet.Spec{Serial: "CAPABLE", Family: enrollment.FamilyIPhone, OS: "26.1"})
	plain := world.device(fleet.Spec{Serial: "PLAIN"})
	refuses := world.device(fleet.Spec{Serial: "REFUSES", Manner: fleet.Refuses})
	away := world.device(fleet.Spec{Serial: "AWAY", Offline: []fleet.Window{{From: start.Add(time.Minute), Until: start.AddDate(0, 2, 0)}}})
	locked := world.device(fleet.Spec{Serial: "LOCKED", Family: enrollment.FamilyIPad, OS: "17.4", Locked: true, NoBypassCode: true})
	world.clock.Pass(time.Hour)

	// The new service has them, and their profile, before anything is erased.
	world.assign(world.to, world.clock.Now().AddDate(0, 0, 30), capable)
	world.assign(world.to, time.Time{}, plain, refuses, away, locked)
	for _, d := range []*fleet.Device{plain, refuses, away, locked} {
		if err := world.wipe(world.order(d)); err != nil {
			fmt.Println(err)
		}
	}
	for _, days := range []int{1, 40, 62} {
		world.Advance(start.AddDate(0, 0, days).Sub(world.clock.Now()))
		fmt.Printf("after %d days\n", days)
		for _, d := range world.Devices() {
			where := ""
			if m := d.MDM(); m != nil {
				where = " at " + string(m.ID())
			}
			fmt.Printf("  %s: %s%s, erased %d times\n", d.Serial(), d.State(), where, d.Erases())
		}
	}
	// Output:
	// after 1 days
	//   CAPABLE: managed at old, erased 0 times
	//   PLAIN: managed at new, erased 1 times
	//   REFUSES: managed at old, erased 0 times
	//   AWAY: managed at old, erased 0 times
	//   LOCKED: stuck, erased 1 times
	// after 40 days
	//   CAPABLE: managed at new, erased 0 times
	//   PLAIN: managed at new, erased 1 times
	//   REFUSES: managed at old, erased 0 times
	//   AWAY: managed at old, erased 0 times
	//   LOCKED: stuck, erased 1 times
	// after 62 days
	//   CAPABLE: managed at new, erased 0 times
	//   PLAIN: managed at new, erased 1 times
	//   REFUSES: managed at old, erased 0 times
	//   AWAY: managed at new, erased 1 times
	//   LOCKED: stuck, erased 1 times
}
