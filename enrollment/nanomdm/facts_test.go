package nanomdm_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

// The life of a device at one MDM, as its facts are told.
func TestCheckInsBecomeFacts(t *testing.T) {
	var b inbox
	h := hook(t, &b)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	send(t, h, authenticate(at(0)))
	send(t, h, tokenUpdate(at(1), 1))
	send(t, h, tokenUpdate(at(2), 2)) // a new push token, no enrollment
	send(t, h, connect(at(3), "Idle", ""))
	send(t, h, connect(at(4), "NotNow", command))
	send(t, h, connect(at(5), "Acknowledged", strings.ToUpper(command)))
	send(t, h, checkOut(at(6)))

	device := enrollment.DeviceEvent{Tenant: "acme", MDM: "old", Serial: serial, UDID: udid}
	event := func(kind enrollment.DeviceEventKind, seconds int, change func(*enrollment.DeviceEvent)) enrollment.DeviceEvent {
		e := device
		e.Kind, e.At, e.Device = kind, at(seconds), enrollment.Device{UDID: udid}
		if change != nil {
			change(&e)
		}
		return e
	}
	answer := func(state enrollment.WipeState) func(*enrollment.DeviceEvent) {
		return func(e *enrollment.DeviceEvent) { e.Wipe = &enrollment.WipeAnswer{Command: command, State: state} }
	}
	assert.Equal(t, []enrollment.DeviceEvent{
		event(enrollment.DeviceAuthenticated, 0, func(e *enrollment.DeviceEvent) {
			e.Device = enrollment.Device{Serial: serial, UDID: udid, Product: "iPad14,1", Family: enrollment.FamilyIPad, OS: "18.1"}
		}),
		event(enrollment.DeviceEnrolled, 1, nil),
		event(enrollment.DeviceWipeAnswered, 4, answer(enrollment.WipeNotNow)),
		event(enrollment.DeviceWipeAnswered, 5, answer(enrollment.WipeAcknowledged)),
	}, b.all())
}

func TestFamiliesAreReadFromProductNames(t *testing.T) {
	for product, want := range map[string]enrollment.Family{
		"iPhone17,2": enrollment.FamilyIPhone, "iPad14,1": enrollment.FamilyIPad, "iPod9,1": enrollment.FamilyIPod,
		"iMac14,2": enrollment.FamilyMac, "iMacPro1,1": enrollment.FamilyMac, "Macmini9,1": enrollment.FamilyMac, "Mac14,2": enrollment.FamilyMac,
		"MacBookPro18,3": enrollment.FamilyMac, "VirtualMac2,1": enrollment.FamilyMac, "AppleTV11,1": enrollment.FamilyAppleTV,
		"Watch6,1": enrollment.FamilyWatch, "RealityDevice14,1": enrollment.FamilyVision, "Newton1,1": "", "": "",
	} {
		var b inbox
		e := authenticate(start)
		e.message["ProductName"] = product
		delete(e.message, "Model")
		send(t, hook(t, &b), e)
		require.Len(t, b.all(), 1)
		assert.Equal(t, want, b.all()[0].Device.Family, product)
	}
	var b inbox
	e := authenticate(start)
	delete(e.message, "ProductName")
	e.message["ModelName"] = "MacBook Pro"
	send(t, hook(t, &b), e)
	assert.Equal(t, enrollment.FamilyMac, b.all()[0].Device.Family, "a Mac's ModelName does as well")
}

func TestAnswersToAWipeAreTold(t *testing.T) {
	chain := []any{
		map[string]any{"ErrorCode": 12021, "ErrorDomain": "MCMDMErrorDomain", "USEnglishDescription": "no bootstrap\ntoken", "LocalizedDescription": "x"},
		map[string]any{"ErrorCode": 4, "LocalizedDescription": "deux"}, "no link",
	}
	for status, want := range map[string]enrollment.WipeAnswer{
		"Acknowledged":       {State: enrollment.WipeAcknowledged},
		"Error":              {State: enrollment.WipeFailed, Reason: "MCMDMErrorDomain 12021: no bootstrap token; 4: deux"},
		"CommandFormatError": {State: enrollment.WipeMalformed},
		"NotNow":             {State: enrollment.WipeNotNow},
	} {
		t.Run(status, func(t *testing.T) {
			var b inbox
			e := connect(start, status, command)
			if status == "Error" {
				e.message["ErrorChain"] = chain
			}
			send(t, hook(t, &b), e)
			want.Command = command
			require.Len(t, b.all(), 1)
			assert.Equal(t, &want, b.all()[0].Wipe)
		})
	}
}

func TestOtherAnswersAreNoAnswersToAWipe(t *testing.T) {
	var b inbox
	h := hook(t, &b)
	for _, uuid := range []string{
		"76eda240-5488-4989-8339-f2ae160113c4", "x", strings.ReplaceAll(command, "-", ""), command + "0",
	} {
		send(t, h, connect(start, "Acknowledged", uuid))
	}
	send(t, h, connect(start, "Idle", ""))
	send(t, h, connect(start, "Undreamt", command))
	assert.Empty(t, b.all())
}

// People's own channels, and devices that are not the organization's, are nobody's move.
func TestOnlyDeviceChannelsCount(t *testing.T) {
	var b inbox
	sightings := nanomdm.NewMemorySightings(0)
	h := hook(t, &b, func(c *nanomdm.WebhookConfig) { c.Sightings = sightings })
	for _, kind := range []string{"User", "User Enrollment", "User Enrollment (Device)", "Shared iPad"} {
		for _, e := range []said{tokenUpdate(start, 1), connect(start, "Acknowledged", command)} {
			if e.kind = kind; strings.HasPrefix(kind, "User Enrollment") {
				delete(e.message, "UDID")
				e.message["EnrollmentID"] = "E1"
			}
			send(t, h, e)
		}
		_, err := sightings.Sighting(t.Context(), "acme", "old", enrollment.Device{UDID: udid})
		assert.Equal(t, kind == "Shared iPad", err == nil, "%s tells nothing of a device", kind)
	}
	for _, topic := range []string{"mdm.GetBootstrapToken", "mdm.SetBootstrapToken", "mdm.DeclarativeManagement", "mdm.UserAuthenticate", "mdm.GetToken", "mdm.Future"} {
		e := checkOut(start)
		e.topic = topic
		send(t, h, e)
	}
	assert.Empty(t, b.all())
}

// NanoMDM reads its count when it sends: two messages in quick succession may both be told as the second.
func TestAnEnrollmentIsNotMissedWhereTheCountIsAhead(t *testing.T) {
	var b inbox
	h := hook(t, &b)
	send(t, h, authenticate(start))
	send(t, h, tokenUpdate(start.Add(time.Second), 2))
	send(t, h, tokenUpdate(start.Add(2*time.Second), 2))
	require.Len(t, b.all(), 2)
	assert.Equal(t, enrollment.DeviceEnrolled, b.all()[1].Kind)
	assert.Equal(t, start.Add(time.Second), b.all()[1].At)

	send(t, h, authenticate(start.Add(3*time.Second)))
	send(t, h, tokenUpdate(start.Add(4*time.Second), 2))
	require.Len(t, b.all(), 4, "and each enrollment has its own")
}

// NanoMDM stamps events as it gets to send them, so a TokenUpdate may be stamped before its own Authenticate. An enrollment
// that seems to be over before it began would never end a move.
func TestAnEnrollmentEndsAfterItBegan(t *testing.T) {
	late, early := start.Add(3*time.Millisecond), start.Add(time.Millisecond)
	for what, events := range map[string][]said{
		"the Authenticate comes first": {authenticate(late), tokenUpdate(early, 1)},
		"the TokenUpdate comes first":  {tokenUpdate(early, 1), authenticate(late)},
	} {
		t.Run(what, func(t *testing.T) {
			var b inbox
			sightings := nanomdm.NewMemorySightings(0)
			h := hook(t, &b, func(c *nanomdm.WebhookConfig) { c.Sightings = sightings })
			for _, e := range events {
				send(t, h, e)
			}
			at := map[enrollment.DeviceEventKind]time.Time{}
			for _, e := range b.all() {
				at[e.Kind] = e.At
			}
			require.Len(t, at, 2)
			assert.True(t, at[enrollment.DeviceEnrolled].After(at[enrollment.DeviceAuthenticated]), "%v", at)
			facts, err := nanomdm.NewReader(sightings, nil).DeviceFacts(t.Context(), "acme", "old", enrollment.Device{UDID: udid})
			require.NoError(t, err)
			assert.Equal(t, enrollment.Yes, facts.Managed)
			assert.Equal(t, at[enrollment.DeviceEnrolled], facts.EnrolledAt)

			again := start.Add(time.Second)
			send(t, h, authenticate(again))
			send(t, h, tokenUpdate(again.Add(time.Millisecond), 1))
			require.Len(t, b.all(), 4)
			assert.Equal(t, again, b.all()[2].At, "the next enrollment is another, however soon it comes")
			assert.Equal(t, again.Add(time.Millisecond), b.all()[3].At)
		})
	}
}

// What was received whole is kept, although the sender has hung up.
func TestAnEventIsKeptWhoeverHangsUp(t *testing.T) {
	var b inbox
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := hook(t, &b, func(c *nanomdm.WebhookConfig) {
		c.Deliver = func(ctx context.Context, e enrollment.DeviceEvent) error {
			_, limited := ctx.Deadline()
			assert.True(t, limited, "but not for ever")
			return errors.Join(ctx.Err(), b.deliver(ctx, e))
		}
	})
	status, text := post(h, authenticate(start).body(t), func(r *http.Request) { *r = *r.WithContext(ctx) })
	assert.Equal(t, http.StatusOK, status, text)
	assert.Len(t, b.all(), 1)
}

// What could not be delivered is told again with the device's next message of its kind.
func TestAnUndeliveredEnrollmentIsToldByTheNextTokenUpdate(t *testing.T) {
	var b inbox
	h := hook(t, &b)
	send(t, h, authenticate(start))
	b.err = errors.New("the database is down: password=hunter2")
	first := tokenUpdate(start.Add(time.Second), 1).body(t)
	status, text := post(h, first)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.NotContains(t, text, "hunter2", "what went wrong inside is the host's, not the caller's")
	b.err = nil
	send(t, h, tokenUpdate(start.Add(2*time.Second), 2))
	require.Len(t, b.all(), 2)
	assert.Equal(t, enrollment.DeviceEnrolled, b.all()[1].Kind)
	status, _ = post(h, first)
	assert.Equal(t, http.StatusOK, status, "who sends it again may")
	assert.Len(t, b.all(), 3, "and it is told then")
}
