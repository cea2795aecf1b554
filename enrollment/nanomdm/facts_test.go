package nanomdm_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
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
	h := hook(t, &b)
	for _, kind := range []string{"User", "User Enrollment", "User Enrollment (Device)", "Shared iPad"} {
		for _, e := range []said{tokenUpdate(start, 1), connect(start, "Acknowledged", command)} {
			e.kind = kind
			send(t, h, e)
		}
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
}
