package axm

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// capableFor is how long what Apple said is believed. Whether a device can migrate changes with its system alone, and the
// list costs a call for each thousand devices of the organization.
const capableFor = 10 * time.Minute

// beside is a lister that adds what the API tells.
type beside struct {
	enrollment.DeviceLister
	organizations *Organizations

	mu   sync.Mutex
	told map[enrollment.TenantID]*told
}

// told is what the API told about the devices of one organization.
type told struct {
	turn    chan struct{} // held while Apple is asked, so that it is asked once
	at      time.Time
	devices map[string]enrollment.AssignedDevice
}

// Beside returns a lister that shows devices as the given one does (the services themselves: enrollment/dep's Services), with
// what only the API knows of them: whether they can migrate, how far a migration is, and their product. With the first alone no device is known to be
// able to migrate; with Organizations alone none is known to have its enrollment profile. Plans need both.
//
// The API is asked for the devices of an organization as a whole, and believed for ten minutes. Where it does not answer, nor
// does the lister. Of a tenant without account ([ErrNoAccount]) nothing is added.
func (o *Organizations) Beside(l enrollment.DeviceLister) enrollment.DeviceLister {
	return &beside{DeviceLister: l, organizations: o, told: map[enrollment.TenantID]*told{}}
}

// Devices implements [enrollment.DeviceLister].
func (b *beside) Devices(ctx context.Context, s enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return func(yield func(enrollment.AssignedDevice, error) bool) {
		devices, err := b.ask(ctx, s)
		if err != nil {
			yield(enrollment.AssignedDevice{}, err)
			return
		}
		for d, err := range b.DeviceLister.Devices(ctx, s) {
			if !yield(add(d, devices), err) {
				return
			}
		}
	}
}

// Lookup implements [enrollment.DeviceLister].
func (b *beside) Lookup(ctx context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	seen, err := b.DeviceLister.Lookup(ctx, s, serials)
	if err != nil || len(seen) == 0 {
		return seen, err
	}
	devices, err := b.ask(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range seen {
		seen[i] = add(seen[i], devices)
	}
	return seen, nil
}

// add gives a device what the API told. What the service itself says, counts.
func add(d enrollment.AssignedDevice, devices map[string]enrollment.AssignedDevice) enrollment.AssignedDevice {
	if seen, is := devices[d.Serial]; is {
		d.Capable, d.Device = seen.Capable, seen.Device.Refreshed(d.Device)
		if d.Migration == "" && d.Assigned == enrollment.Yes {
			d.Migration = seen.Migration
		}
	}
	return d
}

// ask returns what the API says about the devices of a service's organization.
func (b *beside) ask(ctx context.Context, s enrollment.Service) (map[string]enrollment.AssignedDevice, error) {
	c, err := b.organizations.of(ctx, s.Tenant)
	if errors.Is(err, ErrNoAccount) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	t := b.told[s.Tenant]
	if t == nil {
		t = &told{turn: make(chan struct{}, 1)}
		b.told[s.Tenant] = t
	}
	b.mu.Unlock()
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return nil, callError(ctx.Err())
	}
	now := c.asked()
	if age := now.Sub(t.at); t.devices != nil && age >= 0 && age < capableFor {
		return t.devices, nil
	}
	devices := map[string]enrollment.AssignedDevice{}
	for d, err := range c.Devices(ctx) {
		if err != nil {
			return nil, callError(err)
		}
		devices[d.Serial] = portDevice(s, d, now)
	}
	t.devices, t.at = devices, now
	return devices, nil
}
