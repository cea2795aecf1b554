package migration_test

import (
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

func ExampleDecide() {
	decision := migration.Decide(migration.Facts{
		Device:     enrollment.Device{Serial: "C02XL0GSJGH5", Family: enrollment.FamilyMac},
		Apple:      enrollment.AssignedDevice{Capable: enrollment.Yes},
		MDMChanges: true,
	}, migration.Limits{Wish: migration.Auto})
	fmt.Printf("%s: %s\n", decision.Strategy, decision.Reasons[0].Text())
	// Output: migrate: Apple says that it can change its MDM without an erase
}

// A device is wiped only when its new service and its MDM have just confirmed it, and the write that releases it has spent the
// budget.
func ExampleMove() {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	started, err := migration.StartMove(now, migration.MoveRequest{
		ID: "mov_1", Tenant: "acme", Plan: "pln_1",
		Device:   enrollment.Device{Serial: "C02XL0GSJGH5", UDID: "4C4A1B1E", Family: enrollment.FamilyMac},
		Route:    migration.Route{From: "srv_1", To: "srv_2", Profile: "34D3B4F0", OldMDM: "old", NewMDM: "new"},
		Decision: migration.Decision{Strategy: migration.Wipe, Reasons: []migration.Reason{migration.NotCapable}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := started.Move
	for _, ev := range []migration.MoveEvent{
		migration.AssignStarted{Batch: "bat_1"},
		migration.AssignResult{Batch: "bat_1", Outcome: enrollment.OK}, // Apple has done with it; seeing is believing
		migration.ReadBack{Seen: enrollment.AssignedDevice{
			Device: m.Device, Assigned: enrollment.Yes, Profile: "34D3B4F0", ProfileStatus: enrollment.ProfileAssigned, ObservedAt: now,
		}},
		migration.WipeReleased{Approval: "apr_1", SendBy: now.Add(migration.SendWithin)}, // too early: ignored
		migration.Observed{DeviceEvent: enrollment.DeviceEvent{
			Kind: enrollment.DeviceEnrolled, Tenant: "acme", Serial: "C02XL0GSJGH5", MDM: "new", At: now.Add(time.Hour),
		}},
	} {
		now = now.Add(time.Hour)
		step, err := m.Step(enrollment.DefaultPolicy(), now, ev)
		if err != nil {
			fmt.Println(err)
			return
		}
		m = step.Move
		fmt.Printf("%s: %s\n", ev.Name(), m.State)
	}
	// Output:
	// assign_started: assigning
	// assign_result: confirming_assignment
	// read_back: awaiting_turn
	// wipe_released: awaiting_turn
	// enrolled: enrolled
}
