package fleet_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// offline is a device that is switched off for a day, so that what is queued for it stays queued.
func offline(world *company) *fleet.Device {
	return world.device(fleet.Spec{Serial: "C02", Offline: []fleet.Window{{From: start.Add(time.Second), Until: start.Add(24 * time.Hour)}}})
}

func (c *company) status(t *testing.T, w enrollment.Wipe) enrollment.WipeState {
	t.Helper()
	s, err := c.Ports().WipeStatus(t.Context(), w.Ref())
	require.NoError(t, err)
	return s.State
}

func TestAWipeIsTakenOnce(t *testing.T) {
	world := newCompany()
	d := offline(world)
	world.clock.Pass(time.Minute)
	w := world.order(d)
	assert.Equal(t, enrollment.WipeUnheard, world.status(t, w))
	require.NoError(t, world.wipe(w))
	require.ErrorIs(t, world.wipe(w), enrollment.ErrRepeated)
	assert.Equal(t, enrollment.WipeQueued, world.status(t, w))

	world.Advance(48 * time.Hour)
	assert.Equal(t, 1, d.Erases())
	assert.Equal(t, enrollment.WipeAcknowledged, world.status(t, w))
	require.ErrorIs(t, world.Ports().RecallWipe(t.Context(), w.Ref()), enrollment.ErrWipeTaken)
}

// An MDM that forgets commands wipes twice for one UUID, and says so beforehand.
func TestAnMDMThatTakesRepeats(t *testing.T) {
	world := newCompany()
	d := offline(world)
	world.clock.Pass(time.Minute)
	world.old.Change(func(b *fleet.Behavior) { b.TakesRepeats, b.KeepsQueue = true, true })
	abilities, err := world.Ports().WipeAbilities(t.Context(), "acme", "old")
	require.NoError(t, err)
	assert.False(t, abilities.RefusesRepeats)
	w := world.order(d)
	require.NoError(t, world.wipe(w))
	require.NoError(t, world.wipe(w))
	world.Advance(48 * time.Hour)
	assert.Equal(t, 2, d.Erases())
}

func TestRecall(t *testing.T) {
	world := newCompany()
	d := offline(world)
	world.clock.Pass(time.Minute)
	w := world.order(d)
	require.NoError(t, world.wipe(w))
	for range 2 {
		require.NoError(t, world.Ports().RecallWipe(t.Context(), w.Ref()))
	}
	require.ErrorIs(t, world.wipe(w), enrollment.ErrRepeated, "from now on it is refused")
	world.Advance(48 * time.Hour)
	assert.Zero(t, d.Erases())
	assert.Equal(t, enrollment.WipeRecalled, world.status(t, w))

	early := world.order(d)
	early.Command = enrollment.WipeCommand("acme", "another")
	require.NoError(t, world.Ports().RecallWipe(t.Context(), early.Ref()), "it never came there")
	require.Error(t, world.wipe(early), "and it never will")

	d.Behave(fleet.Ignores)
	early.Command = enrollment.WipeCommand("acme", "a third")
	require.NoError(t, world.wipe(early))
	world.Advance(time.Hour)
	require.ErrorIs(t, world.Ports().RecallWipe(t.Context(), early.Ref()), enrollment.ErrWipeTaken, "the device has it")
}

// A wipe that waited while the device was restored by hand strikes it afterwards, where the MDM keeps its queue.
func TestPain12_AQueuedWipeStrikesAfterTheNextEnrollment(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		world := newCompany()
		d := offline(world)
		world.clock.Pass(time.Minute)
		world.old.Change(func(b *fleet.Behavior) { b.KeepsQueue = keeps })
		require.NoError(t, world.wipe(world.order(d)))
		d.EraseByHand()
		require.True(t, d.Restore())
		world.Advance(48 * time.Hour)
		want := 1
		if keeps {
			want = 2
		}
		assert.Equal(t, want, d.Erases())
	}
}

func TestWhatAnMDMRefuses(t *testing.T) {
	world := newCompany()
	d := world.device(fleet.Spec{Serial: "C02"})
	w := world.order(d)
	late := w
	late.NotAfter = world.clock.Now()
	require.ErrorIs(t, world.wipe(late), enrollment.ErrTooLate)
	stranger := w
	stranger.Device.UDID = "SOMEBODY"
	require.ErrorIs(t, world.wipe(stranger), enrollment.ErrNoDevice)
	nowhere := w
	nowhere.MDM = "third"
	require.ErrorIs(t, world.wipe(nowhere), enrollment.ErrNoDevice)
	_, err := world.Ports().WipeAbilities(t.Context(), "acme", "third")
	require.ErrorIs(t, err, enrollment.ErrNoDevice)

	world.old.Down(true)
	outcome, _ := enrollment.Sent(world.wipe(w))
	assert.Equal(t, enrollment.Retry, outcome, "there was no connection, so nothing was sent")
	world.old.Down(false)
	world.old.Change(func(b *fleet.Behavior) { b.NoStatus, b.NoRecall, b.LosesAnswers = true, true, 1 })
	_, err = world.Ports().WipeStatus(t.Context(), w.Ref())
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, world.Ports().RecallWipe(t.Context(), w.Ref()), errors.ErrUnsupported)

	outcome, _ = enrollment.Sent(world.wipe(w))
	assert.Equal(t, enrollment.Unknown, outcome)
	world.Advance(time.Hour)
	assert.Equal(t, 1, d.Erases(), "it was carried out all the same")
}

// Without its push certificate an MDM reaches devices only when they come by themselves.
func TestALostPushCertificateDelaysCommands(t *testing.T) {
	world := newCompany()
	d := world.device(fleet.Spec{Serial: "C02"})
	world.old.Change(func(b *fleet.Behavior) { b.PushLost = true })
	require.NoError(t, world.wipe(world.order(d)))
	world.Advance(3 * time.Hour)
	assert.Zero(t, d.Erases())
	world.Advance(2 * time.Hour)
	assert.Equal(t, 1, d.Erases())
}

func TestWhatAnMDMKnows(t *testing.T) {
	world := newCompany()
	d := world.device(fleet.Spec{Serial: "C02", Locked: true})
	stranger := world.AddDevice(world.org, fleet.Spec{Serial: "C03", Family: enrollment.FamilyIPad, SharedIPad: true, Unsupervised: true})
	facts := func(m enrollment.MDMID, asked enrollment.Device) (enrollment.DeviceFacts, error) {
		return world.Ports().DeviceFacts(t.Context(), "acme", m, asked)
	}
	got, err := facts("old", d.Enrollment())
	require.NoError(t, err)
	assert.Equal(t, enrollment.DeviceFacts{
		Device: d.Enrollment(), MDM: "old", Managed: enrollment.Yes, Supervised: enrollment.Yes, SharedIPad: enrollment.No,
		ADEEnrolled: enrollment.Yes, AppleSilicon: enrollment.Yes, SecurityChip: enrollment.No, ActivationLocked: enrollment.Yes,
		EnrolledAt: start, LastSeen: start, ObservedAt: start,
	}, got)
	_, err = facts("old", stranger.Enrollment())
	require.ErrorIs(t, err, enrollment.ErrNoDevice)
	_, err = facts("old", enrollment.Device{Serial: "C03"})
	require.ErrorIs(t, err, enrollment.ErrNoDevice)

	stranger.EnrollAt(world.old)
	world.Advance(5 * time.Hour)
	got, err = facts("old", enrollment.Device{Serial: "C03"})
	require.NoError(t, err)
	assert.True(t, got.SharedIPad == enrollment.Yes && got.Supervised == enrollment.No && got.ADEEnrolled == enrollment.No)
	assert.Equal(t, start.Add(4*time.Hour), got.LastSeen)

	// An erased device does not check out: its old MDM believes in it.
	d.EraseByHand()
	world.assign(world.to, time.Time{}, d)
	got, err = facts("old", d.Enrollment())
	require.NoError(t, err)
	assert.Equal(t, enrollment.Yes, got.Managed)
	world.old.Down(true)
	_, err = facts("old", d.Enrollment())
	outcome, _ := enrollment.Asked(err)
	assert.Equal(t, enrollment.Retry, outcome)
}

// An Activation Lock holds the device up until somebody clears it.
func TestActivationLock(t *testing.T) {
	world := newCompany()
	d := world.device(fleet.Spec{Serial: "C02", Locked: true})
	lost := world.device(fleet.Spec{Serial: "C03", Locked: true, NoBypassCode: true})
	world.assign(world.to, time.Time{}, d, lost)
	d.EraseByHand()
	lost.EraseByHand()
	world.Advance(time.Hour)
	require.Equal(t, fleet.Stuck, d.State())

	ports := world.Ports()
	lock, err := ports.ActivationLock(t.Context(), "acme", d.Enrollment())
	require.NoError(t, err)
	assert.Equal(t, enrollment.ActivationLock{Locked: enrollment.Yes, Clearable: enrollment.Yes}, lock)
	for range 2 {
		require.NoError(t, ports.ClearActivationLock(t.Context(), "acme", d.Enrollment()))
	}
	world.Advance(time.Minute)
	assert.Equal(t, world.new, d.MDM())

	require.ErrorIs(t, ports.ClearActivationLock(t.Context(), "acme", lost.Enrollment()), enrollment.ErrNoBypassCode)
	lost.WalkThrough()
	assert.Equal(t, fleet.Stuck, lost.State())
	lost.Unlock()
	lost.WalkThrough()
	assert.Equal(t, world.new, lost.MDM(), "without a code the portal is the way out")
	require.ErrorIs(t, ports.ClearActivationLock(t.Context(), "acme", enrollment.Device{Serial: "C04"}), enrollment.ErrNoDevice)
	_, err = ports.ActivationLock(t.Context(), "acme", enrollment.Device{Serial: "C04"})
	require.ErrorIs(t, err, enrollment.ErrNoDevice)
}
