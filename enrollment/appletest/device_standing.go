package appletest

import "time"

// Migration is how far a device has come on its way to another service without an erase (mdmMigrationStatus of the Apple
// Business API).
type Migration string

// The statuses of a migration; empty: none was asked for.
const (
	MigrationRequested Migration = "REQUESTED"
	MigrationSucceeded Migration = "SUCCESS"
	MigrationFailed    Migration = "FAILED"
)

// plan begins the migration of a device with a deadline, or ends it without one.
func (d *device) plan(deadline time.Time) {
	d.deadline, d.migration, d.before = deadline, "", nil
	if !deadline.IsZero() {
		d.migration = MigrationRequested
	}
}

// Standing is how Apple answers a device that asks where it belongs.
type Standing struct {
	Service *Service // that it is assigned to; nil: none
	// Profile is the enrollment profile that its service has assigned to it, as it was defined; nil: none.
	Profile map[string]any
	// Deadline is by when it has to migrate to the service; zero: it has not.
	Deadline  time.Time
	Migration Migration
	Migrates  bool // it can migrate
	Locked    bool // by an Activation Lock of the organization
}

// URL is where the profile makes the device enroll; empty: there is no profile.
func (s Standing) URL() string {
	for _, name := range [...]string{"url", "configuration_web_url"} {
		if url, is := s.Profile[name].(string); is {
			return url
		}
	}
	return ""
}

// Standing returns where a device stands; false: it does not belong to the organization.
func (o *Organization) Standing(serial string) (Standing, bool) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	o.apple.advance()
	d := o.devices[serial]
	if d == nil {
		return Standing{}, false
	}
	s := Standing{Service: d.service, Deadline: d.deadline, Migration: d.migration, Migrates: d.Migrates, Locked: d.locked}
	if d.service != nil && d.profile != "" {
		s.Profile = d.service.profiles[d.profile].fields // never changed once it is defined
	}
	return s, true
}

// EndMigration is what Apple notes when a device has migrated, or has failed to.
func (o *Organization) EndMigration(serial string, succeeded bool) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	d := o.devices[serial]
	switch {
	case d == nil || d.migration != MigrationRequested:
	case succeeded:
		d.migration = MigrationSucceeded
	default:
		d.migration = MigrationFailed
	}
}

// TurnOffActivationLock is what an administrator does at the portal, or a bypass code.
func (o *Organization) TurnOffActivationLock(serial string) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	if d := o.devices[serial]; d != nil {
		d.locked = false
	}
}

// Release gives devices away for good: they do not belong to the organization any more. The API remembers that they did, for who
// asks for one by its serial number.
func (o *Organization) Release(serials ...string) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	for _, serial := range serials {
		if d := o.devices[serial]; d != nil {
			d.leave(o.apple.clock())
			d.released = o.apple.clock()
			o.released[serial] = d
			delete(o.devices, serial)
		}
	}
}
