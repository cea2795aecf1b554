package runner_test

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Wipe looks whether the wipe may leave, and hands it over.
func (m *mover) Wipe(ctx context.Context, w enrollment.Wipe, pin enrollment.PIN) (enrollment.WipeStatus, error) {
	m.mu.Lock()
	serial := w.Device.Serial
	standing, _ := m.acme.org.Standing(serial)
	if standing.Service != m.to.apple {
		m.wrong = append(m.wrong, serial+" before its assignment was confirmed")
	}
	seen, err := m.services.Lookup(ctx, enrollment.Service{Tenant: "acme", Server: m.to.id, UUID: m.to.apple.UUID()}, []string{serial})
	if err != nil || !seen[0].HasProfile(m.profile) {
		m.wrong = append(m.wrong, serial+" before its profile was confirmed")
	}
	if !m.halt.IsZero() && !m.clock.Now().Before(m.halt) {
		m.wrong = append(m.wrong, serial+" after the kill switch")
	}
	if !slices.Contains(m.wipes[serial], w.Command) {
		m.wipes[serial] = append(m.wipes[serial], w.Command)
	}
	m.mu.Unlock()
	return m.world.Ports().Wipe(ctx, w, pin)
}

func (m *mover) WipeStatus(ctx context.Context, w enrollment.WipeRef) (enrollment.WipeStatus, error) {
	return m.world.Ports().WipeStatus(ctx, w)
}

func (m *mover) RecallWipe(ctx context.Context, w enrollment.WipeRef) error {
	return m.world.Ports().RecallWipe(ctx, w)
}

func (m *mover) WipeAbilities(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID) (enrollment.WipeAbilities, error) {
	return m.world.Ports().WipeAbilities(ctx, tenant, mdm)
}

func (m *mover) DeviceFacts(
	ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device,
) (enrollment.DeviceFacts, error) {
	m.mu.Lock()
	m.asked[mdm]++
	m.mu.Unlock()
	return m.world.Ports().DeviceFacts(ctx, tenant, mdm, d)
}

// reads is how often the old MDM was asked about a device.
func (m *mover) reads() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked["old"]
}

func (m *mover) AssignProfile(ctx context.Context, s enrollment.Service, profile string, serials []string) ([]enrollment.DeviceResult, error) {
	return m.services.AssignProfile(ctx, s, profile, serials)
}

func (m *mover) HasProfile(ctx context.Context, s enrollment.Service, profile string) (enrollment.Known, error) {
	switch {
	case m.bare:
		return enrollment.No, nil
	case m.mute:
		return enrollment.NotKnown, errors.New("no answer")
	}
	return m.services.HasProfile(ctx, s, profile)
}

// Lookup adds what Apple's other API tells of a device.
func (m *mover) Lookup(ctx context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	m.mu.Lock()
	m.looks++
	m.mu.Unlock()
	if m.gone {
		return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: enrollment.ErrServiceGone}
	}
	seen, err := m.services.Lookup(ctx, s, serials)
	for i, d := range seen {
		if standing, found := m.acme.org.Standing(d.Serial); found {
			seen[i].Capable = enrollment.No
			if standing.Migrates {
				seen[i].Capable = enrollment.Yes
			}
		}
	}
	return seen, err
}

func (m *mover) Devices(ctx context.Context, s enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return m.services.Devices(ctx, s)
}

// Assign is Apple, which needs some time.
func (m *mover) Assign(ctx context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	if m.assigner != nil {
		return m.assigner.Assign(ctx, r)
	}
	m.mu.Lock()
	m.posts = append(m.posts, m.clock.Now())
	m.mu.Unlock()
	var err error
	switch r.Kind {
	case enrollment.AssignDevices, enrollment.MigrateDevices:
		err = m.acme.admin.AssignWithDeadline(m.to.apple, r.Deadline, r.Serials...)
	case enrollment.CancelMigration:
		err = m.acme.admin.Assign(m.to.apple, r.Serials...)
	default:
		err = errors.New("nobody asked for " + string(r.Kind))
	}
	if err != nil {
		return enrollment.Activity{}, &enrollment.CallError{Outcome: enrollment.Fatal, Err: err}
	}
	return enrollment.Activity{ID: string(r.Effect), State: enrollment.ActivityRunning}, nil
}

func (m *mover) Activity(ctx context.Context, tenant enrollment.TenantID, id string) (enrollment.Activity, error) {
	if m.assigner != nil {
		return m.assigner.Activity(ctx, tenant, id)
	}
	return enrollment.Activity{ID: id, State: enrollment.ActivityCompleted}, nil
}
