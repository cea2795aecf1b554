package fleet

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// retryEvery is how often a device in Setup Assistant tries to reach an MDM that does not answer.
const retryEvery = 5 * time.Minute

// wake returns when the device acts next; zero: not by itself. It needs the lock.
func (d *Device) wake(now time.Time) time.Time {
	due := d.due()
	if due.IsZero() {
		return due
	}
	if due.Before(now) {
		due = now
	}
	return d.online(due)
}

// due is when the device would act if it had a network.
func (d *Device) due() time.Time {
	var due time.Time
	switch d.state {
	case Erased:
		return d.next
	case Managed:
		due = d.next
		if d.mdm.hasWork(d) {
			due = time.Time{}.Add(1) // it was pushed
		}
		if at, migrates := d.migrates(); migrates && at.Before(due) {
			due = at
		}
	}
	return due
}

// act does one thing that is due, and reports whether there was one. It needs the lock.
func (d *Device) act(now time.Time) bool {
	at := d.wake(now)
	if at.IsZero() || at.After(now) {
		return false
	}
	switch d.state {
	case Erased:
		d.setUp(now)
	case Managed:
		if at, migrates := d.migrates(); migrates && !at.After(now) && d.migrate(now) {
			return true
		}
		d.checkIn(now)
	}
	return true
}

// setUp walks the device through Setup Assistant, where it asks Apple for its profile.
func (d *Device) setUp(now time.Time) {
	if d.isLocked() {
		d.state = Stuck
		return
	}
	standing, ours := d.org.Standing(d.spec.Serial)
	if !ours || standing.Profile == nil {
		d.state, d.mdm, d.service = Unmanaged, nil, nil
		return
	}
	d.org.FetchProfile(d.spec.Serial)
	if to := d.world.at(standing.URL()); to != nil && !to.down {
		d.enroll(to, standing.Service, now)
		return
	}
	d.next = now.Add(retryEvery)
}

// migrates returns when the device begins to migrate by itself, if it was asked to and can.
func (d *Device) migrates() (time.Time, bool) {
	if !d.capable() {
		return time.Time{}, false
	}
	standing, ours := d.org.Standing(d.spec.Serial)
	if !ours || standing.Migration != appletest.MigrationRequested || standing.Profile == nil {
		return time.Time{}, false
	}
	to := d.world.at(standing.URL())
	for _, not := range [...]string{"is_multi_user", "is_return_to_service"} {
		if is, _ := standing.Profile[not].(bool); is {
			to = nil
		}
	}
	begin := standing.Deadline.Add(-d.spec.Migrates)
	if begin.Before(d.again) {
		begin = d.again
	}
	return begin, to != nil
}

// migrate changes the MDM without an erase. Apple removes the Activation Lock of the old one (Apple, "Migrating managed
// devices", 2026). The old MDM hears of it where it is up: the check-out is one best-effort try.
func (d *Device) migrate(now time.Time) bool {
	standing, _ := d.org.Standing(d.spec.Serial)
	to := d.world.at(standing.URL())
	if to.down {
		d.again = now.Add(retryEvery)
		return false
	}
	if !d.mdm.down {
		d.mdm.checkedOut(d)
	}
	d.org.FetchProfile(d.spec.Serial)
	d.org.EndMigration(d.spec.Serial, true)
	d.unlock()
	d.enroll(to, standing.Service, now)
	return true
}

// enroll makes an MDM manage the device.
func (d *Device) enroll(to *MDM, by *appletest.Service, now time.Time) {
	d.state, d.mdm, d.service, d.alone = Managed, to, by, false
	d.next = d.poll(now)
	to.enrolled(d, by)
}

// erase empties the device.
func (d *Device) erase(now time.Time) {
	d.erases++
	d.backup, d.mdm, d.service, d.put = d.mdm, nil, nil, 0
	d.state, d.next = Erased, now.Add(d.spec.SetUp)
	switch {
	case d.spec.Manner == Vanishes:
		d.state, d.next = Gone, time.Time{}
	case d.alone:
		d.next = now.Add(time.Minute)
	case d.spec.SetUp == Never:
		d.next = time.Time{}
	}
}

// poll returns when the device checks in next by itself. All devices with the same habit do so at the same moments, so that
// a large world has few of them.
func (d *Device) poll(now time.Time) time.Time { return now.Truncate(d.spec.Polls).Add(d.spec.Polls) }

// checkIn reports to the MDM and takes what is queued.
func (d *Device) checkIn(now time.Time) {
	m := d.mdm
	d.next = d.poll(now)
	if m.down {
		return
	}
	m.records[d.spec.UDID].seen = now
	if c := m.take(d); c != nil {
		d.obey(m, c, now)
	}
}

// obey does with a wipe what the device's manner is.
func (d *Device) obey(m *MDM, c *command, now time.Time) {
	if d.put < d.spec.NotNow {
		d.put++
		m.answer(d, c, enrollment.WipeNotNow, "")
		return
	}
	state, reason, erases := d.answerTo(c)
	if state != "" {
		m.answer(d, c, state, reason)
	}
	switch {
	case !erases:
	case d.spec.OldMac:
		d.backup, d.mdm, d.service = d.mdm, nil, nil
		d.state, d.pin, d.next = PINLocked, c.pin, time.Time{}
	default:
		d.alone = c.wipe.Options.ReturnToService
		d.erase(now)
	}
}

// answerTo says what the device answers to a wipe, and whether it carries it out.
func (d *Device) answerTo(c *command) (state enrollment.WipeState, reason string, erases bool) {
	isMac := d.spec.Family == enrollment.FamilyMac
	switch {
	case isMac && d.spec.Unsupervised:
		return enrollment.WipeFailed, "the device is not supervised", false
	case isMac && d.spec.OldMac && len(c.pin) != 6:
		return enrollment.WipeFailed, "a PIN is needed", false
	}
	switch d.spec.Manner {
	case Refuses:
		return enrollment.WipeFailed, "the device cannot do it", false
	case Misreads:
		return enrollment.WipeMalformed, "", false
	case Ignores:
		return "", "", false
	case OnlySays:
		return enrollment.WipeAcknowledged, "", false
	case Silent:
		return "", "", true
	case ErasesAfter:
		return enrollment.WipeFailed, "preflight failed", c.wipe.Options.Obliteration != enrollment.DoNotObliterate
	}
	return enrollment.WipeAcknowledged, "", true
}
