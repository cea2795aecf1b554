package fleet

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// State is where a device stands.
type State string

// The states of a device.
const (
	Managed   State = "managed"   // enrolled at an MDM
	Unmanaged State = "unmanaged" // set up, and nobody manages it
	Erased    State = "erased"    // in Setup Assistant, or on the way there
	Stuck     State = "stuck"     // in Setup Assistant: its Activation Lock asks for an account
	PINLocked State = "pin_locked"
	Gone      State = "gone" // nobody sees it again
)

// Device is a device that acts. Make one with [World.AddDevice].
type Device struct {
	world *World
	org   *appletest.Organization

	spec    Spec
	state   State
	mdm     *MDM // of Managed
	service *appletest.Service
	backup  *MDM // which managed it before the last erase
	locked  bool
	pin     string
	alone   bool      // it goes through Setup Assistant without hands
	next    time.Time // of the next check-in, or step of Setup Assistant
	again   time.Time // not before, another attempt to migrate
	put     int       // how many times it has put a wipe off
	erases  int
}

func newDevice(w *World, org *appletest.Organization, spec Spec) *Device {
	spec = spec.filled()
	return &Device{world: w, org: org, spec: spec, state: Unmanaged, locked: spec.Locked}
}

// Serial returns the serial number.
func (d *Device) Serial() string { return d.spec.Serial }

// Enrollment returns the device as its MDM knows it.
func (d *Device) Enrollment() enrollment.Device { return d.spec.device() }

// State returns where the device stands.
func (d *Device) State() State { return read(d, func() State { return d.state }) }

// MDM returns the MDM that manages it; nil: none does.
func (d *Device) MDM() *MDM { return read(d, func() *MDM { return d.mdm }) }

// Service returns the service by whose profile it enrolled; nil: it enrolled by none.
func (d *Device) Service() *appletest.Service {
	return read(d, func() *appletest.Service { return d.service })
}

// Erases returns how many times the device was erased.
func (d *Device) Erases() int { return read(d, func() int { return d.erases }) }

// Locked reports whether an Activation Lock is on.
func (d *Device) Locked() bool { return read(d, d.isLocked) }

func read[T any](d *Device, get func() T) T {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	return get()
}

func (d *Device) isLocked() bool {
	standing, _ := d.org.Standing(d.spec.Serial)
	return d.locked || standing.Locked
}

func (d *Device) unlock() {
	d.locked = false
	d.org.TurnOffActivationLock(d.spec.Serial)
}

// capable reports whether the device can change its MDM without an erase (Apple, "Migrating managed devices", 2026: iOS,
// iPadOS and macOS from 26 on, no Shared iPad).
func (d *Device) capable() bool {
	switch d.spec.Family.Platform() {
	case enrollment.PlatformIOS, enrollment.PlatformIPadOS, enrollment.PlatformMacOS:
		return d.spec.device().Major() >= 26 && !d.spec.NotCapable && !d.spec.SharedIPad
	}
	return false
}

// online returns the first moment from a time on in which the device has a network; zero: there is none.
func (d *Device) online(from time.Time) time.Time {
	for moved := true; moved; {
		moved = false
		for _, w := range d.spec.Offline {
			if from.Before(w.From) || !w.Until.IsZero() && !from.Before(w.Until) {
				continue
			}
			if w.Until.IsZero() {
				return time.Time{}
			}
			from, moved = w.Until, true
		}
	}
	return from
}
