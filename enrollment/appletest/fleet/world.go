package fleet

import (
	"errors"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// Options are what a world needs from outside.
type Options struct {
	// Now is the clock, best the one of the fake Apple; nil: time.Now.
	Now func() time.Time
	// Wait moves the clock on, or waits; nil: it waits, which is right inside a testing/synctest bubble.
	Wait func(time.Duration)
}

// World has the devices and MDMs. Make one with [New].
type World struct {
	now  func() time.Time
	wait func(time.Duration)

	mu      sync.Mutex // guards everything below and what hangs on it; never held while a subscriber runs
	devices []*Device  // in the order in which they were added
	bySerial,
	byUDID map[string]*Device
	mdms   []*MDM
	events []enrollment.DeviceEvent
	owed   []delivery

	telling sync.Mutex // one delivery after the other
}

// delivery is an event on its way to a subscriber.
type delivery struct {
	to    func(enrollment.DeviceEvent)
	event enrollment.DeviceEvent
}

// New returns a world without devices.
func New(o Options) *World {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = func(d time.Duration) { <-time.After(d) }
	}
	return &World{now: o.Now, wait: o.Wait, bySerial: map[string]*Device{}, byUDID: map[string]*Device{}}
}

// clock is the time as events carry it.
func (w *World) clock() time.Time { return w.now().UTC().Truncate(time.Microsecond) }

// AddDevice brings a device into the world and, as Apple sees it, into an organization. It is set up and unmanaged until it
// enrolls somewhere. A serial number that is there already is a mistake of the test, which panics.
func (w *World) AddDevice(org *appletest.Organization, spec Spec) *Device {
	d := newDevice(w, org, spec)
	org.AddDevices(appletest.Device{
		Serial: d.spec.Serial, Model: d.spec.Model, OS: appleOS(d.spec.Family), Family: appleFamily(d.spec.Family), Migrates: d.capable(),
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bySerial[d.spec.Serial] != nil || w.byUDID[d.spec.UDID] != nil {
		panic("fleet: there are two devices " + d.spec.Serial)
	}
	w.devices = append(w.devices, d)
	w.bySerial[d.spec.Serial], w.byUDID[d.spec.UDID] = d, d
	return d
}

// Device returns a device by its serial number; nil: there is none.
func (w *World) Device(serial string) *Device {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bySerial[serial]
}

// Devices returns all devices, in the order in which they were added.
func (w *World) Devices() []*Device {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*Device(nil), w.devices...)
}

// Events returns everything that MDMs have seen, in its order.
func (w *World) Events() []enrollment.DeviceEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]enrollment.DeviceEvent(nil), w.events...)
}

// Step lets everything happen that is due now, and tells subscribers. It reports whether anything did.
func (w *World) Step() bool {
	w.mu.Lock()
	now, acted := w.clock(), false
	for _, d := range w.devices {
		for d.act(now) {
			acted = true
		}
	}
	w.mu.Unlock()
	w.tell()
	return acted
}

// Wake returns when the next thing is due; zero: never. Something that hangs on another's doing, such as a device in Setup
// Assistant whose MDM is out of reach, is due at the device's next attempt.
func (w *World) Wake() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	var wake time.Time
	for _, d := range w.devices {
		if at := d.wake(w.clock()); !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	return wake
}

// Advance moves the clock by d, and lets everything happen at its time on the way.
func (w *World) Advance(d time.Duration) {
	end := w.now().Add(d)
	for w.Step(); ; w.Step() {
		now := w.now()
		if !now.Before(end) {
			return
		}
		next := end
		if wake := w.Wake(); !wake.IsZero() && wake.Before(end) {
			next = wake
		}
		w.wait(max(next.Sub(now), time.Microsecond))
	}
}

// note writes an event down and owes it to the subscribers of its MDM; it needs the lock.
func (w *World) note(m *MDM, e enrollment.DeviceEvent) {
	e.Tenant, e.MDM, e.At = m.tenant, m.id, w.clock()
	w.events = append(w.events, e)
	for _, to := range m.subscribers {
		w.owed = append(w.owed, delivery{to, e})
	}
}

// tell hands over what is owed, without the lock: a subscriber may call back.
func (w *World) tell() {
	for {
		if !w.telling.TryLock() {
			return // whoever holds it, perhaps further up in the same call, tells this too
		}
		w.mu.Lock()
		owed := w.owed
		w.owed = nil
		w.mu.Unlock()
		for _, o := range owed {
			o.to(o.event)
		}
		w.telling.Unlock()
		if len(owed) == 0 && !w.owes() {
			return
		}
	}
}

func (w *World) owes() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.owed) > 0
}

// errDown is what a caller sees of an MDM that is out of reach: there is no connection, so nothing was sent.
var errDown = errors.New("fleet: the MDM is out of reach")
