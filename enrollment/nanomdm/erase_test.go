package nanomdm_test

import (
	"context"
	"errors"
	"testing"

	"github.com/micromdm/plist"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

func pin(t testing.TB) enrollment.PIN {
	p, err := enrollment.NewPIN("048213")
	require.NoError(t, err)
	return p
}

// sentCommand wipes a device and returns the command that left.
func sentCommand(t *testing.T, d enrollment.Device, o enrollment.WipeOptions, p enrollment.PIN) map[string]any {
	t.Helper()
	f := newFake(t)
	dispatcher := nanomdm.NewDispatcher(nanomdm.Only(f.server()), func(context.Context, enrollment.TenantID, enrollment.Device) ([]byte, error) {
		return []byte("wifi"), nil
	})
	_, err := dispatcher.Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.Device, w.Options = d, o }), p)
	require.NoError(t, err)
	require.Len(t, f.enqueued(), 1)
	var sent struct{ Command map[string]any }
	require.NoError(t, plist.Unmarshal(f.enqueued()[0].body, &sent))
	return sent.Command
}

// Apple, "EraseDevice" (2026): which argument exists on which platform.
func TestEachPlatformGetsItsSafeArguments(t *testing.T) {
	rts := map[string]any{"Enabled": true, "WiFiProfileData": []byte("wifi")}
	for _, c := range []struct {
		family enrollment.Family
		os     string
		want   map[string]any
	}{
		{enrollment.FamilyMac, "26.1", map[string]any{"RequestType": "EraseDevice", "ObliterationBehavior": "DoNotObliterate"}},
		{enrollment.FamilyIPhone, "16.7", map[string]any{"RequestType": "EraseDevice", "PreserveDataPlan": true}},
		{enrollment.FamilyIPhone, "17.0", map[string]any{"RequestType": "EraseDevice", "PreserveDataPlan": true, "ReturnToService": rts}},
		{enrollment.FamilyIPad, "26.0", map[string]any{"RequestType": "EraseDevice", "PreserveDataPlan": true, "ReturnToService": rts}},
		{enrollment.FamilyAppleTV, "17.4", map[string]any{"RequestType": "EraseDevice"}},
		{enrollment.FamilyAppleTV, "18.0", map[string]any{"RequestType": "EraseDevice", "ReturnToService": rts}},
		{enrollment.FamilyVision, "2.1", map[string]any{"RequestType": "EraseDevice"}},
		{enrollment.FamilyVision, "26.0", map[string]any{"RequestType": "EraseDevice", "ReturnToService": rts}},
		{enrollment.FamilyWatch, "10.1", map[string]any{"RequestType": "EraseDevice", "PreserveDataPlan": true}},
	} {
		t.Run(string(c.family)+" "+c.os, func(t *testing.T) {
			d := enrollment.Device{Serial: serial, UDID: udid, Family: c.family, OS: c.os}
			got := sentCommand(t, d, enrollment.SafeWipe(d, true), enrollment.PIN{})
			assert.Equal(t, c.want, got)
		})
	}
}

func TestMacsNeverObliterateAndTakeAPIN(t *testing.T) {
	mac := wipe().Device
	got := sentCommand(t, mac, enrollment.WipeOptions{}, pin(t))
	assert.Equal(t, map[string]any{"RequestType": "EraseDevice", "ObliterationBehavior": "DoNotObliterate", "PIN": "048213"}, got)
}

// A wipe that is not right for the device is refused whole, not sent without the part that does not fit.
func TestUnfitWipesAreNotSent(t *testing.T) {
	device := func(f enrollment.Family, os string) func(*enrollment.Wipe) {
		return func(w *enrollment.Wipe) { w.Device.Family, w.Device.OS = f, os }
	}
	for what, c := range map[string]struct {
		change func(*enrollment.Wipe)
		pin    bool
	}{
		"no family":                    {device("", "26.0"), false},
		"unknown family":               {device("newton", "2.1"), false},
		"no command":                   {func(w *enrollment.Wipe) { w.Command = "" }, false},
		"command with markup":          {func(w *enrollment.Wipe) { w.Command = "</string>" }, false},
		"its PIN is lost":              {func(w *enrollment.Wipe) { w.PIN = "pin_1" }, false},
		"a PIN for an iPad":            {device(enrollment.FamilyIPad, "18"), true},
		"obliterate a Mac":             {func(w *enrollment.Wipe) { w.Options.Obliteration = "Always" }, false},
		"obliterate a Mac, warned":     {func(w *enrollment.Wipe) { w.Options.Obliteration = "ObliterateWithWarning" }, false},
		"obliterate a Mac, by default": {func(w *enrollment.Wipe) { w.Options.Obliteration = "Default" }, false},
		"obliteration of an iPad": {func(w *enrollment.Wipe) {
			w.Device.Family, w.Options.Obliteration = enrollment.FamilyIPad, enrollment.DoNotObliterate
		}, false},
		"data plan of a Mac": {func(w *enrollment.Wipe) { w.Options.PreserveDataPlan = true }, false},
		"data plan of a TV": {func(w *enrollment.Wipe) {
			w.Device.Family, w.Options.PreserveDataPlan = enrollment.FamilyAppleTV, true
		}, false},
		"Return to Service on a Mac": {func(w *enrollment.Wipe) { w.Options.ReturnToService = true }, false},
		"Return to Service on iOS 16": {func(w *enrollment.Wipe) {
			w.Device.Family, w.Device.OS, w.Options.ReturnToService = enrollment.FamilyIPhone, "16.7", true
		}, false},
		"Return to Service on who knows what": {func(w *enrollment.Wipe) {
			w.Device.Family, w.Device.OS, w.Options.ReturnToService = enrollment.FamilyIPhone, "", true
		}, false},
	} {
		t.Run(what, func(t *testing.T) {
			f := newFake(t)
			var p enrollment.PIN
			if c.pin {
				p = pin(t)
			}
			_, err := f.dispatcher().Wipe(t.Context(), wipe(c.change), p)
			require.ErrorIs(t, err, nanomdm.ErrWipe)
			outcome, _ := enrollment.Sent(err)
			assert.Equal(t, enrollment.Fatal, outcome)
			assert.Empty(t, f.requests())
			assert.NotContains(t, err.Error(), "048213")
		})
	}
}

func TestWithoutItsWiFiProfileReturnToServiceWaits(t *testing.T) {
	f := newFake(t)
	broken := errors.New("the profile store is down")
	d := nanomdm.NewDispatcher(nanomdm.Only(f.server()), func(context.Context, enrollment.TenantID, enrollment.Device) ([]byte, error) {
		return nil, broken
	})
	order := wipe(func(w *enrollment.Wipe) {
		w.Device.Family, w.Device.OS, w.Options.ReturnToService = enrollment.FamilyIPhone, "18.0", true
	})
	_, err := d.Wipe(t.Context(), order, enrollment.PIN{})
	require.ErrorIs(t, err, broken)
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Retry, outcome)
	assert.Empty(t, f.requests())
}
