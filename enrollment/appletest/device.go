package appletest

import (
	"fmt"
	"slices"
	"time"
)

// Device is a device that an organization bought: what Apple knows of it. Empty fields are not sent.
type Device struct {
	Serial      string // needed
	Model       string // empty: "Mac"
	Description string
	Color       string
	AssetTag    string
	OS          string // iOS, iPadOS, OSX, tvOS, visionOS; empty: OSX
	Family      string // iPad, iPhone, iPod, Mac, AppleTV, Vision; empty: Mac

	IMEI, MEID                []string
	EID                       string
	WiFi, Bluetooth, Ethernet string // MAC addresses
	Replacement               bool

	// Migrates: it can change its device management without an erase (isMdmMigrationCapable of the Apple Business API).
	Migrates    bool
	ProductType string // "Mac14,2"; the API shows it

	NoActivationLock bool // cannot be locked: DEVICE_NOT_SUPPORTED
	LockFails        bool // Apple fails to lock it: FAILED
}

// device is a device and where it stands. Copies of it are the entries of the sync list.
type device struct {
	Device
	service        *Service
	assigned       time.Time
	assignedBy     string
	deadline       time.Time // of a migration; zero: none
	migration      Migration
	before         *Service // the one that it migrates away from; nil: none
	profile        string   // UUID
	profileStatus  string
	profileGiven   time.Time
	profileFetched time.Time
	throttled      time.Time // assignments are throttled until then
	locked         bool
	released       time.Time // from the organization; zero: not
}

// The values of profile_status.
const (
	profileEmpty    = "empty"
	profileAssigned = "assigned"
	profilePushed   = "pushed"
	profileRemoved  = "removed"
)

// AddDevices adds devices that are not assigned to a service. One that is there already is replaced.
func (o *Organization) AddDevices(devices ...Device) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	for _, d := range devices {
		if d.Model == "" {
			d.Model = "Mac"
		}
		if d.OS == "" && d.Family == "" {
			d.OS, d.Family = "OSX", "Mac"
		}
		d.IMEI, d.MEID = slices.Clone(d.IMEI), slices.Clone(d.MEID)
		o.devices[d.Serial] = &device{Device: d, profileStatus: profileEmpty}
	}
}

// Assign assigns devices to a service; those of another service of the organization move. It does all or, with an
// error, nothing.
func (p *Admin) Assign(s *Service, serials ...string) error {
	return p.AssignWithDeadline(s, time.Time{}, serials...)
}

// AssignWithDeadline assigns devices with a deadline for their migration, which the service sees in
// mdm_migration_deadline.
func (p *Admin) AssignWithDeadline(s *Service, deadline time.Time, serials ...string) error {
	a := p.org.apple
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.deleted {
		return ErrDeleted
	}
	if s.org != p.org {
		return ErrForeign
	}
	devices, err := p.pick(serials)
	if err != nil {
		return err
	}
	for _, d := range devices {
		d.assign(s, p.account, deadline, a.clock())
	}
	return nil
}

// Unassign takes devices from their services; they stay the organization's.
func (p *Admin) Unassign(serials ...string) error {
	a := p.org.apple
	a.mu.Lock()
	defer a.mu.Unlock()
	devices, err := p.pick(serials)
	if err != nil {
		return err
	}
	for _, d := range devices {
		d.leave(a.clock())
	}
	return nil
}

// pick needs the lock.
func (p *Admin) pick(serials []string) ([]*device, error) {
	if err := p.may(AssignDevices); err != nil {
		return nil, err
	}
	out := make([]*device, len(serials))
	for i, serial := range serials {
		d := p.org.devices[serial]
		if d == nil {
			return nil, fmt.Errorf("%w: %q", ErrUnknownDevice, serial)
		}
		out[i] = d
	}
	return out, nil
}

// assign gives a device to a service. The profile that it had is gone, even if the service stays the same
// (observed): the service must assign one again.
func (d *device) assign(s *Service, by string, deadline, now time.Time) {
	op, before := opAdded, d.service
	if d.service == s {
		op = opModified
	} else if d.service != nil {
		d.leave(now)
		if s.org.apple.behavior.ReassignAsModified {
			op = opModified
		}
	}
	d.service, d.assigned, d.assignedBy = s, now, by
	if d.plan(deadline); d.migration == MigrationRequested {
		d.before = before
	}
	d.dropProfile()
	s.note(op, d, now)
}

// leave takes a device from its service.
func (d *device) leave(now time.Time) {
	s := d.service
	if s == nil {
		return
	}
	d.service = nil
	d.plan(time.Time{})
	d.dropProfile()
	s.note(opDeleted, d, now)
}

// stay cancels a migration that has not begun: the device goes back to the service that it was to leave.
func (d *device) stay(by string, now time.Time) {
	if d.before == nil {
		d.leave(now)
		return
	}
	d.assign(d.before, by, time.Time{}, now)
}

func (d *device) dropProfile() {
	if d.profile != "" {
		d.profileStatus = profileRemoved
	}
	d.profile, d.profileGiven, d.profileFetched = "", time.Time{}, time.Time{}
}

// FetchProfile is what a device does in Setup Assistant: it fetches the profile that is assigned to it, if one is,
// and the status becomes "pushed".
func (o *Organization) FetchProfile(serial string) (fetched bool) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	d := o.devices[serial]
	if d == nil || d.profile == "" {
		return false
	}
	d.profileStatus, d.profileFetched = profilePushed, o.apple.clock()
	d.service.noteProfile(d, d.profileFetched)
	return true
}
