package nanomdm_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

// fleet#46588, #41167, #34833: the Mac answered Error and erased itself. Ours is told not to, and the answer is passed on as
// it is, with its reasons.
func TestPain28_AnErrorIsNoProofUnlessTheMacWasToldNotToObliterate(t *testing.T) {
	got := sentCommand(t, wipe().Device, enrollment.WipeOptions{}, enrollment.PIN{})
	assert.Equal(t, string(enrollment.DoNotObliterate), got["ObliterationBehavior"])
	var b inbox
	e := connect(start, "Error", command, "ErrorChain", []any{map[string]any{"ErrorCode": 12072, "ErrorDomain": "MCMDMErrorDomain", "USEnglishDescription": "no bootstrap token"}})
	send(t, hook(t, &b), e)
	assert.Equal(t, &enrollment.WipeAnswer{Command: command, State: enrollment.WipeFailed, Reason: "MCMDMErrorDomain 12072: no bootstrap token"}, b.all()[0].Wipe)
}

// fleet#25575, #45945: "wiped" stayed after the device had come back.
func TestPain29_ADeviceThatComesBackIsToldAtOnce(t *testing.T) {
	var b inbox
	h := hook(t, &b)
	send(t, h, connect(start, "Acknowledged", command))
	send(t, h, authenticate(start.Add(time.Minute)))
	require.Len(t, b.all(), 2)
	assert.Equal(t, enrollment.DeviceAuthenticated, b.all()[1].Kind)
	assert.True(t, b.all()[1].At.After(b.all()[0].At))
}

// fleet#51298: with the device's record its pending wipe went out of sight. Here an answer needs no record of the device.
func TestPain30_AnAnswerIsToldOfADeviceThatNobodyRemembers(t *testing.T) {
	var b inbox
	for _, sightings := range []nanomdm.Sightings{nil, nanomdm.NewMemorySightings(1)} {
		send(t, hook(t, &b, func(c *nanomdm.WebhookConfig) { c.Sightings = sightings }), connect(start, "Acknowledged", command))
	}
	require.Len(t, b.all(), 2)
	for _, e := range b.all() {
		assert.Equal(t, udid, e.UDID)
		assert.Equal(t, command, e.Wipe.Command)
	}
}

// fleet#35105: nobody was told when a wipe was acknowledged.
func TestPain31_AnAcknowledgedWipeIsToldWithItsDeviceAndTime(t *testing.T) {
	var b inbox
	h := hook(t, &b)
	send(t, h, authenticate(start))
	send(t, h, connect(start.Add(time.Second), "Acknowledged", command))
	assert.Equal(t, enrollment.DeviceEvent{
		Kind: enrollment.DeviceWipeAnswered, Tenant: "acme", MDM: "old", Serial: serial, UDID: udid, At: start.Add(time.Second),
		Device: enrollment.Device{UDID: udid}, Wipe: &enrollment.WipeAnswer{Command: command, State: enrollment.WipeAcknowledged},
	}, b.all()[1])
}

// fleet PR#44323: a wipe threw away what else was queued.
func TestPain32_AWipeTouchesNoOtherCommand(t *testing.T) {
	f := newFake(t)
	_, err := f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.NoError(t, err)
	require.Len(t, f.requests(), 1, "one command is queued, and nothing else is asked")
	assert.Equal(t, []string{command}, f.commands())
}

// mdmdirector PR#108: several wipes were queued for a device that was offline.
func TestPain33_ADeviceGetsOneWipeHoweverOftenItIsSent(t *testing.T) {
	f := newFake(t)
	d := f.dispatcher()
	_, err := d.Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.NoError(t, err)
	for range 5 {
		_, err := d.Wipe(t.Context(), wipe(), enrollment.PIN{})
		require.ErrorIs(t, err, enrollment.ErrRepeated)
		outcome, _ := enrollment.Sent(err)
		assert.Equal(t, enrollment.OK, outcome)
	}
	assert.Equal(t, []string{command}, f.commands())
}

// fleet#23545: the wipe came only after a restart, because the push was lost. A repeat wakes the device once more, and so
// can the host.
func TestPain34_ADeviceThatWasNotWokenIsWokenAgain(t *testing.T) {
	f := newFake(t)
	d := f.dispatcher()
	_, err := d.Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.NoError(t, err)
	_, err = d.Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrRepeated)
	require.NoError(t, d.Wake(t.Context(), wipe().Ref()))
	var pushes int
	for _, r := range f.requests() {
		if r.path == "/v1/push/"+udid {
			assert.Equal(t, http.MethodPut, r.method)
			pushes++
		}
	}
	assert.Equal(t, 2, pushes)

	_, err = d.Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.NotAfter = start }), enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrTooLate)
	assert.Len(t, f.requests(), 4, "but none after the order has ended")

	var b inbox
	send(t, hook(t, &b), connect(start, "NotNow", command))
	assert.Equal(t, enrollment.WipeNotNow, b.all()[0].Wipe.State, "and one that cannot now says so")
}
