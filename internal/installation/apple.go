package installation

import (
	"context"
	"iter"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// Apple stands for everything outside of an installation, at once and without a network: Apple knows every token, and the
// MDM has heard nothing new of any device. So what is measured is the library and its store.
type Apple struct{}

// Plug plugs it into every port by which devices move.
func (a Apple) Plug(c runner.Config) runner.Config {
	c.Verifier, c.Assigner, c.Profiles, c.Devices, c.Wipes, c.MDM, c.Locks = a, a, a, a, a, a, a
	return c
}

// Account is whose a token of the installation is.
func (Apple) Account(_ context.Context, t abmtoken.Token) (abmtoken.Account, error) {
	return abmtoken.Account{ServerUUID: serverUUID(t.ConsumerKey()), ServerName: "MDM", AdminID: "it@example.com", OrgID: "1000000", OrgName: "Acme Inc.", OrgType: "org"}, nil
}

// Assign begins with what it is asked for.
func (Apple) Assign(_ context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	return enrollment.Activity{ID: string(r.Effect), State: enrollment.ActivityRunning}, nil
}

// Activity has not ended.
func (Apple) Activity(_ context.Context, _ enrollment.TenantID, id string) (enrollment.Activity, error) {
	return enrollment.Activity{ID: id, State: enrollment.ActivityRunning}, nil
}

// AssignProfile succeeds.
func (Apple) AssignProfile(_ context.Context, _ enrollment.Service, _ string, serials []string) ([]enrollment.DeviceResult, error) {
	results := make([]enrollment.DeviceResult, len(serials))
	for i, s := range serials {
		results[i] = enrollment.DeviceResult{Serial: s, Outcome: enrollment.OK}
	}
	return results, nil
}

// Devices of a service: none.
func (Apple) Devices(context.Context, enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return func(func(enrollment.AssignedDevice, error) bool) {}
}

// Lookup shows every device at the service that is asked.
func (Apple) Lookup(_ context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	seen := make([]enrollment.AssignedDevice, len(serials))
	for i, serial := range serials {
		seen[i] = enrollment.AssignedDevice{
			Device: enrollment.Device{Serial: serial}, Assigned: enrollment.Yes, Server: s.Server, Service: s.UUID,
		}
	}
	return seen, nil
}

// Wipe is taken, and never answered.
func (Apple) Wipe(context.Context, enrollment.Wipe, enrollment.PIN) (enrollment.WipeStatus, error) {
	return enrollment.WipeStatus{State: enrollment.WipeQueued}, nil
}

// WipeStatus is the same for ever.
func (Apple) WipeStatus(context.Context, enrollment.WipeRef) (enrollment.WipeStatus, error) {
	return enrollment.WipeStatus{State: enrollment.WipeQueued}, nil
}

// RecallWipe comes in time.
func (Apple) RecallWipe(context.Context, enrollment.WipeRef) error { return nil }

// WipeAbilities are all there are.
func (Apple) WipeAbilities(context.Context, enrollment.TenantID, enrollment.MDMID) (enrollment.WipeAbilities, error) {
	return enrollment.WipeAbilities{RefusesRepeats: true, Status: true, Recall: true}, nil
}

// DeviceFacts has nothing new.
func (Apple) DeviceFacts(_ context.Context, _ enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (enrollment.DeviceFacts, error) {
	return enrollment.DeviceFacts{Device: d, MDM: mdm, Managed: enrollment.Yes, Supervised: enrollment.Yes, ObservedAt: time.Now().UTC()}, nil
}

// ActivationLock is off.
func (Apple) ActivationLock(context.Context, enrollment.TenantID, enrollment.Device) (enrollment.ActivationLock, error) {
	return enrollment.ActivationLock{Locked: enrollment.No}, nil
}

// ClearActivationLock has nothing to do.
func (Apple) ClearActivationLock(context.Context, enrollment.TenantID, enrollment.Device) error {
	return nil
}
