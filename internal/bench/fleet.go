package main

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

const (
	oldService = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
	newService = "1A1B2C3D4E5F60718293A4B5C6D7E8F9"
	newProfile = "3F2504E04F8911D39A0C0305E82C3301"
)

// fleet is every device of a customer, and everybody outside who knows of them: Apple, which assigns them at once, and the MDM,
// which still manages them. It answers without a network and keeps two bits of each device.
type fleet struct {
	now func() time.Time

	mu       sync.Mutex
	moved    []bool
	profiled []bool
}

func newFleet(devices int, now func() time.Time) *fleet {
	return &fleet{now: now, moved: make([]bool, devices), profiled: make([]bool, devices)}
}

func serialOf(i int) string { return fmt.Sprintf("C02%08d", i) }

func (f *fleet) index(serial string) int {
	i := 0
	for _, digit := range serial[3:] {
		i = 10*i + int(digit-'0')
	}
	return i
}

// rows are all devices, as they come from a list that is not in memory.
func (f *fleet) rows() iter.Seq2[runner.PlanRow, error] {
	return func(yield func(runner.PlanRow, error) bool) {
		for i := range len(f.moved) {
			if !yield(runner.PlanRow{Serial: serialOf(i)}, nil) {
				return
			}
		}
	}
}

// Account tells whose a token is: each names its service.
func (f *fleet) Account(_ context.Context, t abmtoken.Token) (abmtoken.Account, error) {
	return abmtoken.Account{ServerUUID: t.ConsumerKey(), ServerName: "MDM", AdminID: "it@acme.example", OrgID: "1234567", OrgName: "Acme Inc.", OrgType: "org"}, nil
}

// Assign does it at once.
func (f *fleet) Assign(_ context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, serial := range r.Serials {
		f.moved[f.index(serial)] = true
	}
	return enrollment.Activity{ID: string(r.Effect), State: enrollment.ActivityRunning}, nil
}

// Activity has ended whenever it is asked about.
func (f *fleet) Activity(_ context.Context, _ enrollment.TenantID, id string) (enrollment.Activity, error) {
	return enrollment.Activity{ID: id, State: enrollment.ActivityCompleted}, nil
}

// AssignProfile succeeds.
func (f *fleet) AssignProfile(_ context.Context, _ enrollment.Service, _ string, serials []string) ([]enrollment.DeviceResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	results := make([]enrollment.DeviceResult, len(serials))
	for i, serial := range serials {
		f.profiled[f.index(serial)] = true
		results[i] = enrollment.DeviceResult{Serial: serial, Outcome: enrollment.OK}
	}
	return results, nil
}

// Devices of a service: nobody asks for all of them.
func (f *fleet) Devices(context.Context, enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return func(func(enrollment.AssignedDevice, error) bool) {}
}

// Lookup shows devices as a service sees them.
func (f *fleet) Lookup(_ context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := make([]enrollment.AssignedDevice, len(serials))
	for i, serial := range serials {
		at := f.index(serial)
		d := enrollment.AssignedDevice{
			Device:   enrollment.Device{Serial: serial, Model: "MacBook Air", Family: enrollment.FamilyMac},
			Assigned: enrollment.No, ObservedAt: f.now(),
		}
		if f.moved[at] == (s.UUID == newService) {
			d.Assigned, d.Server, d.Service = enrollment.Yes, s.Server, s.UUID
			if f.profiled[at] && s.UUID == newService {
				d.Profile, d.ProfileStatus, d.ProfileAssigned = newProfile, enrollment.ProfileAssigned, f.now()
			}
		}
		seen[i] = d
	}
	return seen, nil
}

// DeviceFacts are those of a device that its MDM manages.
func (f *fleet) DeviceFacts(_ context.Context, _ enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (enrollment.DeviceFacts, error) {
	d.UDID = "00008103-" + d.Serial
	return enrollment.DeviceFacts{
		Device: d, MDM: mdm, Managed: enrollment.Yes, Supervised: enrollment.Yes, ObservedAt: f.now(), LastSeen: f.now(),
	}, nil
}
