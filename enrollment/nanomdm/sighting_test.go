package nanomdm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

// told sends events through a webhook and returns what a reader then knows of the device.
func told(t *testing.T, events ...said) enrollment.DeviceFacts {
	t.Helper()
	sightings := nanomdm.NewMemorySightings(0)
	h := hook(t, &inbox{}, func(c *nanomdm.WebhookConfig) { c.Sightings = sightings })
	for _, e := range events {
		send(t, h, e)
	}
	read := start.Add(time.Hour)
	facts, err := nanomdm.NewReader(sightings, func() time.Time { return read }).DeviceFacts(t.Context(), "acme", "old", enrollment.Device{Serial: serial})
	require.NoError(t, err)
	assert.Equal(t, read, facts.ObservedAt)
	return facts
}

func in(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func TestFactsComeFromWhatPassedBy(t *testing.T) {
	info := map[string]any{"IsSupervised": true, "IsMultiUser": false, "IsAppleSilicon": false, "IsActivationLockEnabled": true, "OSVersion": "18.2", "SerialNumber": serial, "UDID": "another"}
	waiting := tokenUpdate(in(1), 1)
	waiting.message["AwaitingConfiguration"] = true
	facts := told(t, authenticate(start), waiting, connect(in(2), "Acknowledged", "x", "QueryResponses", info))
	facts.ObservedAt = time.Time{}
	assert.Equal(t, enrollment.DeviceFacts{
		Device: enrollment.Device{Serial: serial, UDID: udid, Product: "iPad14,1", Family: enrollment.FamilyIPad, OS: "18.2"},
		MDM:    "old", Managed: enrollment.Yes, Supervised: enrollment.Yes, SharedIPad: enrollment.No, ADEEnrolled: enrollment.Yes,
		AppleSilicon: enrollment.No, ActivationLocked: enrollment.Yes, EnrolledAt: in(1), LastSeen: in(2),
	}, facts)
}

// A wipe may hang on it, so what no message told is not known.
func TestWhatNobodyToldIsNotKnown(t *testing.T) {
	facts := told(t, authenticate(start))
	assert.Equal(t, enrollment.NotKnown, facts.Managed, "to begin is not to be enrolled")
	assert.Equal(t, enrollment.NotKnown, facts.SharedIPad)
	assert.True(t, facts.MayBeShared())
	facts = told(t, authenticate(start), tokenUpdate(in(1), 1))
	assert.Equal(t, enrollment.Yes, facts.Managed)
	assert.Equal(t, enrollment.NotKnown, facts.ADEEnrolled, "not every profile makes devices wait")
	unlocked := map[string]any{"IsActivationLockEnabled": false, "IsSupervised": "yes"}
	facts = told(t, authenticate(start), connect(in(1), "Acknowledged", "x", "QueryResponses", unlocked))
	assert.Equal(t, enrollment.NotKnown, facts.ActivationLocked, "newer systems say No whether there is one or not")
	assert.Equal(t, enrollment.NotKnown, facts.Supervised, "a text is no answer to yes or no")
}

func TestACheckedOutDeviceIsNotManaged(t *testing.T) {
	assert.Equal(t, enrollment.No, told(t, authenticate(start), tokenUpdate(in(1), 1), checkOut(in(2))).Managed)
}

func TestASessionMakesASharedIPad(t *testing.T) {
	session := tokenUpdate(in(2), 1)
	session.kind = "Shared iPad"
	facts := told(t, authenticate(start), tokenUpdate(in(1), 1), session)
	assert.Equal(t, enrollment.Yes, facts.SharedIPad)
	assert.Equal(t, enrollment.Yes, facts.Managed)
}

// After an erase it may be anything but the device of that name.
func TestANewEnrollmentForgetsTheOldOne(t *testing.T) {
	info := map[string]any{"IsSupervised": true, "IsMultiUser": true}
	again := authenticate(in(5))
	delete(again.message, "SerialNumber")
	facts := told(t, authenticate(start), tokenUpdate(in(1), 1), connect(in(2), "Acknowledged", "x", "QueryResponses", info), authenticate(in(5)))
	assert.Equal(t, enrollment.NotKnown, facts.Managed)
	assert.Equal(t, enrollment.NotKnown, facts.Supervised)
	assert.Equal(t, enrollment.NotKnown, facts.SharedIPad)
	assert.True(t, facts.EnrolledAt.IsZero())
	assert.Equal(t, serial, facts.Serial)
}

// NanoMDM sends events side by side, so the later one may arrive first.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	info := map[string]any{"IsSupervised": true}
	events := []said{authenticate(start), tokenUpdate(in(1), 1), connect(in(2), "Acknowledged", "x", "QueryResponses", info), checkOut(in(3)), authenticate(in(4)), tokenUpdate(in(5), 1)}
	want := told(t, events...)
	assert.Equal(t, enrollment.NotKnown, want.Supervised)
	for i := range events {
		turned := append(append([]said{}, events[i:]...), events[:i]...)
		got := told(t, turned...)
		assert.Equal(t, want, got, "from %d on", i)
	}
}

func TestSightingsBelongToOneTenantAndMDM(t *testing.T) {
	m := nanomdm.NewMemorySightings(0)
	s := nanomdm.Sighting{DeviceFacts: enrollment.DeviceFacts{Device: enrollment.Device{Serial: serial, UDID: udid}, MDM: "old", LastSeen: start}}
	_, _, err := m.Saw(t.Context(), "acme", s)
	require.NoError(t, err)
	for _, c := range []struct {
		tenant enrollment.TenantID
		mdm    enrollment.MDMID
		device enrollment.Device
		found  bool
	}{
		{"acme", "old", enrollment.Device{UDID: udid}, true},
		{"acme", "old", enrollment.Device{Serial: serial}, true},
		{"acme", "old", enrollment.Device{Serial: serial, UDID: "other"}, false},
		{"acme", "old", enrollment.Device{}, false},
		{"acme", "new", enrollment.Device{UDID: udid}, false},
		{"other", "old", enrollment.Device{Serial: serial}, false},
	} {
		_, err := m.Sighting(t.Context(), c.tenant, c.mdm, c.device)
		if c.found {
			require.NoError(t, err, "%+v", c)
			continue
		}
		require.ErrorIs(t, err, enrollment.ErrNoDevice, "%+v", c)
	}
}

func TestSightingsAreBounded(t *testing.T) {
	m := nanomdm.NewMemorySightings(3)
	see := func(n int) {
		_, _, err := m.Saw(t.Context(), "acme", nanomdm.Sighting{DeviceFacts: enrollment.DeviceFacts{
			Device: enrollment.Device{UDID: fmt.Sprint("u", n), Serial: fmt.Sprint("S", n)}, MDM: "old", LastSeen: start,
		}})
		require.NoError(t, err)
	}
	for _, n := range []int{1, 2, 3, 1, 4} {
		see(n)
	}
	for n, found := range map[int]bool{1: true, 2: false, 3: true, 4: true} {
		for _, d := range []enrollment.Device{{UDID: fmt.Sprint("u", n)}, {Serial: fmt.Sprint("S", n)}} {
			_, err := m.Sighting(t.Context(), "acme", "old", d)
			assert.Equal(t, found, err == nil, "%+v", d)
		}
	}
}

func TestSightingsAreSafeTogetherAndEndWithTheirContext(t *testing.T) {
	m := nanomdm.NewMemorySightings(10)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 50 {
				_, _, _ = m.Saw(t.Context(), "acme", nanomdm.Sighting{DeviceFacts: enrollment.DeviceFacts{Device: enrollment.Device{UDID: fmt.Sprint(n % 3), Serial: serial}, MDM: "old", LastSeen: in(i)}})
				_, _ = m.Sighting(t.Context(), "acme", "old", enrollment.Device{Serial: serial})
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := m.Saw(ctx, "acme", nanomdm.Sighting{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.Sighting(ctx, "acme", "old", enrollment.Device{UDID: "1"})
	require.ErrorIs(t, err, context.Canceled)
}

// A host keeps them in its own table.
func TestSightingsAreJSON(t *testing.T) {
	s := nanomdm.Sighting{DeviceFacts: enrollment.DeviceFacts{Device: enrollment.Device{Serial: serial}, MDM: "old", LastSeen: start}, Authenticated: start}
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var again nanomdm.Sighting
	require.NoError(t, json.Unmarshal(text, &again))
	assert.Equal(t, s, again)
}
