package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

const (
	enrolledOld  = "old authenticated|old enrolled|"
	enrolledNew  = "|new authenticated|new enrolled"
	acknowledged = "old wipe_answered acknowledged"
)

func story(c *company, d *fleet.Device) (out string) {
	for i, line := range c.history(d) {
		if i > 0 {
			out += "|"
		}
		out += line
	}
	return out
}

// What becomes of a device that is assigned to the new service and wiped through the old MDM, and what the MDMs see of it.
func TestWhatDevicesDoWithAWipe(t *testing.T) {
	for name, c := range map[string]struct {
		spec    fleet.Spec
		options func(*enrollment.WipeOptions)
		state   fleet.State
		erases  int
		seen    string
	}{
		"obeys":                     {spec: fleet.Spec{}, state: fleet.Managed, erases: 1, seen: enrolledOld + acknowledged + enrolledNew},
		"refuses":                   {spec: fleet.Spec{Manner: fleet.Refuses}, state: fleet.Managed, seen: enrolledOld + "old wipe_answered failed"},
		"misreads":                  {spec: fleet.Spec{Manner: fleet.Misreads}, state: fleet.Managed, seen: enrolledOld + "old wipe_answered malformed"},
		"ignores":                   {spec: fleet.Spec{Manner: fleet.Ignores}, state: fleet.Managed, seen: "old authenticated|old enrolled"},
		"vanishes":                  {spec: fleet.Spec{Manner: fleet.Vanishes}, state: fleet.Gone, erases: 1, seen: enrolledOld + acknowledged},
		"only says":                 {spec: fleet.Spec{Manner: fleet.OnlySays}, state: fleet.Managed, seen: enrolledOld + acknowledged},
		"silent":                    {spec: fleet.Spec{Manner: fleet.Silent}, state: fleet.Managed, erases: 1, seen: "old authenticated|old enrolled" + enrolledNew},
		"an error that is definite": {spec: fleet.Spec{Manner: fleet.ErasesAfter}, state: fleet.Managed, seen: enrolledOld + "old wipe_answered failed"},
		"an error that proves nothing": {
			spec: fleet.Spec{Manner: fleet.ErasesAfter}, options: func(o *enrollment.WipeOptions) { o.Obliteration = "" },
			state: fleet.Managed, erases: 1, seen: enrolledOld + "old wipe_answered failed" + enrolledNew,
		},
		"not now, twice": {
			spec: fleet.Spec{NotNow: 2}, state: fleet.Managed, erases: 1,
			seen: enrolledOld + "old wipe_answered not_now|old wipe_answered not_now|" + acknowledged + enrolledNew,
		},
		"an unsupervised Mac":     {spec: fleet.Spec{Unsupervised: true}, state: fleet.Managed, seen: enrolledOld + "old wipe_answered failed"},
		"a Mac without its PIN":   {spec: fleet.Spec{OldMac: true}, state: fleet.Managed, seen: enrolledOld + "old wipe_answered failed"},
		"an Activation Lock":      {spec: fleet.Spec{Locked: true}, state: fleet.Stuck, erases: 1, seen: enrolledOld + acknowledged},
		"nobody walks it through": {spec: fleet.Spec{SetUp: fleet.Never}, state: fleet.Erased, erases: 1, seen: enrolledOld + acknowledged},
		"return to service": {
			spec: fleet.Spec{SetUp: fleet.Never}, options: func(o *enrollment.WipeOptions) { o.ReturnToService = true },
			state: fleet.Managed, erases: 1, seen: enrolledOld + acknowledged + enrolledNew,
		},
		"switched off": {
			spec:  fleet.Spec{Offline: []fleet.Window{{From: start.Add(time.Second)}}},
			state: fleet.Managed, seen: "old authenticated|old enrolled",
		},
		"switched off for a while": {
			spec:  fleet.Spec{Offline: []fleet.Window{{From: start.Add(5 * time.Hour), Until: start.Add(6 * time.Hour)}, {From: start.Add(time.Second), Until: start.Add(5 * time.Hour)}}},
			state: fleet.Managed, erases: 1, seen: enrolledOld + acknowledged + enrolledNew,
		},
	} {
		t.Run(name, func(t *testing.T) {
			world := newCompany()
			c.spec.Serial = "C02"
			d := world.device(c.spec)
			world.clock.Pass(time.Minute)
			world.assign(world.to, time.Time{}, d)
			w := world.order(d)
			if c.options != nil {
				c.options(&w.Options)
			}
			require.NoError(t, world.wipe(w))
			world.Advance(24 * time.Hour)

			assert.Equal(t, c.state, d.State())
			assert.Equal(t, c.erases, d.Erases())
			assert.Equal(t, c.seen, story(world, d))
		})
	}
}

// Setup Assistant asks Apple where the device belongs at that very moment.
func TestAnErasedDeviceEnrollsWhereItThenBelongs(t *testing.T) {
	for name, c := range map[string]struct {
		then  func(w *company, d *fleet.Device)
		state fleet.State
		mdm   enrollment.MDMID
	}{
		"still the old service":        {func(*company, *fleet.Device) {}, fleet.Managed, "old"},
		"the new service":              {func(w *company, d *fleet.Device) { w.assign(w.to, time.Time{}, d) }, fleet.Managed, "new"},
		"the new one, without profile": {func(w *company, d *fleet.Device) { must(w.admin.Assign(w.to, d.Serial())) }, fleet.Unmanaged, ""},
		"the old one, assigned again":  {func(w *company, d *fleet.Device) { must(w.admin.Assign(w.from, d.Serial())) }, fleet.Unmanaged, ""},
		"no service":                   {func(w *company, d *fleet.Device) { must(w.admin.Unassign(d.Serial())) }, fleet.Unmanaged, ""},
		"released":                     {func(w *company, d *fleet.Device) { w.org.Release(d.Serial()) }, fleet.Unmanaged, ""},
		"the service is deleted":       {func(w *company, _ *fleet.Device) { w.from.Delete() }, fleet.Unmanaged, ""},
		"its MDM is out of reach":      {func(w *company, d *fleet.Device) { w.assign(w.to, time.Time{}, d); w.new.Down(true) }, fleet.Erased, ""},
		"a profile that leads elsewhere": {func(w *company, d *fleet.Device) {
			w.define(w.to, "https://elsewhere.example")
			w.assign(w.to, time.Time{}, d)
		}, fleet.Erased, ""},
		"a profile that leads almost there": {func(w *company, d *fleet.Device) {
			w.define(w.to, w.new.URL()+"ment")
			w.assign(w.to, time.Time{}, d)
		}, fleet.Erased, ""},
	} {
		t.Run(name, func(t *testing.T) {
			world := newCompany()
			d := world.device(fleet.Spec{Serial: "C02"})
			world.clock.Pass(time.Minute)
			require.NoError(t, world.wipe(world.order(d)))
			world.Advance(time.Minute)
			require.Equal(t, fleet.Erased, d.State())
			c.then(world, d)
			world.Advance(time.Hour)

			assert.Equal(t, c.state, d.State())
			if c.mdm == "" {
				assert.Nil(t, d.MDM())
			} else {
				require.NotNil(t, d.MDM())
				assert.Equal(t, c.mdm, d.MDM().ID())
			}
		})
	}
}

// The MDM comes back, and with it the device that waits in Setup Assistant; Apple tells when it fetched its profile.
func TestSetupAssistantWaitsForTheMDM(t *testing.T) {
	world := newCompany()
	d := world.device(fleet.Spec{Serial: "C02"})
	world.assign(world.to, time.Time{}, d)
	world.new.Down(true)
	d.EraseByHand()
	world.Advance(time.Hour)
	require.Equal(t, fleet.Erased, d.State())

	world.new.Down(false)
	world.Advance(10 * time.Minute)
	assert.Equal(t, fleet.Managed, d.State())
	assert.Equal(t, world.to, d.Service())
	events := world.Events()
	last := events[len(events)-1]
	assert.Equal(t, enrollment.ServerID("srv_new"), last.Server)
	seen, err := world.services.Lookup(t.Context(), enrollment.Service{UUID: world.to.UUID()}, []string{"C02"})
	require.NoError(t, err)
	assert.Equal(t, enrollment.ProfilePushed, seen[0].ProfileStatus)
	assert.Equal(t, last.At.Truncate(time.Second), seen[0].ProfilePushed)
}

// A capable device changes its MDM by itself, at the deadline or when somebody accepts it, and loses nothing.
func TestMigrationAtTheDeadline(t *testing.T) {
	deadline := start.AddDate(0, 0, 20)
	phone := fleet.Spec{Family: enrollment.FamilyIPhone, OS: "26.0"}
	with := func(change func(*fleet.Spec)) fleet.Spec {
		s := phone
		change(&s)
		return s
	}
	never := func(*company, *fleet.Device) {}
	for name, c := range map[string]struct {
		spec fleet.Spec
		do   func(*company, *fleet.Device)
		at   time.Duration // when it migrates; zero: not
	}{
		"at the deadline":     {phone, never, 20 * 24 * time.Hour},
		"a Mac":               {fleet.Spec{OS: "26.2"}, never, 20 * 24 * time.Hour},
		"somebody accepts it": {with(func(s *fleet.Spec) { s.Migrates = 48 * time.Hour }), never, 18 * 24 * time.Hour},
		"offline that day":    {with(func(s *fleet.Spec) { s.Offline = []fleet.Window{{deadline.Add(-time.Hour), deadline.Add(time.Hour)}} }), never, 20*24*time.Hour + time.Hour},
		"an older system":     {with(func(s *fleet.Spec) { s.OS = "18.7" }), never, 0},
		"Apple says no":       {with(func(s *fleet.Spec) { s.NotCapable = true }), never, 0},
		"an Apple TV":         {fleet.Spec{Family: enrollment.FamilyAppleTV, OS: "26.0"}, never, 0},
		"a Shared iPad":       {fleet.Spec{Family: enrollment.FamilyIPad, OS: "26.0", SharedIPad: true}, never, 0},
		"cancelled":           {phone, func(w *company, d *fleet.Device) { w.assign(w.from, time.Time{}, d) }, 0},
		"the old MDM is dead": {phone, func(w *company, _ *fleet.Device) { w.old.Down(true) }, 20 * 24 * time.Hour},
		"the new MDM is late": {phone, func(w *company, _ *fleet.Device) { w.new.Down(true) }, 25 * 24 * time.Hour},
		"a profile for Shared iPads": {phone, func(w *company, d *fleet.Device) {
			w.define(w.to, w.new.URL(), func(p *dep.Profile) { p.MultiUser = true })
			w.assign(w.to, deadline, d)
		}, 0},
		"without a new profile": {phone, func(w *company, d *fleet.Device) { must(w.admin.AssignWithDeadline(w.to, deadline, d.Serial())) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			world := newCompany()
			c.spec.Serial, c.spec.Locked = "C02", true
			d := world.device(c.spec)
			world.assign(world.to, deadline, d)
			c.do(world, d)
			before := 25*24*time.Hour - time.Minute
			if c.at > 0 {
				before = c.at - time.Minute
			}
			world.Advance(before)
			require.Equal(t, world.old, d.MDM())
			world.new.Down(false)
			world.Advance(10 * time.Minute)

			assert.Zero(t, d.Erases())
			standing, _ := world.org.Standing("C02")
			if c.at == 0 {
				assert.Equal(t, world.old, d.MDM())
				assert.NotEqual(t, appletest.MigrationSucceeded, standing.Migration)
				return
			}
			assert.Equal(t, world.new, d.MDM())
			assert.Equal(t, appletest.MigrationSucceeded, standing.Migration)
			assert.False(t, d.Locked(), "the old lock is always removed")
			standsAtOld := 0
			if name == "the old MDM is dead" {
				standsAtOld = 1 // nobody told it
			}
			assert.Equal(t, standsAtOld, world.old.Devices())
			assert.Equal(t, "old authenticated|old enrolled"+enrolledNew, story(world, d))
		})
	}
}

func TestWhatPeopleDoWithDevices(t *testing.T) {
	world := newCompany()
	d := world.device(fleet.Spec{Serial: "C02", SetUp: fleet.Never})
	assert.False(t, d.Restore(), "there is no backup yet")
	world.assign(world.to, time.Time{}, d)
	d.EraseByHand()
	require.Equal(t, fleet.Erased, d.State())

	assert.True(t, d.Restore())
	assert.Equal(t, world.old, d.MDM(), "with the backup comes the enrollment of that time")

	d.EraseByHand()
	world.Advance(time.Hour)
	require.Equal(t, fleet.Erased, d.State())
	d.WalkThrough()
	assert.Equal(t, world.new, d.MDM())
	assert.Equal(t, world.to, d.Service())

	assert.True(t, d.EnrollAt(world.old), "again at the old one")
	assert.Nil(t, d.Service(), "by none of its profiles")
	assert.Zero(t, world.new.Devices(), "it has checked out")
	world.new.Down(true)
	assert.False(t, d.EnrollAt(world.new))

	d.Behave(fleet.Refuses)
	require.NoError(t, world.wipe(world.order(d)))
	d.Offline(world.clock.Now().Add(time.Hour))
	world.Advance(30 * time.Minute)
	assert.NotContains(t, story(world, d), "wipe_answered")
	world.Advance(time.Hour)
	assert.Contains(t, story(world, d), "old wipe_answered failed")
}

// A Mac without T2 locks itself, and only the PIN of the wipe opens it.
func TestAPINUnlocksAnOldMac(t *testing.T) {
	world := newCompany()
	d := world.device(fleet.Spec{Serial: "C02", OldMac: true})
	world.assign(world.to, time.Time{}, d)
	pin, err := enrollment.NewPIN("271828")
	require.NoError(t, err)
	_, err = world.Ports().Wipe(t.Context(), world.order(d), pin)
	require.NoError(t, err)
	world.Advance(24 * time.Hour)
	require.Equal(t, fleet.PINLocked, d.State())

	assert.False(t, d.EnterPIN("000000"))
	assert.Equal(t, fleet.PINLocked, d.State())
	assert.True(t, d.EnterPIN("271828"))
	world.Advance(time.Hour)
	assert.Equal(t, world.new, d.MDM())
	assert.Equal(t, 1, d.Erases())
}
