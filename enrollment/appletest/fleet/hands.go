package fleet

import "time"

// What people do with a device by hand.

// EnrollAt enrolls the device at an MDM by hand, as it stands: the first time, or again at the old one. It reports whether
// the MDM was there.
func (d *Device) EnrollAt(m *MDM) bool {
	return d.byHand(func(now time.Time) bool {
		if m.down {
			return false
		}
		if d.mdm != nil && d.mdm != m && !d.mdm.down {
			d.mdm.checkedOut(d)
		}
		if standing, _ := d.org.Standing(d.spec.Serial); standing.Service != nil && d.world.at(standing.URL()) == m {
			d.enroll(m, standing.Service, now)
		} else {
			d.enroll(m, nil, now)
		}
		return true
	})
}

// EraseByHand erases the device on the spot; then it is walked through Setup Assistant.
func (d *Device) EraseByHand() {
	d.byHand(func(now time.Time) bool { d.erase(now); return true })
}

// Restore puts the backup from before the last erase onto the device, and with it the enrollment of that time, where that
// MDM still answers. It reports whether it did.
func (d *Device) Restore() bool {
	return d.byHand(func(now time.Time) bool {
		if d.backup == nil || d.backup.down || d.state != Erased && d.state != Unmanaged {
			return false
		}
		d.enroll(d.backup, nil, now)
		return true
	})
}

// WalkThrough walks an erased device through Setup Assistant now.
func (d *Device) WalkThrough() {
	d.byHand(func(now time.Time) bool {
		if d.state == Erased || d.state == Stuck {
			d.state = Erased
			d.setUp(now)
		}
		return true
	})
}

// Unlock turns the Activation Lock off, as an administrator does at Apple's portal, or whoever's account it asks for. A
// device that waits for it goes on with [Device.WalkThrough].
func (d *Device) Unlock() {
	d.byHand(func(time.Time) bool { d.unlock(); return true })
}

// EnterPIN unlocks a Mac that was wiped with a PIN. It reports whether it was the right one.
func (d *Device) EnterPIN(digits string) bool {
	return d.byHand(func(now time.Time) bool {
		if d.state != PINLocked || digits != d.pin {
			return false
		}
		d.pin = ""
		before := d.backup
		d.erase(now)
		d.backup = before
		return true
	})
}

// Offline takes the device from the network until a time; zero: for ever.
func (d *Device) Offline(until time.Time) {
	d.byHand(func(now time.Time) bool {
		d.spec.Offline = append(d.spec.Offline, Window{now, until})
		return true
	})
}

// Behave changes what the device does with wipes from now on.
func (d *Device) Behave(m Manner) {
	d.byHand(func(time.Time) bool { d.spec.Manner = m; return true })
}

// byHand does something to the device and lets the world hear of it.
func (d *Device) byHand(do func(now time.Time) bool) bool {
	d.world.mu.Lock()
	done := do(d.world.clock())
	d.world.mu.Unlock()
	d.world.tell()
	return done
}
