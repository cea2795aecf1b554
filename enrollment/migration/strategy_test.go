package migration_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// wipeable is a Mac of which everything is known that a wipe needs, and whose MDM is to change.
func wipeable(change ...func(*migration.Facts)) migration.Facts {
	f := migration.Facts{
		Device: enrollment.Device{Serial: "C02XL0GSJGH5", UDID: "U-1", Family: enrollment.FamilyMac, OS: "15.7"},
		Apple:  enrollment.AssignedDevice{Capable: enrollment.No},
		MDM: enrollment.DeviceFacts{
			Managed: enrollment.Yes, Supervised: enrollment.Yes, SharedIPad: enrollment.No, AppleSilicon: enrollment.Yes,
		},
		Reached: enrollment.Yes, MDMChanges: true,
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

type facts = migration.Facts

func TestEveryDeviceGoesTheWayOfLeastHarm(t *testing.T) {
	stays := func(f *facts) { f.MDMChanges = false }
	capable := func(f *facts) { f.Apple.Capable, f.Device.OS = enrollment.Yes, "26.1" }
	unsaid := func(f *facts) { f.Apple.Capable = enrollment.NotKnown }
	ipad := func(f *facts) { f.Device.Family = enrollment.FamilyIPad }
	for _, c := range []struct {
		name   string
		facts  migration.Facts
		want   migration.Strategy
		reason migration.Reason
	}{
		// Design 1: the service is gone, but the MDM still manages the device.
		{"the MDM stays", wipeable(stays), migration.Reassign, migration.MDMStays},
		{"the MDM stays, capable", wipeable(stays, capable), migration.Reassign, migration.MDMStays},
		{"the MDM stays, nobody asked it", wipeable(stays, func(f *facts) { f.MDM.Managed = "" }), migration.Reassign, migration.ManagedUnknown},
		{"the MDM stays but has lost it", wipeable(stays, func(f *facts) { f.MDM.Managed = enrollment.No }), migration.Hands, migration.NotManaged},
		// The MDM changes too, and Apple says that the device is capable.
		{"capable", wipeable(capable), migration.Migrate, migration.Capable},
		{"capable, OS unknown", wipeable(capable, func(f *facts) { f.Device.OS = "" }), migration.Migrate, migration.Capable},
		{"capable, the old MDM is gone", wipeable(capable, func(f *facts) { f.Reached, f.MDM = enrollment.No, enrollment.DeviceFacts{} }), migration.Migrate, migration.Capable},
		{"capable, without UDID", wipeable(capable, func(f *facts) { f.Device.UDID = "" }), migration.Migrate, migration.Capable},
		{"capable iPad of which nobody knows more", wipeable(ipad, capable, func(f *facts) { f.MDM = enrollment.DeviceFacts{} }), migration.Migrate, migration.Capable},
		// The same, device not capable.
		{"not capable", wipeable(), migration.Wipe, migration.NotCapable},
		{"OS too old, Apple was not asked", wipeable(unsaid), migration.Wipe, migration.OSTooOld},
		{"Apple TV, Apple was not asked", wipeable(unsaid, func(f *facts) { f.Device.Family, f.Device.OS = enrollment.FamilyAppleTV, "26.1" }), migration.Wipe, migration.NoMigrationThere},
		{"the MDM tells UDID and family", wipeable(func(f *facts) {
			f.MDM.Device, f.Device = f.Device, enrollment.Device{Serial: "C02XL0GSJGH5"}
		}), migration.Wipe, migration.Reaches},
		{"lock without code", wipeable(func(f *facts) { f.Lock.Locked = enrollment.Yes }), migration.Wipe, migration.LockStays},
		// It might not have to be erased.
		{"new OS, Apple was not asked", wipeable(unsaid, func(f *facts) { f.Device.OS = "26.0" }), migration.Hands, migration.CapableUnknown},
		{"unknown OS, Apple was not asked", wipeable(unsaid, func(f *facts) { f.Device.OS = "" }), migration.Hands, migration.CapableUnknown},
		// The device's old MDM cannot reach it any more, or not safely.
		{"the MDM has lost it", wipeable(func(f *facts) { f.MDM.Managed = enrollment.No }), migration.Hands, migration.NotManaged},
		{"nobody asked the MDM", wipeable(func(f *facts) { f.MDM.Managed = "" }), migration.Hands, migration.ManagedUnknown},
		{"the MDM is out of reach", wipeable(func(f *facts) { f.Reached = enrollment.No }), migration.Hands, migration.NotReached},
		{"nobody knows of the MDM", wipeable(func(f *facts) { f.Reached = "" }), migration.Hands, migration.ReachUnknown},
		{"without UDID", wipeable(func(f *facts) { f.Device.UDID = "" }), migration.Hands, migration.NoUDID},
		{"unknown family", wipeable(func(f *facts) { f.Device.Family = "" }), migration.Hands, migration.FamilyUnknown},
		{"unsupervised Mac", wipeable(func(f *facts) { f.MDM.Supervised = enrollment.No }), migration.Hands, migration.NotSupervised},
		{"Mac that needs a PIN", wipeable(func(f *facts) { f.MDM.AppleSilicon = enrollment.No }), migration.Hands, migration.NoPIN},
		{"Mac that gets its PIN", wipeable(func(f *facts) { f.MDM.AppleSilicon, f.Can.PIN = enrollment.No, true }), migration.Wipe, migration.Reaches},
		{"Shared iPad", wipeable(ipad, func(f *facts) { f.MDM.SharedIPad = enrollment.Yes }), migration.Hands, migration.SharedIPad},
		{"Shared iPad that Apple calls capable", wipeable(ipad, capable, func(f *facts) { f.MDM.SharedIPad = enrollment.Yes }), migration.Hands, migration.SharedIPad},
		{"iPad that might be shared", wipeable(ipad, func(f *facts) { f.MDM.SharedIPad = "" }), migration.Hands, migration.MaybeShared},
		{"Shared iPad, accepted", wipeable(ipad, func(f *facts) { f.MDM.SharedIPad, f.SharedAccepted = enrollment.Yes, true }), migration.Wipe, migration.Reaches},
		// Others.
		{"arrived", wipeable(func(f *facts) { f.Arrived = enrollment.Yes }), migration.Reassign, migration.Arrived},
		{"released", wipeable(capable, func(f *facts) { f.Apple.Released = enrollment.Yes }), migration.Nothing, migration.NotOurs},
		{"nothing is known", migration.Facts{MDMChanges: true}, migration.Hands, migration.CapableUnknown},
	} {
		got := migration.Decide(c.facts, migration.Limits{Wipes: true})
		assert.Equal(t, c.want, got.Strategy, "%s: %v", c.name, got.Reasons)
		assert.Contains(t, got.Reasons, c.reason, c.name)
		assert.Equal(t, got, migration.Decide(c.facts, migration.Limits{Wipes: true, Wish: migration.Auto}), c.name)
		off := migration.Decide(c.facts, migration.Limits{})
		if c.want == migration.Wipe {
			assert.Equal(t, migration.Hands, off.Strategy, "%s: wipes are off", c.name)
			assert.Contains(t, off.Reasons, migration.WipesOff, c.name)
		} else {
			assert.Equal(t, c.want, off.Strategy, "%s: wipes are off", c.name)
		}
	}
}

func TestAWishCountsWhereItIsPossible(t *testing.T) {
	stays := func(f *facts) { f.MDMChanges = false }
	capable := func(f *facts) { f.Apple.Capable, f.Device.OS = enrollment.Yes, "26.1" }
	lost := func(f *facts) { f.MDM.Managed = enrollment.No }
	unsaid := func(f *facts) { f.Apple.Capable, f.Device.OS = enrollment.NotKnown, "" }
	for _, c := range []struct {
		name   string
		wish   migration.Strategy
		facts  migration.Facts
		want   migration.Strategy
		reason migration.Reason
	}{
		{"reassign although it must be erased", migration.Reassign, wipeable(), migration.Reassign, migration.CountsFromErase},
		{"reassign although it could migrate", migration.Reassign, wipeable(capable), migration.Reassign, migration.Wished},
		{"migrate although Apple was not asked", migration.Migrate, wipeable(unsaid), migration.Migrate, migration.CapableUnknown},
		{"migrate although the MDM stays", migration.Migrate, wipeable(stays, capable), migration.Migrate, migration.Wished},
		{"migrate although Apple says no", migration.Migrate, wipeable(), migration.Hands, migration.NotCapable},
		{"migrate although Apple says no and the MDM stays", migration.Migrate, wipeable(stays), migration.Reassign, migration.NotCapable},
		{"migrate what has arrived", migration.Migrate, wipeable(capable, func(f *facts) { f.Arrived = enrollment.Yes }), migration.Reassign, migration.Arrived},
		{"wipe although it could migrate", migration.Wipe, wipeable(capable), migration.Wipe, migration.Gentler},
		{"wipe although the MDM stays", migration.Wipe, wipeable(stays), migration.Wipe, migration.Gentler},
		{"wipe although Apple was not asked", migration.Wipe, wipeable(unsaid), migration.Wipe, migration.Wished},
		{"wipe what the MDM has lost", migration.Wipe, wipeable(lost), migration.Hands, migration.NotManaged},
		{"wipe what the MDM has lost but could migrate", migration.Wipe, wipeable(lost, capable), migration.Migrate, migration.NotManaged},
		{"wipe what has arrived", migration.Wipe, wipeable(func(f *facts) { f.Arrived = enrollment.Yes }), migration.Reassign, migration.Arrived},
		{"wipe what was released", migration.Wipe, wipeable(func(f *facts) { f.Apple.Released = enrollment.Yes }), migration.Nothing, migration.NotOurs},
		{"an unknown wish", "obliterate", wipeable(capable), migration.Migrate, migration.Capable},
	} {
		got := migration.Decide(c.facts, migration.Limits{Wish: c.wish, Wipes: true})
		assert.Equal(t, c.want, got.Strategy, "%s: %v", c.name, got.Reasons)
		assert.Contains(t, got.Reasons, c.reason, c.name)
	}
}

// anyFacts draws a device that could be wiped, of which some facts are otherwise.
func anyFacts(t *rapid.T) migration.Facts {
	otherwise := func(name string) bool { return rapid.IntRange(0, 11).Draw(t, name+" is otherwise") == 0 }
	known := func(name string, k *enrollment.Known) {
		if otherwise(name) {
			*k = rapid.SampledFrom([]enrollment.Known{enrollment.NotKnown, enrollment.Yes, enrollment.No}).Draw(t, name)
		}
	}
	text := func(name string, s *string, of ...string) {
		if otherwise(name) {
			*s = rapid.SampledFrom(of).Draw(t, name)
		}
	}
	flag := func(name string, b *bool) { *b = *b != otherwise(name) }
	device := func(name string, d *enrollment.Device) {
		text(name+" udid", &d.UDID, "", "U")
		text(name+" family", (*string)(&d.Family), "", "mac", "ipad", "iphone", "appletv", "watch")
		text(name+" os", &d.OS, "", "15.1", "17.2", "26.0", "27")
	}
	f := wipeable()
	device("listed", &f.Device)
	device("mdm", &f.MDM.Device)
	for _, k := range []struct {
		name string
		fact *enrollment.Known
	}{
		{"capable", &f.Apple.Capable}, {"released", &f.Apple.Released}, {"managed", &f.MDM.Managed}, {"supervised", &f.MDM.Supervised},
		{"shared", &f.MDM.SharedIPad}, {"silicon", &f.MDM.AppleSilicon}, {"chip", &f.MDM.SecurityChip}, {"locked", &f.Lock.Locked},
		{"clearable", &f.Lock.Clearable}, {"arrived", &f.Arrived}, {"reached", &f.Reached},
	} {
		known(k.name, k.fact)
	}
	flag("pin", &f.Can.PIN)
	flag("return to service", &f.Can.ReturnService)
	flag("changes", &f.MDMChanges)
	flag("accepted", &f.SharedAccepted)
	return f
}

func TestNeverWipesWithoutEverythingThatAWipeNeeds(t *testing.T) {
	wiped := 0
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		l := migration.Limits{
			Wish:  rapid.SampledFrom(migration.Wishes()).Draw(t, "wish"),
			Wipes: rapid.Bool().Draw(t, "wipes"), ReturnToService: rapid.Bool().Draw(t, "return to service"),
		}
		got := migration.Decide(f, l)
		require.NotEmpty(t, got.Reasons, "every decision has a reason")
		require.NotEqual(t, migration.Auto, got.Strategy)
		for _, r := range got.Reasons {
			require.NotEmpty(t, r.Text(), r)
		}
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(got.Reasons))), len(got.Reasons), "no reason is told twice: %v", got.Reasons)
		if l.Wish != migration.Wipe && l.Wish != migration.Auto {
			require.LessOrEqual(t, got.Strategy.Harm(), l.Wish.Harm(), "a wish never becomes more harmful")
		}
		if got.Strategy != migration.Wipe {
			return
		}
		wiped++
		require.True(t, l.Wipes, "the policy allows it")
		require.NotEqual(t, enrollment.Yes, f.Apple.Released)
		require.NotEqual(t, enrollment.Yes, f.Arrived)
		require.Equal(t, enrollment.Yes, f.MDM.Managed)
		require.Equal(t, enrollment.Yes, f.Reached)
		require.NotEmpty(t, f.Device.UDID+f.MDM.UDID)
		if !f.SharedAccepted {
			require.NotEqual(t, enrollment.Yes, f.MDM.SharedIPad)
		}
		require.False(t, got.NeedsPIN && !f.Can.PIN)
		if l.Wish == migration.Auto {
			family := f.MDM.Family
			if family == "" {
				family = f.Device.Family
			}
			without := []enrollment.Family{enrollment.FamilyAppleTV, enrollment.FamilyWatch}
			require.False(t, f.Apple.Capable == enrollment.Yes && f.MDM.SharedIPad != enrollment.Yes && !slices.Contains(without, family),
				"nothing gentler was possible")
			require.True(t, f.MDMChanges, "a device whose MDM stays is never wiped unasked")
		}
	})
	assert.True(t, wiped > 0 || testing.Short(), "no wipe was ever drawn: the test looks at nothing")
}

func TestEveryReasonIsTold(t *testing.T) {
	for _, r := range migration.Reasons() {
		assert.NotEmpty(t, r.Text(), r)
		assert.Regexp(t, `^[a-z_]+$`, string(r))
	}
	assert.Empty(t, migration.Reason("of_the_future").Text())
}

func TestHarmIsOrdered(t *testing.T) {
	for _, s := range []migration.Strategy{migration.Nothing, migration.Reassign, migration.Hands} {
		assert.Zero(t, s.Harm(), s)
	}
	assert.Positive(t, migration.Migrate.Harm())
	assert.Greater(t, migration.Wipe.Harm(), migration.Migrate.Harm())
}
