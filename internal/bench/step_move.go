package main

import (
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// theMove begins the move of a device that has to be erased.
func theMove() migration.MoveRequest {
	return migration.MoveRequest{
		ID: "pln_1:C02XL0GSJGH5", Tenant: "acme", Plan: "pln_1",
		Device:   enrollment.Device{Serial: "C02XL0GSJGH5", UDID: "4C4A1B1E", Family: enrollment.FamilyMac},
		Route:    migration.Route{From: "srv_1", To: "srv_2", Profile: "34D3B4F0", OldMDM: "old", NewMDM: "new"},
		Decision: migration.Decision{Strategy: migration.Wipe, Reasons: []migration.Reason{migration.NotCapable}},
	}
}

// moveLife is the move of a device from the call that assigns it to its enrollment at the new MDM: it is seen at its new
// service, gets its profile, is confirmed in its turn, wiped, answers, and enrolls.
func moveLife() (life, error) {
	policy := enrollment.DefaultPolicy()
	begin := theMove()
	started, err := migration.StartMove(today, begin)
	if err != nil {
		return nil, err
	}
	l := life{{"start", func() (bool, error) {
		tr, err := migration.StartMove(today, begin)
		return tr.Moved, err
	}}}
	seen := func(profile string, at time.Time) enrollment.AssignedDevice {
		d := enrollment.AssignedDevice{Device: begin.Device, Assigned: enrollment.Yes, ObservedAt: at}
		if profile != "" {
			d.Profile, d.ProfileStatus = profile, enrollment.ProfileAssigned
		}
		return d
	}
	owed := func(kind enrollment.EffectKind, m migration.Move) enrollment.Result {
		x, _ := m.Pending.Of(kind)
		return enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
	}
	heard := func(kind enrollment.DeviceEventKind, mdm enrollment.MDMID, at time.Time) migration.Observed {
		return migration.Observed{DeviceEvent: enrollment.DeviceEvent{Kind: kind, Tenant: "acme", Serial: begin.Device.Serial, MDM: mdm, At: at}}
	}
	now, m := today, started.Move
	for _, next := range []func() migration.MoveEvent{
		func() migration.MoveEvent { return migration.AssignStarted{Batch: "bat_1"} },
		func() migration.MoveEvent {
			return migration.AssignResult{Batch: "bat_1", Outcome: enrollment.OK}
		},
		func() migration.MoveEvent { return migration.ReadBack{Seen: seen("", now)} },
		func() migration.MoveEvent { return migration.ProfileResult{Outcome: enrollment.OK} },
		func() migration.MoveEvent { return migration.ReadBack{Seen: seen("34D3B4F0", now)} },
		func() migration.MoveEvent { return migration.TurnCalled{Wave: 1} },
		func() migration.MoveEvent {
			return migration.DeviceConfirmed{
				Result: owed(enrollment.ConfirmDevice, m), Seen: seen("34D3B4F0", now), Facts: enrollment.DeviceFacts{
					Device: m.Device, MDM: "old", Managed: enrollment.Yes, Supervised: enrollment.Yes, SharedIPad: enrollment.No,
					AppleSilicon: enrollment.Yes, LastSeen: now, ObservedAt: now,
				},
				Lock: enrollment.ActivationLock{Locked: enrollment.No}, Can: enrollment.WipeAbilities{RefusesRepeats: true},
			}
		},
		func() migration.MoveEvent {
			return migration.WipeReleased{Approval: "apr_1", SendBy: now.Add(migration.SendWithin)}
		},
		func() migration.MoveEvent {
			return migration.WipeSent{Result: owed(enrollment.SendWipe, m), Status: enrollment.WipeStatus{State: enrollment.WipeAcknowledged, At: now}}
		},
		func() migration.MoveEvent { return heard(enrollment.DeviceAuthenticated, "new", now) },
		func() migration.MoveEvent { return heard(enrollment.DeviceEnrolled, "new", now) },
	} {
		now = now.Add(time.Second)
		before, at, ev := m, now, next()
		tr, err := before.Step(policy, at, ev)
		if err != nil {
			return nil, err
		}
		m = tr.Move
		l = append(l, move{string(ev.Name()), func() (bool, error) {
			tr, err := before.Step(policy, at, ev)
			return tr.Moved, err
		}})
	}
	if m.State != migration.MoveEnrolled {
		return nil, fmt.Errorf("the move ended %s", m.State)
	}
	return l, nil
}
