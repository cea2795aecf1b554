package enrollment_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Apple, "EraseDevice" (2026): what exists where. Never sent are Always, and the old MDM's profile.
func TestWipesAreSafeOnEveryPlatform(t *testing.T) {
	for _, c := range []struct {
		family enrollment.Family
		os     string
		rts    bool
		want   enrollment.WipeOptions
	}{
		{enrollment.FamilyMac, "15.1", false, enrollment.WipeOptions{Obliteration: enrollment.DoNotObliterate}},
		{enrollment.FamilyMac, "26.1", true, enrollment.WipeOptions{Obliteration: enrollment.DoNotObliterate}},
		{enrollment.FamilyMac, "", true, enrollment.WipeOptions{Obliteration: enrollment.DoNotObliterate}},
		{enrollment.FamilyIPhone, "16.7", true, enrollment.WipeOptions{PreserveDataPlan: true}},
		{enrollment.FamilyIPhone, "17.0", true, enrollment.WipeOptions{PreserveDataPlan: true, ReturnToService: true}},
		{enrollment.FamilyIPhone, "17.0", false, enrollment.WipeOptions{PreserveDataPlan: true}},
		{enrollment.FamilyIPad, "18", true, enrollment.WipeOptions{PreserveDataPlan: true, ReturnToService: true}},
		{enrollment.FamilyIPad, "", true, enrollment.WipeOptions{PreserveDataPlan: true}},
		{enrollment.FamilyAppleTV, "17.4", true, enrollment.WipeOptions{}},
		{enrollment.FamilyAppleTV, "18.0", true, enrollment.WipeOptions{ReturnToService: true}},
		{enrollment.FamilyVision, "2.0", true, enrollment.WipeOptions{}},
		{enrollment.FamilyVision, "26.0", true, enrollment.WipeOptions{ReturnToService: true}},
		{enrollment.FamilyWatch, "10.1", true, enrollment.WipeOptions{PreserveDataPlan: true}},
		{enrollment.FamilyWatch, "9.6", true, enrollment.WipeOptions{}},
		{"", "26.0", true, enrollment.WipeOptions{}},
	} {
		got := enrollment.SafeWipe(enrollment.Device{Family: c.family, OS: c.os}, c.rts)
		assert.Equal(t, c.want, got, "%+v", c)
		assert.Equal(t, c.family == enrollment.FamilyMac, got.ErrorIsDefinite(), "%+v", c)
	}
}

// The form is part of what MDM servers remember.
func TestTheCommandOfAWipeIsTheSameOnEveryMachine(t *testing.T) {
	one := enrollment.WipeCommand("acme", "mov_1/wipe/1")
	assert.Equal(t, "2e51d88c-96de-8e56-98db-cf41632b4bcd", one)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, one)
	for _, other := range []string{
		enrollment.WipeCommand("acme", "mov_1/wipe/2"), enrollment.WipeCommand("other", "mov_1/wipe/1"),
		enrollment.WipeCommand("acmemov_1/", "wipe/1"),
	} {
		assert.NotEqual(t, one, other)
	}
}

func TestAWipeIsNamedByWhatItCarries(t *testing.T) {
	w := enrollment.Wipe{Command: "c", Tenant: "t", MDM: "m", Device: enrollment.Device{Serial: "s", UDID: "u"}}
	assert.Equal(t, enrollment.WipeRef{Command: "c", Tenant: "t", MDM: "m", Serial: "s", UDID: "u"}, w.Ref())
}

func TestPINsHaveSixDigits(t *testing.T) {
	for _, bad := range []string{"", "12345", "1234567", "12345a", "１２", "-12345"} {
		_, err := enrollment.NewPIN(bad)
		require.Error(t, err, bad)
	}
	pin, err := enrollment.NewPIN("048213")
	require.NoError(t, err)
	assert.Equal(t, "048213", pin.Reveal())
	assert.False(t, pin.IsZero())
	assert.True(t, enrollment.PIN{}.IsZero())
}

func TestPINsNeverPrint(t *testing.T) {
	pin, err := enrollment.NewPIN("048213")
	require.NoError(t, err)
	held := struct{ Beside enrollment.PIN }{pin}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("wipe", "pin", pin, "held", held, "pointer", &pin)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, pin, &pin, held)
	}
	_, err = json.Marshal(held)
	require.Error(t, err)
	fmt.Fprint(&out, err, pin.String())
	assert.NotContains(t, out.String(), "048213")
	assert.NotContains(t, out.String(), fmt.Sprintf("%x", "048213"))
}

// What an error does not say is open after a call that changes something, and worth another attempt after one that asks.
func TestErrorsOfPortsSayWhatBecameOfTheCall(t *testing.T) {
	broken := errors.New("connection reset")
	for _, c := range []struct {
		err         error
		sent, asked enrollment.Outcome
		after       time.Duration
	}{
		{nil, enrollment.OK, enrollment.OK, 0},
		{broken, enrollment.Unknown, enrollment.Retry, 0},
		{&enrollment.CallError{Outcome: enrollment.Retry, After: time.Minute, Err: broken}, enrollment.Retry, enrollment.Retry, time.Minute},
		{&enrollment.CallError{Outcome: enrollment.Retry, After: -time.Minute}, enrollment.Retry, enrollment.Retry, 0},
		{&enrollment.CallError{Outcome: enrollment.Fatal}, enrollment.Fatal, enrollment.Fatal, 0},
		{&enrollment.CallError{Outcome: enrollment.Unknown}, enrollment.Unknown, enrollment.Retry, 0},
		{&enrollment.CallError{Outcome: enrollment.OK}, enrollment.Unknown, enrollment.Retry, 0},
		{&enrollment.CallError{}, enrollment.Unknown, enrollment.Retry, 0},
		{errors.ErrUnsupported, enrollment.Fatal, enrollment.Fatal, 0},
		{enrollment.ErrNoDevice, enrollment.Fatal, enrollment.Fatal, 0},
		{enrollment.ErrNoBypassCode, enrollment.Fatal, enrollment.Fatal, 0},
		{enrollment.ErrWipeTaken, enrollment.Fatal, enrollment.Fatal, 0},
		{enrollment.ErrNoActivity, enrollment.Fatal, enrollment.Fatal, 0},
		{enrollment.ErrTooLate, enrollment.Retry, enrollment.Retry, 0},
		{enrollment.ErrRepeated, enrollment.OK, enrollment.OK, 0},
	} {
		for _, err := range []error{c.err, fmt.Errorf("wrapped: %w", c.err)} {
			if c.err == nil {
				err = nil
			}
			outcome, after := enrollment.Sent(err)
			assert.Equal(t, c.sent, outcome, "%v", err)
			assert.Equal(t, c.after, after, "%v", err)
			outcome, after = enrollment.Asked(err)
			assert.Equal(t, c.asked, outcome, "%v", err)
			assert.Equal(t, c.after, after, "%v", err)
		}
	}
	require.ErrorIs(t, &enrollment.CallError{Outcome: enrollment.Fatal, Err: enrollment.ErrNoDevice}, enrollment.ErrNoDevice)
	assert.Equal(t, "the call failed: fatal", (&enrollment.CallError{Outcome: enrollment.Fatal}).Error())
}

func TestWipeOptionsAreTheKeysOfEraseDevice(t *testing.T) {
	assert.Empty(t, enrollment.WipeOptions{}.Arguments())
	assert.Equal(t, map[string]any{
		"ObliterationBehavior": "DoNotObliterate", "PreserveDataPlan": true, "ReturnToService": map[string]any{"Enabled": true},
	}, enrollment.WipeOptions{Obliteration: enrollment.DoNotObliterate, PreserveDataPlan: true, ReturnToService: true}.Arguments())
}
